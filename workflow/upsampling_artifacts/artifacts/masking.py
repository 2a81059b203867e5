"""Masking: whether a tone is audible in the noise around it (section 5, figure 9 of the paper).

Two standards answer. The audibility of DIN 45681:2005-03 and ISO/PAS 20065:2016 is computed here;
for that of ECMA-418-1, see prominence_ratio.py.

Clauses and formulas cited below are those of ISO/PAS 20065, which follows DIN 45681. Deviations:

- One spectrum is averaged over the whole signal. The standard averages the audibilities of several
  spectra of about three seconds, because its sounds change; our tones do not. It warns of shorter
  averages: in one second of one channel, margins are up to 1 dB too high.
- The frequencies of the tones are given. They are not searched for, nor tested for distinctness
  (5.3.4). Where no line exceeds the noise by 6 dB, the standard sees no tone; the margin is that of
  the largest line, an upper bound.
- At the end of the spectrum, only the part of a critical band below the Nyquist frequency masks.
- The standard ignores the threshold in quiet. It counts here if a playback level is given.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from upsampling_artifacts.artifacts.hearing import (
    a_weighting,
    critical_band_hz,
    threshold_in_quiet_db_spl,
)
from upsampling_artifacts.artifacts.spectra import mean_spectrum
from upsampling_artifacts.errors import InputError

# Smallest share of a critical band that must lie below the Nyquist frequency. With less, the tone
# lies at the edge of the spectrum, which no converter reproduces.
MIN_BAND_SHARE = 0.75

# The method is not validated for lower tones (clause 1).
LOWEST_TONE_HZ = 50.0

# The standard allows 1.9 to 4 Hz between lines (5.3.2). The length of a frame is a power of two,
# so the tones of strides that are powers of two lie on lines and do not leak into their bands.
FINEST_SPACING_HZ = 1.9
OVERLAP = 0.75
# In fewer frames, single lines of noise often exceed their mean by 6 dB.
MIN_FRAMES = 4

# Distance at which the line of one tone no longer counts for another: the main lobe is two lines
# wide on either side, and the largest of three lines is taken.
RESOLUTION_LINES = 4

# Effective bandwidth of a line with a Hann window, in lines (Annex A).
HANN_BANDWIDTH_LINES = 1.5

# Lines 6 dB above the noise are not noise (5.3.2). Those next to the largest line of a tone belong
# to the tone, too, down to 10 dB below it (5.3.3).
NOT_NOISE = 10**0.6
SAME_TONE = 10**-1.0

# The mean of the noise is final when it changes by 0.005 dB at most, or when fewer lines than this
# are left on one side of the tone (Annex D).
UNCHANGED = 10**-0.0005
MIN_LINES_PER_SIDE = 5

# Above, two tones in one critical band are never heard separately (5.3.8).
SEPARATE_BELOW_HZ = 1000.0


def masking_margin_db(
    signal: np.ndarray,
    rate_hz: float,
    frequency_hz: float,
    unit_rms_db_spl: float | None = None,
) -> float:
    """Level of one tone over its masked threshold (DIN 45681, ISO/PAS 20065).

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.
        frequency_hz: Frequency of the tone.
        unit_rms_db_spl: Playback level, as for :func:`masking_margins_db`.

    Returns:
        dB, as defined in :func:`masking_margins_db`; positive if audible.

    Raises:
        InputError: The signal is shorter than about a second.

    Example:
        >>> noise = np.random.default_rng(0).standard_normal((1, 8000))
        >>> tone = np.sqrt(2) * np.sin(2 * np.pi * 1000 / 8000 * np.arange(8000))
        >>> masking_margin_db(noise, rate_hz=8000, frequency_hz=1000) > 0
        False
        >>> masking_margin_db(noise + tone, rate_hz=8000, frequency_hz=1000) > 0
        True
    """
    return masking_margins_db(signal, rate_hz, [frequency_hz], unit_rms_db_spl)[0]


def masking_margins_db(
    signal: np.ndarray,
    rate_hz: float,
    frequencies_hz: Iterable[float],
    unit_rms_db_spl: float | None = None,
) -> list[float]:
    """Levels of tones over their masked thresholds (DIN 45681, ISO/PAS 20065).

    The margin is ``L_T - L_G - a_v`` (Formula 14): the level of the tone re the noise in its
    critical band, minus the masking index ``a_v = -2 - lg(1 + (f / 502 Hz)**2.5)`` dB. The index
    is negative: a tone is just audible when it lies 2 to 6 dB below the noise in its band. Other
    tones in the band are no noise: lines 6 dB above the mean are excluded until the mean is stable.
    Heard together with them, the tone has the margin of :func:`band_masking_margins_db`.

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.
        frequencies_hz: Frequencies of the tones.
        unit_rms_db_spl: Sound pressure level at which a signal of RMS 1 is played, in dB re 20 uPa.
            The threshold is then at least :func:`threshold_in_quiet_db_spl`. It decides in digital
            silence, where the noise is only rounding error. None: no threshold in quiet.

    Returns:
        One margin per tone in dB; positive if audible. NaN below 50 Hz, and if more than a quarter
        of the critical band lies above the Nyquist frequency. Without a playback level: inf if the
        rest of the band is exactly zero, and NaN if the whole band is.

    Raises:
        InputError: The signal is shorter than about a second.

    Example:
        The levels of two tones in white noise differ by 20 dB. The quieter one lies in a wider
        critical band, which adds 1.4 dB to the difference of their margins, and has a lower
        masking index, which subtracts 0.4 dB.

        >>> signal = 0.01 * np.random.default_rng(0).standard_normal((1, 8000))
        >>> for rms, frequency_hz in ((1.0, 1000), (0.1, 1500)):
        ...     sine = np.sin(2 * np.pi * frequency_hz / 8000 * np.arange(8000))
        ...     signal = signal + rms * np.sqrt(2) * sine
        >>> loud_db, soft_db = masking_margins_db(signal, rate_hz=8000, frequencies_hz=[1000, 1500])
        >>> 19 < loud_db - soft_db < 23
        True
    """
    spectrum = narrow_band_spectrum(signal, rate_hz)
    return rate_tones(*spectrum, frequencies_hz, unit_rms_db_spl).margins_db.tolist()


def band_masking_margins_db(
    signal: np.ndarray,
    rate_hz: float,
    frequencies_hz: Iterable[float],
    unit_rms_db_spl: float | None = None,
) -> list[float]:
    """Audibility of the tones in each tone's critical band, heard together.

    The energies of the audible tones in the band add. The sum is compared with the threshold at the
    most audible of them (5.3.8, Formula 17). Two tones below 1 kHz that are far enough apart are
    heard separately (Formulas 18 and 19): then, the more audible one counts.

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.
        frequencies_hz: Frequencies of all tones.
        unit_rms_db_spl: Playback level, as for :func:`masking_margins_db`.

    Returns:
        One margin per tone in dB, at least that of :func:`masking_margins_db`, and NaN where that
        is NaN.

    Raises:
        InputError: The signal is shorter than about a second.

    Example:
        >>> times_seconds = np.arange(16000) / 8000
        >>> signal = 0.1 * np.random.default_rng(0).standard_normal((1, 16000))
        >>> for frequency_hz in (2000, 2100):
        ...     signal = signal + np.sin(2 * np.pi * frequency_hz * times_seconds)
        >>> alone_db, _ = masking_margins_db(signal, 8000, [2000, 2100])
        >>> together_db, _ = band_masking_margins_db(signal, 8000, [2000, 2100])
        >>> round(together_db - alone_db)
        3
    """
    spectrum = narrow_band_spectrum(signal, rate_hz)
    tones = rate_tones(*spectrum, frequencies_hz, unit_rms_db_spl)
    return [_band_margin_db(tones, index) for index in range(len(tones.frequencies_hz))]


def narrow_band_spectrum(signal: np.ndarray, rate_hz: float) -> tuple[float, np.ndarray]:
    """The spectrum that the standard evaluates: A-weighted, averaged over Hann frames (5.3.2).

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.

    Returns:
        ``(spacing_hz, power)``: the distance of the lines, and their power up to the Nyquist
        frequency, averaged over channels. The gain of the A-weighting is relative: only lines of
        the same spectrum may be compared.

    Raises:
        InputError: The signal is shorter than about a second.

    Example:
        >>> spacing_hz, power = narrow_band_spectrum(np.ones((1, 44100)), rate_hz=44100)
        >>> round(spacing_hz, 2), len(power)
        (2.69, 8193)
    """
    length = _frame_length(rate_hz)
    overlap = round(OVERLAP * length)
    needed = length + (MIN_FRAMES - 1) * (length - overlap)
    if signal.shape[-1] < needed:
        raise InputError(
            f"signal: {signal.shape[-1]} samples are too few for a masked threshold; "
            f"use at least {needed}"
        )
    power = mean_spectrum(signal, "hann", length, overlap, remove_means=True)
    return rate_hz / length, power * a_weighting(np.fft.rfftfreq(length, 1 / rate_hz))


def margin_resolution_hz(rate_hz: float) -> float:
    """Distance at which one tone no longer affects the level measured for another.

    Args:
        rate_hz: Sampling rate.

    Returns:
        Hz.

    Example:
        >>> margin_resolution_hz(8000)
        7.8125
    """
    return RESOLUTION_LINES * rate_hz / _frame_length(rate_hz)


def _frame_length(rate_hz: float) -> int:
    return 2 ** int(np.log2(rate_hz / FINEST_SPACING_HZ))


@dataclass(frozen=True)
class RatedTones:
    """Tones in a narrow-band spectrum, and their thresholds.

    Attributes:
        frequencies_hz: ``(tone,)``.
        lines: For each tone, the indices of the lines that belong to it.
        power: ``(line,)``, the narrow-band spectrum.
        levels: ``(tone,)``, power of each tone (``L_T``).
        thresholds: ``(tone,)``, power of a tone that is just audible; NaN where it is undefined.
    """

    frequencies_hz: np.ndarray
    lines: list[range]
    power: np.ndarray
    levels: np.ndarray
    thresholds: np.ndarray

    @property
    def margins_db(self) -> np.ndarray:
        """``(tone,)``, levels over the thresholds."""
        return _ratio_db(self.levels, self.thresholds)


def rate_tones(
    spacing_hz: float,
    power: np.ndarray,
    frequencies_hz: Iterable[float],
    unit_rms_db_spl: float | None = None,
) -> RatedTones:
    """Measure tones in a narrow-band spectrum.

    Args:
        spacing_hz: Distance of the lines.
        power: ``(line,)``, from 0 Hz up, as returned by :func:`narrow_band_spectrum`.
        frequencies_hz: Frequencies of the tones.
        unit_rms_db_spl: Playback level, as for :func:`masking_margins_db`.

    Returns:
        The tones.

    Example:
        >>> power = np.ones(2000)
        >>> power[500] = 100
        >>> round(float(rate_tones(2.0, power, [1000.0]).margins_db[0]), 1)
        5.5
    """
    frequencies_hz = np.asarray(list(frequencies_hz), dtype=np.float64)
    low_hz, high_hz = np.array([critical_band_hz(f) for f in frequencies_hz]).reshape(-1, 2).T
    width_hz = np.minimum(high_hz, spacing_hz * (len(power) - 1)) - low_hz
    defined = frequencies_hz >= LOWEST_TONE_HZ
    defined &= width_hz >= MIN_BAND_SHARE * (high_hz - low_hz)
    near = np.rint(frequencies_hz / spacing_hz).astype(int)[:, None] + [-1, 0, 1]
    near = near.clip(0, len(power) - 1)
    largest = near[np.arange(len(near)), power[near].argmax(axis=1)]
    first = np.ceil(low_hz / spacing_hz).astype(int)
    last = np.minimum(high_hz / spacing_hz, len(power) - 1).astype(int)
    noise = np.full(len(frequencies_hz), np.nan)
    noise[defined] = _mean_noise(power, first[defined], largest[defined], last[defined])
    lines = [
        range(start, stop + 1)
        for start, stop in zip(
            *(_end(power, largest, noise, step) for step in (-1, 1)), strict=True
        )
    ]
    levels = np.array([_tone_power(power, tone_lines) for tone_lines in lines])
    masking_index = 10 ** ((-2 - np.log10(1 + (frequencies_hz / 502) ** 2.5)) / 10)
    thresholds = noise * width_hz / spacing_hz * masking_index
    if unit_rms_db_spl is not None:
        quiet_db_spl = np.array([threshold_in_quiet_db_spl(f) for f in frequencies_hz])
        quiet = a_weighting(frequencies_hz) * 10 ** ((quiet_db_spl - unit_rms_db_spl) / 10)
        thresholds = np.maximum(thresholds, quiet)
    return RatedTones(frequencies_hz, lines, power, levels, thresholds)


def _mean_noise(
    power: np.ndarray, first: np.ndarray, largest: np.ndarray, last: np.ndarray
) -> np.ndarray:
    """Mean power of the noise in some critical bands (``L_S``: 5.3.2, Formula 6, Annex D).

    Args:
        power: ``(line,)``.
        first: ``(band,)``, first line of each band.
        largest: ``(band,)``, largest line of the tone.
        last: ``(band,)``, last line of each band.

    Returns:
        ``(band,)``, power in the distance between two lines.
    """
    count = last - first + 1
    band = np.repeat(np.arange(len(first)), count)
    line = np.arange(len(band)) + np.repeat(first + count - np.cumsum(count), count)
    band, line = (x[line != largest[band]] for x in (band, line))
    above, lines = line > largest[band], power[line]
    noise = np.bincount(band, lines, len(first)) / (count - 1) / HANN_BANDWIDTH_LINES
    # Bands whose mean is final drop out: this loop takes most of the time.
    while len(lines):
        below = lines <= NOT_NOISE * noise[band]
        band, above, lines = band[below], above[below], lines[below]
        sides = np.bincount(2 * band + above, minlength=2 * len(first)).reshape(-1, 2)
        enough = sides.min(axis=1) >= MIN_LINES_PER_SIDE
        mean = np.bincount(band, lines, len(first)) / sides.sum(axis=1).clip(1)
        mean = np.where(enough, mean / HANN_BANDWIDTH_LINES, noise)
        changed = (mean < UNCHANGED * noise)[band]
        band, above, lines = band[changed], above[changed], lines[changed]
        noise = mean
    return noise


def _end(power: np.ndarray, largest: np.ndarray, noise: np.ndarray, step: int) -> np.ndarray:
    """Last line that belongs to each tone, above (1) or below (-1) its largest line (5.3.3)."""
    top = power[largest]
    least = np.maximum(NOT_NOISE * noise, SAME_TONE * top)
    end = largest
    while True:
        beyond = (end + step).clip(0, len(power) - 1)
        # A larger line belongs to another tone.
        belongs = (beyond != end) & (power[beyond] > least) & (power[beyond] <= top)
        if not belongs.any():
            return end
        end = np.where(belongs, beyond, end)


def _tone_power(power: np.ndarray, lines: Iterable[int]) -> float:
    """Power of the tones that some lines belong to (Formulas 7 and 8)."""
    lines = list(lines)
    # The window spreads the power over several lines; a single line is taken as it is.
    return float(power[lines].sum()) / (HANN_BANDWIDTH_LINES if len(lines) > 1 else 1)


def _band_margin_db(tones: RatedTones, index: int) -> float:
    """Margin of the audible tones in one tone's critical band (5.3.8, step 3)."""
    margins_db = tones.margins_db
    low_hz, high_hz = critical_band_hz(tones.frequencies_hz[index])
    in_band = (tones.frequencies_hz >= low_hz) & (tones.frequencies_hz <= high_hz)
    audible = np.flatnonzero(in_band & (margins_db > 0))
    if not len(audible) or np.isnan(margins_db[index]):
        return float(margins_db[index])
    most = audible[margins_db[audible].argmax()]
    if _heard_separately(tones.frequencies_hz[audible], tones.frequencies_hz[most]):
        return float(margins_db[most])
    # A line that belongs to two tones counts once.
    lines = {line for tone in audible for line in tones.lines[tone]}
    return float(_ratio_db(_tone_power(tones.power, lines), tones.thresholds[most]))


def _heard_separately(frequencies_hz: np.ndarray, most_audible_hz: float) -> bool:
    """Whether two tones below 1 kHz are farther apart than ``f_D`` (Formulas 18 and 19)."""
    if len(frequencies_hz) != 2 or frequencies_hz.max() >= SEPARATE_BELOW_HZ:
        return False
    octaves = abs(np.log10(most_audible_hz / 212))
    return bool(np.ptp(frequencies_hz) > 21 * 10 ** (1.2 * octaves**1.8))


def _ratio_db(power: np.ndarray | float, reference: np.ndarray | float) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return 10 * np.log10(np.divide(power, reference))
