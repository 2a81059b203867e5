"""Spectral lines: how strong a tone stands over its surroundings, where predicted and anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.ndimage import maximum_filter1d, median_filter
from scipy.signal.windows import kaiser
from scipy.stats import beta

from upsampling_artifacts.errors import InputError

# The Kaiser window's side lobes must lie below the floor that a silent network leaves, which is
# float32's rounding, about -150 dB. beta = 30 puts them at about -220 dB; the main lobe ends
# at sqrt(1 + (beta / pi)^2) = 9.6 bins (Kaiser & Schafer 1980).
KAISER_BETA = 30.0
MAIN_LOBE_BINS = 10

# What lies this far below the whole signal is this module's own rounding (float64) and the
# window's side lobes; float32's is far above: -150 dB in all, -190 dB in one bin of half a second.
NOTHING_DB = -200.0

# A line must stand in three quarters of the frames: notes that come and go do not.
ABSENT_SHARE = 0.25

# How often noise may give a line, per signal: half of the 1 % that is promised, for neighbouring
# bins and overlapping frames are not quite as independent as the threshold takes them to be.
FALSE_ALARMS = 0.005

# However long the signal, ripples of a coloured noise are no lines. The same 6 dB as in the
# screening for tones of Bray & Caspary (2008) that goes with ECMA-418-1.
LEAST_THRESHOLD_DB = 6.0

SHORTEST_SECONDS = 1.0


@dataclass(frozen=True)
class Line:
    """A tone at a known frequency.

    Attributes:
        frequency_hz: Where it was looked for.
        level_db: RMS of the tone, dB re 1 (the network's units); -inf if there is nothing.
        prominence_db: Peak over the median of the surrounding bins; NaN if all is exactly zero.
    """

    frequency_hz: float
    level_db: float
    prominence_db: float


@dataclass(frozen=True)
class FoundLine:
    """A stationary tone that nobody predicted.

    Attributes:
        frequency_hz: Where it stands.
        level_db: RMS of the tone, dB re 1: what it keeps up in three quarters of the frames.
        prominence_db: Peak over the running median, both of the quarter-percentile spectrum.
        presence: Share of the frames in which it stands out by the threshold, 0..1.
    """

    frequency_hz: float
    level_db: float
    prominence_db: float
    presence: float


def predicted_frequencies(rate_hz: float, stride: int) -> np.ndarray:
    """Where a last layer of this stride puts tones: ``k * rate / stride`` up to Nyquist.

    A constant at the layer's input becomes a signal that repeats every ``stride`` samples
    (sections 2 and 4 of the paper): only multiples of ``rate / stride`` are in it.
    """
    return rate_hz / stride * np.arange(1, stride // 2 + 1)


def line_spectrum(signal: np.ndarray) -> np.ndarray:
    """Power spectrum in which a sine reads its mean square, mean over channels.

    The whole signal under one Kaiser window. White noise of variance v reads
    ``2 v * noise_bandwidth_bins(time) / time`` in each bin.

    Args:
        signal: ``(channels, time)``.

    Returns:
        ``(frequency,)``, as of ``numpy.fft.rfft``.
    """
    window = _window(signal.shape[-1])
    power = np.mean(np.abs(np.fft.rfft(signal.astype(np.float64) * window)) ** 2, axis=0)
    # A sine of amplitude A has |X| = A * sum(window) / 2 at its peak, and RMS A / sqrt(2).
    return power * 2 / window.sum() ** 2


def noise_bandwidth_bins(time: int) -> float:
    """How many bins' worth of noise one bin of :func:`line_spectrum` collects: 3.1."""
    window = _window(time)
    return float(time * np.sum(window**2) / window.sum() ** 2)


@lru_cache(maxsize=4)
def _window(time: int) -> np.ndarray:
    return kaiser(time, KAISER_BETA)


def line_power(spectrum: np.ndarray, time: int, rate_hz: float, frequency_hz: float) -> float:
    """Mean square of the tone at a frequency: the largest bin within the main lobe around it.

    Between two bins no more than 0.36 dB is lost.
    """
    bin_hz = rate_hz / time
    distance = np.abs(np.arange(len(spectrum)) * bin_hz - frequency_hz)
    peak = float(spectrum[distance <= MAIN_LOBE_BINS * bin_hz].max())
    # At 0 Hz and at Nyquist there is no mirror image to share with: |X| = A * sum(window), RMS A.
    alone = frequency_hz <= bin_hz / 2 or frequency_hz >= rate_hz / 2 - bin_hz / 2
    return peak / 2 if alone else peak


def measure_line(
    signal: np.ndarray, rate_hz: float, frequency_hz: float, neighbourhood_hz: float = 100.0
) -> Line:
    """Measure the tone at one frequency: see :func:`measure_lines`."""
    return measure_lines(signal, rate_hz, [frequency_hz], neighbourhood_hz)[0]


def measure_lines(
    signal: np.ndarray,
    rate_hz: float,
    frequencies_hz: Iterable[float],
    neighbourhood_hz: float = 100.0,
) -> list[Line]:
    """Measure the tones at some frequencies.

    The power spectrum of the whole signal under a Kaiser window, mean over channels: the
    largest value within the main lobe around each frequency, against the median within
    ``neighbourhood_hz`` on either side; for the prominence, both count as no less than 200 dB
    below the whole.

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.
        frequencies_hz: Where to look.
        neighbourhood_hz: What counts as its surroundings.

    Raises:
        InputError: The signal is too short to tell a tone from its surroundings.
    """
    time = signal.shape[-1]
    bin_hz = rate_hz / time
    if neighbourhood_hz < 4 * MAIN_LOBE_BINS * bin_hz:
        needed = 4 * MAIN_LOBE_BINS * rate_hz / neighbourhood_hz
        raise InputError(f"signal: {time} samples are too short for a line; {needed:.0f} needed")
    spectrum = line_spectrum(signal)
    bins_hz = np.fft.rfftfreq(time, 1 / rate_hz)
    nothing = 10 ** (NOTHING_DB / 10) * spectrum.sum()
    lines = []
    for frequency_hz in frequencies_hz:
        distance = np.abs(bins_hz - frequency_hz)
        peak = max(spectrum[distance <= MAIN_LOBE_BINS * bin_hz].max(), nothing)
        around = (distance > MAIN_LOBE_BINS * bin_hz) & (distance <= neighbourhood_hz)
        floor = max(np.median(spectrum[around]), nothing)
        power = line_power(spectrum, time, rate_hz, frequency_hz)
        with np.errstate(divide="ignore", invalid="ignore"):
            level_db = 10 * np.log10(power)
            prominence_db = 10 * np.log10(peak / floor)
        lines.append(Line(float(frequency_hz), float(level_db), float(prominence_db)))
    return lines


def find_lines(
    signal: np.ndarray,
    rate_hz: float,
    *,
    window_seconds: float = 0.5,
    threshold_db: float | None = None,
    neighbourhood_hz: float = 100.0,
) -> list[FoundLine]:
    """Find stationary narrow lines anywhere.

    The signal is cut into frames that overlap by three quarters. What each frequency keeps up
    in three quarters of them (the lower quartile of its power) is compared with the running
    median over ``neighbourhood_hz`` on either side. A whistle under music is found; a note
    that sounds for less than three quarters of the signal is not. Frames of exact silence count
    for nothing. What lies below two main lobes (40 Hz) belongs to the offset, which is no line.

    Args:
        signal: ``(channels, time)``; at least a second.
        rate_hz: Sampling rate.
        window_seconds: Length of a frame: two lines are told apart when ten of its bins
            (20 Hz) lie between them.
        threshold_db: How far a line stands out. None: see :func:`chance_threshold_db`.
        neighbourhood_hz: What counts as its surroundings.

    Returns:
        The lines, strongest first.

    Raises:
        InputError: The signal is shorter than a second, or than two frames.
    """
    seconds = signal.shape[-1] / rate_hz
    needed = max(SHORTEST_SECONDS, 2 * window_seconds)
    if seconds < needed:
        raise InputError(
            f"signal: {seconds:.2f} s are too short to find lines; {needed:g} s needed"
        )
    frames = _frame_spectra(signal, rate_hz, window_seconds)
    frames = frames[frames.any(axis=1)]
    if not len(frames):
        return []
    rank = _rank(len(frames))
    kept = np.partition(frames, rank - 1, axis=0)[rank - 1]
    bin_hz = rate_hz / 2 / (frames.shape[1] - 1)
    reach = round(neighbourhood_hz / bin_hz)
    nothing = 10 ** (NOTHING_DB / 10) * frames.sum(axis=1).max()
    floor = np.maximum(median_filter(kept, 2 * reach + 1, mode="reflect"), nothing)
    prominence_db = 10 * np.log10(np.maximum(kept, nothing) / floor)
    if threshold_db is None:
        threshold_db = chance_threshold_db(*frames.shape)
    # Of the bins of one main lobe the largest is the line.
    is_line = (kept == maximum_filter1d(kept, 2 * MAIN_LOBE_BINS + 1)) & (
        prominence_db > threshold_db
    )
    is_line[: 2 * MAIN_LOBE_BINS] = False
    lines = []
    for peak in np.flatnonzero(is_line):
        offset_bins, gain_db = _parabola(kept, peak)
        around = frames[:, max(0, peak - reach) : peak + reach + 1]
        stands_out = frames[:, peak] > 10 ** (threshold_db / 10) * np.median(around, axis=1)
        alone_db = 10 * np.log10(2) if peak == len(kept) - 1 else 0.0
        lines.append(
            FoundLine(
                frequency_hz=float((peak + offset_bins) * bin_hz),
                level_db=float(10 * np.log10(kept[peak]) + gain_db - alone_db),
                prominence_db=float(prominence_db[peak]),
                presence=float(stands_out.mean()),
            )
        )
    return sorted(lines, key=lambda line: line.level_db, reverse=True)


def chance_threshold_db(frames: int, bins: int) -> float:
    """Prominence that white noise stays below in all bins of 199 signals out of 200.

    In one bin, the power of noise in a frame follows an exponential distribution; that of the
    ``k`` th smallest of ``n`` independent frames (at an overlap of three quarters, this window
    leaves a correlation of 0.02 between their powers) is ``-ln(1 - u)`` with ``u`` from
    Beta(k, n - k + 1). The floor is its median; the threshold, what it exceeds in one of
    ``bins / FALSE_ALARMS`` cases. The mean over several channels varies less.
    """
    k = _rank(frames)
    order_statistic = beta(k, frames - k + 1)
    rare = -np.log1p(-order_statistic.isf(FALSE_ALARMS / bins))
    usual = -np.log1p(-order_statistic.median())
    return max(LEAST_THRESHOLD_DB, float(10 * np.log10(rare / usual)))


def _rank(frames: int) -> int:
    """Which of the sorted frames, counted from one, a quarter of them do not exceed."""
    return int(np.ceil(ABSENT_SHARE * frames))


def _frame_spectra(signal: np.ndarray, rate_hz: float, window_seconds: float) -> np.ndarray:
    """:func:`line_spectrum` of frames that overlap by three quarters: ``(frame, frequency)``."""
    # Of even length, so that there is a bin at Nyquist, where tones are expected.
    length = 2 * round(window_seconds * rate_hz / 2)
    starts = range(0, signal.shape[-1] - length + 1, length // 4)
    return np.stack([line_spectrum(signal[:, start : start + length]) for start in starts])


def _parabola(power: np.ndarray, peak: int) -> tuple[float, float]:
    """Where the parabola through three bins has its top: bins from ``peak``, dB above it.

    The main lobe of a Kaiser window is one in dB but for 0.01 bins.
    """
    if peak == len(power) - 1:
        return 0.0, 0.0
    before, top, after = 10 * np.log10(power[peak - 1 : peak + 2])
    offset = (before - after) / 2 / (before - 2 * top + after)
    return offset, (after - before) * offset / 4
