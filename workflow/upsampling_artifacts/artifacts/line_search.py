"""Tonal artifacts: a blind search for spectral lines at any frequency.

The detector is our own: an order statistic over frames, a threshold from its distribution in white
noise, and a test for a steady phase.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d, median_filter
from scipy.stats import beta

from upsampling_artifacts.artifacts.lines import FLOAT32_FLOOR_DB
from upsampling_artifacts.artifacts.spectra import MAIN_LOBE_BINS, line_spectrum, line_window
from upsampling_artifacts.errors import InputError

# A line must be present in three quarters of the frames. Notes of music are not.
ABSENT_SHARE = 0.25

# Probability of a false alarm per signal, by height or by steadiness: a tenth of the 1 % that we
# promise, because the floor is an estimate, and bins and frames are not quite independent.
FALSE_ALARMS = 0.001

# Smallest mean of a line's unit phasors over blocks of about three seconds; 1 for a steady tone.
# Measured medians: 0.95 for a tone at the threshold in white noise, 0.84 for one at the threshold
# in music (-40 dB), 0.37 for the notes of eighteen songs.
MIN_STEADINESS = 0.8
BLOCK_FRAMES = 24

# In short signals, noise through a narrow resonance is nearly as steady as a tone. A line must be
# steadier than noise through a resonance of this Q, for which a block consists of ``n`` looks:
# periods in which its phase is coherent. The steadiness of ``n`` looks exceeds ``s`` with a
# probability of about ``TRIALS (1 - s**2)**n``. The three constants were fitted to 7,500 signals of
# 1 to 4 s, and are confirmed in tests: at most 1 % of such signals raise a false alarm.
RESONANCE_Q = 50
WINDOW_COHERENCE = 0.45
TRIALS = 5

# However long the signal, the ripples of colored noise are not lines. 6 dB is the threshold of the
# tone screening by Bray & Caspary (2008) that accompanies ECMA-418-1.
MIN_THRESHOLD_DB = 6.0

MIN_SECONDS = 1.0


@dataclass(frozen=True)
class FoundLine:
    """A stationary tone detected without a prediction.

    Attributes:
        frequency_hz: Its frequency.
        level_db: RMS of the tone in dB re 1, reached in three quarters of the frames.
        prominence_db: Peak over the running median in dB, both of the lower quartile over frames.
        presence: Share of the frames in which the tone exceeds the threshold, 0 to 1.
    """

    frequency_hz: float
    level_db: float
    prominence_db: float
    presence: float


def find_lines(
    signal: np.ndarray,
    rate_hz: float,
    *,
    window_seconds: float = 0.5,
    threshold_db: float | None = None,
    neighborhood_hz: float = 100.0,
    where: np.ndarray | None = None,
) -> list[FoundLine]:
    """Detect stationary narrow lines at any frequency.

    1. The signal is cut into frames that overlap by three quarters.
    2. For each bin, the lower quartile of its power over frames (the power that it reaches in
       three quarters of them) is compared with the running median over ``neighborhood_hz`` on
       either side.
    3. A bin that exceeds the threshold is a line if its phase advances steadily from frame to
       frame (:func:`min_steadiness`). A whistle under music passes. Notes do not, even if they
       recur, because each starts with a phase of its own. Nor does noise, however narrow its
       resonances (up to a Q of 50). In signals shorter than about three seconds, a note can last
       as long as a whistle and be detected, and a tone must stand out more, the lower it is.

    Frames of exact silence are skipped. Frequencies below two main lobes (40 Hz) belong to the DC
    offset, which is not a line.

    Args:
        signal: ``(channels, time)``, at least a second.
        rate_hz: Sampling rate.
        window_seconds: Length of a frame. Lines closer than ten bins (20 Hz) merge.
        threshold_db: Smallest prominence of a line. None: :func:`chance_threshold_db`.
        neighborhood_hz: Half width of the surroundings.
        where: ``(time,)``, True where to look: frames that leave it are skipped. None: everywhere.

    Returns:
        The lines, strongest first.

    Raises:
        InputError: The signal is shorter than a second, or than two frames.

    Example:
        >>> times_seconds = np.arange(8000) / 4000
        >>> whistle = 0.1 * np.sqrt(2) * np.sin(2 * np.pi * 1234 * times_seconds)
        >>> noise = 0.01 * np.random.default_rng(0).standard_normal((1, 8000))
        >>> [line] = find_lines(whistle + noise, rate_hz=4000)
        >>> round(line.frequency_hz), round(line.level_db), line.presence
        (1234, -20, 1.0)
    """
    seconds = signal.shape[-1] / rate_hz
    needed = max(MIN_SECONDS, 2 * window_seconds)
    if seconds < needed:
        raise InputError(
            f"signal: {seconds:.2f} s are too short to detect lines; use at least {needed:g} s"
        )
    # An even length has a bin at the Nyquist frequency, where a tone is predicted.
    length = 2 * round(window_seconds * rate_hz / 2)
    starts = frame_starts(signal, length, where)
    if not len(starts):
        return []
    frames = np.stack([line_spectrum(signal[:, start : start + length]) for start in starts])
    bin_hz = rate_hz / length
    reach = round(neighborhood_hz / bin_hz)
    rank = _rank(len(frames))
    quartile = np.partition(frames, rank - 1, axis=0)[rank - 1]
    smallest = 10 ** (FLOAT32_FLOOR_DB / 10) * frames.sum(axis=1).max()
    floor = np.maximum(median_filter(quartile, 2 * reach + 1, mode="reflect"), smallest)
    # At the Nyquist frequency, no negative frequency shares the power.
    shared = np.ones_like(quartile)
    shared[-1] = 0.5
    prominence_db = 10 * np.log10(np.maximum(shared * quartile, smallest) / floor)
    if threshold_db is None:
        threshold_db = chance_threshold_db(*frames.shape)
    stands_out = prominence_db > threshold_db
    stands_out[: 2 * MAIN_LOBE_BINS] = False
    # The largest bin of each main lobe is the line.
    largest = maximum_filter1d(quartile, 2 * MAIN_LOBE_BINS + 1)
    peaks = np.flatnonzero(stands_out & (quartile == largest))
    # Halfway between two bins, a line is equally large in both.
    peaks = peaks[np.diff(peaks, prepend=-MAIN_LOBE_BINS - 1) > MAIN_LOBE_BINS]
    shifts_hz, steadiness = _phase_steadiness(signal, rate_hz, length, starts, peaks)
    block_seconds = (len(starts) / _blocks(len(starts)) - 1) * length / 4 / rate_hz
    steady = steadiness >= min_steadiness(peaks * bin_hz, length / rate_hz, block_seconds)
    lines = []
    for peak, shift_hz in zip(peaks[steady], shifts_hz[steady], strict=True):
        around = frames[:, max(0, peak - reach) : peak + reach + 1]
        present = shared[peak] * frames[:, peak] > 10 ** (threshold_db / 10) * np.median(
            around, axis=1
        )
        lines.append(
            FoundLine(
                frequency_hz=float(min(peak * bin_hz + shift_hz, rate_hz / 2)),
                level_db=_peak_level_db(quartile, int(peak)),
                prominence_db=float(prominence_db[peak]),
                presence=float(present.mean()),
            )
        )
    return sorted(lines, key=lambda line: line.level_db, reverse=True)


def frame_starts(signal: np.ndarray, length: int, where: np.ndarray | None = None) -> np.ndarray:
    """Where to cut frames that overlap by three quarters; frames of exact silence are left out.

    Args:
        signal: ``(channels, time)``.
        length: Samples per frame.
        where: ``(time,)``, True where frames may lie; None: everywhere.

    Returns:
        ``(frame,)``, the first sample of each.

    >>> frame_starts(np.ones((1, 12)), 4, where=np.arange(12) >= 6).tolist()
    [6, 7, 8]
    """
    starts = np.arange(0, signal.shape[-1] - length + 1, max(1, length // 4))
    sounding = signal.any(axis=0)
    counts = np.concatenate([[0], np.cumsum(sounding)])
    keep = counts[starts + length] > counts[starts]
    if where is not None:
        inside = np.concatenate([[0], np.cumsum(where)])
        keep &= inside[starts + length] - inside[starts] == length
    return np.asarray(starts[keep])


def chance_threshold_db(frames: int, bins: int) -> float:
    """Prominence that white noise exceeds in one of a thousand signals.

    In one bin, the power of white noise over frames is exponentially distributed. The ``k``-th
    smallest of ``n`` independent frames is then ``-ln(1 - u)`` with ``u`` from
    Beta(k, n - k + 1). (With this window, frames that overlap by three quarters are nearly
    independent: the correlation of their powers is 0.02.) The threshold is the quantile exceeded
    with probability ``FALSE_ALARMS / bins``, over the median, which is the floor. Averaging over
    channels reduces the variance, so the threshold is safe for several channels.

    Args:
        frames: Number of frames.
        bins: Number of frequency bins.

    Returns:
        dB, at least ``MIN_THRESHOLD_DB``.

    Example:
        More frames vary less, so weaker lines are significant.

        >>> [round(chance_threshold_db(frames, bins=1000), 1) for frames in (5, 10, 45)]
        [10.1, 8.6, 6.0]
    """
    k = _rank(frames)
    order_statistic = beta(k, frames - k + 1)
    rare = -np.log1p(-order_statistic.isf(FALSE_ALARMS / bins))
    usual = -np.log1p(-order_statistic.median())
    return max(MIN_THRESHOLD_DB, float(10 * np.log10(rare / usual)))


def min_steadiness(
    frequencies_hz: np.ndarray, window_seconds: float, block_seconds: float
) -> np.ndarray:
    """Steadiness that noise through a resonance of Q 50 hardly ever exceeds.

    Args:
        frequencies_hz: Center frequencies of the resonances, ``(line,)``.
        window_seconds: Length of a frame.
        block_seconds: From the first to the last frame whose phases are compared.

    Returns:
        ``(line,)``, at least ``MIN_STEADINESS``.

    Example:
        Short signals and low frequencies allow few looks.

        >>> for block_seconds in (1.0, 3.0):
        ...     min_steadiness(np.array([50.0, 1000.0]), 0.5, block_seconds).round(2).tolist()
        [1.0, 0.93]
        [0.89, 0.8]
    """
    # The phase of noise of bandwidth B is coherent for 1 / (pi B), here B = f / Q.
    coherent_seconds = WINDOW_COHERENCE * window_seconds + RESONANCE_Q / (np.pi * frequencies_hz)
    looks = block_seconds / coherent_seconds
    rare = (FALSE_ALARMS / TRIALS) ** (1 / looks)
    return np.maximum(MIN_STEADINESS, np.sqrt(1 - rare))


def _blocks(frames: int) -> int:
    """Number of blocks into which some frames are divided."""
    return max(1, frames // BLOCK_FRAMES)


def _rank(frames: int) -> int:
    """Rank of the lower quartile among the sorted frames, counted from one."""
    return int(np.ceil(ABSENT_SHARE * frames))


def _phase_steadiness(
    signal: np.ndarray, rate_hz: float, length: int, starts: np.ndarray, bins: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How steadily the phase of some bins advances from frame to frame, and at what frequency.

    The phasors of a steady tone, divided by their magnitude, rotate at the tone's offset from the
    bin. Rotated back at that rate, they add up. Of 81 rates within one bin, the best is taken.

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.
        length: Samples per frame.
        starts: ``(frame,)``, first sample of each frame.
        bins: ``(line,)``.

    Returns:
        ``(shift_hz, steadiness)``, both ``(line,)``: the tone's frequency relative to the bin's,
        and the magnitude of the mean phasor, 0 to 1, RMS over blocks of frames and weighted by
        the median power over channels.
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
    shifts_hz = np.linspace(-1, 1, 81) * rate_hz / length
    blocks = np.array_split(np.arange(len(starts)), _blocks(len(starts)))
    squares = []
    for block in blocks:
        rotation = np.exp(-2j * np.pi * np.outer(shifts_hz, starts[block] / rate_hz))
        mean = np.tensordot(rotation, phasors[block], axes=1) / len(block)
        squares.append(np.sum(np.abs(mean) ** 2 * weights, axis=1))
    steadiness = np.sqrt(np.mean(squares, axis=0))
    best = steadiness.argmax(axis=0)
    return shifts_hz[best], steadiness.max(axis=0)


def _peak_level_db(power: np.ndarray, peak: int) -> float:
    """Level at the vertex of the parabola through three bins: in dB, the main lobe is one."""
    if peak == len(power) - 1:
        # At the Nyquist frequency, no negative frequency shares the power.
        return float(10 * np.log10(power[peak] / 2))
    before, top, after = 10 * np.log10(power[peak - 1 : peak + 2])
    return float(top - (after - before) ** 2 / (before - 2 * top + after) / 8)
