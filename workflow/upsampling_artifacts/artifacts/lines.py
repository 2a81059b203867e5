"""Spectral lines: how strong a tone stands over its surroundings, where predicted and anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d, median_filter
from scipy.stats import beta

from upsampling_artifacts.artifacts.spectra import (
    MAIN_LOBE_BINS,
    line_power,
    line_spectrum,
    line_window,
)
from upsampling_artifacts.errors import InputError

# What lies this far below the sum of all bins, or 143 dB below the RMS of the loudest frame, is
# below the last bit of float32 (2**-24, -144 dB), whose rounding has lines of its own.
NOTHING_DB = -150.0

# A line must stand in three quarters of the frames: notes that come and go do not.
ABSENT_SHARE = 0.25

# How often noise may give a line, per signal: a tenth of the 1 % that is promised, for the floor
# is itself an estimate, and neighbouring bins and frames are not quite independent.
FALSE_ALARMS = 0.001

# A tone keeps its phase over blocks of about three seconds: the mean of its unit phasors is 1.
# Measured: 0.95 in the median for a tone that just stands out of white noise, 0.84 for one that
# just stands out of music (-40 dB); 0.37 for the notes of eighteen songs of six seconds, one of
# 551 above 0.8. In three seconds, 16 of 593 are; in one and a half, 126 of 562.
STEADY = 0.8
BLOCK_FRAMES = 24

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
    median over ``neighbourhood_hz`` on either side. What stands out is a line if its phase also
    runs on steadily (see ``STEADY``): a whistle under music does, the notes of music do not,
    even those that come back all the time, for each begins with a phase of its own. In less than
    about three seconds, a note may last as long as a whistle, and counts as one.
    Frames of exact silence count for nothing. What lies below two main lobes (40 Hz) belongs to
    the offset, which is no line.

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
    # Of even length, so that there is a bin at Nyquist, where tones are expected.
    length = 2 * round(window_seconds * rate_hz / 2)
    starts = np.arange(0, signal.shape[-1] - length + 1, length // 4)
    starts = starts[[signal[:, start : start + length].any() for start in starts]]
    if not len(starts):
        return []
    frames = np.stack([line_spectrum(signal[:, start : start + length]) for start in starts])
    bin_hz = rate_hz / length
    reach = round(neighbourhood_hz / bin_hz)
    rank = _rank(len(frames))
    kept = np.partition(frames, rank - 1, axis=0)[rank - 1]
    nothing = 10 ** (NOTHING_DB / 10) * frames.sum(axis=1).max()
    floor = np.maximum(median_filter(kept, 2 * reach + 1, mode="reflect"), nothing)
    prominence_db = 10 * np.log10(np.maximum(kept, nothing) / floor)
    if threshold_db is None:
        threshold_db = chance_threshold_db(*frames.shape)
    stands_out = prominence_db > threshold_db
    stands_out[: 2 * MAIN_LOBE_BINS] = False
    # Of the bins of one main lobe the largest is the line.
    peaks = np.flatnonzero(stands_out & (kept == maximum_filter1d(kept, 2 * MAIN_LOBE_BINS + 1)))
    lines = []
    for peak, shift_hz, steadiness in zip(
        peaks, *_phase_steadiness(signal, rate_hz, length, starts, peaks), strict=True
    ):
        if steadiness < STEADY:
            continue
        around = frames[:, max(0, peak - reach) : peak + reach + 1]
        present = frames[:, peak] > 10 ** (threshold_db / 10) * np.median(around, axis=1)
        lines.append(
            FoundLine(
                frequency_hz=float(min(peak * bin_hz + shift_hz, rate_hz / 2)),
                level_db=_top_db(kept, peak),
                prominence_db=float(prominence_db[peak]),
                presence=float(present.mean()),
            )
        )
    return sorted(lines, key=lambda line: line.level_db, reverse=True)


def chance_threshold_db(frames: int, bins: int) -> float:
    """Prominence that white noise stays below in all bins of 999 signals out of 1000.

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


def _phase_steadiness(
    signal: np.ndarray, rate_hz: float, length: int, starts: np.ndarray, bins: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How well the phase at some bins runs on from frame to frame, and at what frequency.

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.
        length: Samples of a frame.
        starts: First sample of each frame.
        bins: ``(line,)``.

    Returns:
        ``(shift_hz, steadiness)``, both ``(line,)``: the frequency less that of the bin, and the
        mean of unit phasors that turn at that frequency, 0..1, over blocks of frames (RMS) and
        channels (by their median power).
    """
    window = line_window(length)
    spectra = np.stack(
        [
            np.fft.rfft(signal[:, start : start + length].astype(np.float64) * window)[:, bins]
            * np.exp(-2j * np.pi * start * bins / length)
            for start in starts
        ]
    )
    power = np.abs(spectra) ** 2
    phasors = spectra / np.sqrt(np.maximum(power, np.finfo(float).tiny))
    weights = np.median(power, axis=0)
    weights /= np.maximum(weights.sum(axis=0), np.finfo(float).tiny)
    turns_hz = np.linspace(-1, 1, 81) * rate_hz / length
    blocks = np.array_split(np.arange(len(starts)), max(1, len(starts) // BLOCK_FRAMES))
    squares = []
    for block in blocks:
        turns = np.exp(-2j * np.pi * np.outer(turns_hz, starts[block] / rate_hz))
        mean = np.tensordot(turns, phasors[block], axes=1) / len(block)
        squares.append(np.sum(np.abs(mean) ** 2 * weights, axis=1))
    steadiness = np.sqrt(np.mean(squares, axis=0))
    best = steadiness.argmax(axis=0)
    return turns_hz[best], steadiness.max(axis=0)


def _top_db(power: np.ndarray, peak: int) -> float:
    """Level at the top of the parabola through three bins: the main lobe is one, in dB."""
    if peak == len(power) - 1:
        # Nyquist: no mirror image shares the power.
        return float(10 * np.log10(power[peak] / 2))
    before, top, after = 10 * np.log10(power[peak - 1 : peak + 2])
    return float(top - (after - before) ** 2 / (before - 2 * top + after) / 8)
