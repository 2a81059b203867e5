"""Masking: whether a tone is audible in the noise around it (section 5, figure 9 of the paper).

Two standards answer: the masking index of DIN 45681 and ISO/PAS 20065, computed here, and the
prominence ratio of ECMA-418-1, computed by the package mosqito.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.signal import welch

from upsampling_artifacts.artifacts.spectra import (
    MAIN_LOBE_BINS,
    line_power,
    line_spectrum,
    noise_bandwidth_bins,
)
from upsampling_artifacts.errors import InputError

# Smallest share of a critical band that must lie below the Nyquist frequency. With less, the tone
# lies at the edge of the spectrum, which no converter reproduces.
MIN_BAND_SHARE = 0.75

# The range to which mosqito cuts the spectrum. ECMA-418-1 rates tones in this range, but lets the
# upper neighbor band extend beyond it: it defines a ratio at 11,025 Hz, which mosqito cannot
# compute.
LOWEST_HZ, HIGHEST_HZ = 89.1, 11200.0

# Bins of 1 Hz. The standard asks for 1 % of the tone's frequency or finer.
RATIO_WINDOW_SECONDS = 1.0


def critical_bandwidth_hz(frequency_hz: float) -> float:
    """Width of the critical band around a frequency (Zwicker's formula, as in ECMA-418-1).

    Args:
        frequency_hz: Center of the band.

    Returns:
        Width in Hz.

    Example:
        >>> round(critical_bandwidth_hz(1000.0))
        162
    """
    return float(25 + 75 * (1 + 1.4 * (frequency_hz / 1000) ** 2) ** 0.69)


def critical_band_hz(frequency_hz: float) -> tuple[float, float]:
    """Lower and upper edge of the critical band around a frequency (DIN 45681).

    The frequency is the geometric mean of the edges:
    ``low * (low + width) = f**2`` gives ``low = sqrt((width / 2)**2 + f**2) - width / 2``.

    Args:
        frequency_hz: Center of the band.

    Returns:
        ``(low_hz, high_hz)``.

    Example:
        >>> low_hz, high_hz = critical_band_hz(1000.0)
        >>> round(low_hz), round(high_hz)
        (922, 1084)
    """
    width_hz = critical_bandwidth_hz(frequency_hz)
    low_hz = float(np.hypot(width_hz / 2, frequency_hz)) - width_hz / 2
    return low_hz, low_hz + width_hz


def masking_margin_db(signal: np.ndarray, rate_hz: float, frequency_hz: float) -> float:
    """Level of one tone over its masked threshold (DIN 45681, ISO/PAS 20065).

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.
        frequency_hz: Frequency of the tone.

    Returns:
        dB, as defined in :func:`masking_margins_db`; positive if audible.

    Raises:
        InputError: The signal is too short to separate a tone from the rest of its critical band.

    Example:
        >>> noise = np.random.default_rng(0).standard_normal((1, 8000))
        >>> tone = np.sqrt(2) * np.sin(2 * np.pi * 1000 / 8000 * np.arange(8000))
        >>> masking_margin_db(noise, rate_hz=8000, frequency_hz=1000) > 0
        False
        >>> masking_margin_db(noise + tone, rate_hz=8000, frequency_hz=1000) > 0
        True
    """
    return masking_margins_db(signal, rate_hz, [frequency_hz])[0]


def masking_margins_db(
    signal: np.ndarray, rate_hz: float, frequencies_hz: Iterable[float]
) -> list[float]:
    """Levels of tones over their masked thresholds (DIN 45681, ISO/PAS 20065).

    The margin is the level of the tone re the noise in the rest of its critical band, minus the
    masking index ``a_v = -2 - lg(1 + (f / 502 Hz)**2.5)`` dB. The index is negative: a tone is
    just audible when it lies 2 to 6 dB below the noise in its band. The threshold in quiet is
    ignored, because the network's units have no loudness: without noise, every tone is audible.

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.
        frequencies_hz: Frequencies of the tones.

    Returns:
        One margin per tone in dB; positive if audible. inf if the rest of the band is exactly
        zero. NaN if the whole band is, or if more than a quarter of it lies above the Nyquist
        frequency. The part of a band above the Nyquist frequency masks nothing.

    Raises:
        InputError: The signal is too short to separate a tone from the rest of its critical band.

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
    time = signal.shape[-1]
    spectrum, bandwidth_bins = line_spectrum(signal), noise_bandwidth_bins(time)
    return [
        _margin_db(spectrum, time, rate_hz, frequency_hz, bandwidth_bins)
        for frequency_hz in frequencies_hz
    ]


def _margin_db(
    spectrum: np.ndarray, time: int, rate_hz: float, frequency_hz: float, bandwidth_bins: float
) -> float:
    low_hz, high_hz = critical_band_hz(frequency_hz)
    high_hz, width_hz = min(high_hz, rate_hz / 2), high_hz - low_hz
    if high_hz - low_hz < MIN_BAND_SHARE * width_hz:
        return float("nan")
    bin_hz = rate_hz / time
    bins_hz = np.arange(len(spectrum)) * bin_hz
    in_band = (bins_hz >= low_hz) & (bins_hz <= high_hz)
    rest = in_band & (np.abs(bins_hz - frequency_hz) > MAIN_LOBE_BINS * bin_hz)
    if rest.sum() < in_band.sum() / 2:
        needed = 4 * MAIN_LOBE_BINS * rate_hz / width_hz
        raise InputError(
            f"signal: {time} samples are too few for the critical band at {frequency_hz:g} Hz; "
            f"use at least {needed:.0f}"
        )
    # Under the tone's main lobe, the noise is taken to be as dense as in the rest of the band.
    noise = spectrum[rest].mean() * (high_hz - low_hz) / bin_hz / bandwidth_bins
    index_db = -2 - np.log10(1 + (frequency_hz / 502) ** 2.5)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.float64(line_power(spectrum, time, rate_hz, frequency_hz)) / noise
        return float(10 * np.log10(ratio) - index_db)


def prominence_ratio_db(signal: np.ndarray, rate_hz: float, frequency_hz: float) -> float:
    """Prominence ratio of one tone after ECMA-418-1.

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.
        frequency_hz: Frequency of the tone.

    Returns:
        dB, as defined in :func:`prominence_ratios_db`.

    Example:
        >>> noise = 0.1 * np.random.default_rng(0).standard_normal((1, 8000))
        >>> tone = np.sqrt(2) * np.sin(2 * np.pi * 1000 / 8000 * np.arange(8000))
        >>> prominence_ratio_db(noise + tone, rate_hz=8000, frequency_hz=1000) > 9
        True
    """
    return prominence_ratios_db(signal, rate_hz, [frequency_hz])[0]


def prominence_ratios_db(
    signal: np.ndarray, rate_hz: float, frequencies_hz: Iterable[float]
) -> list[float]:
    """Prominence ratios of tones after ECMA-418-1, computed by mosqito.

    The ratio is the level of a tone's critical band re the mean level of its two neighbor bands.
    From 9 dB up, a tone is prominent (below 1 kHz, from a higher ratio).

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.
        frequencies_hz: Frequencies of the tones.

    Returns:
        One ratio per tone in dB. NaN if one of the three bands extends below 89.1 Hz, above
        11.2 kHz or above the Nyquist frequency, or if the signal is exactly zero. 0 dB, the ratio
        of equal bands, if mosqito detects no tone: none exceeds its 1/24 octave by 6 dB, a
        stronger one lies in the same critical band, or the band is not louder than its neighbors.

    Example:
        >>> noise = 0.1 * np.random.default_rng(0).standard_normal((1, 8000))
        >>> tone = np.sqrt(2) * np.sin(2 * np.pi * 1000 / 8000 * np.arange(8000))
        >>> at_tone_db, elsewhere_db = prominence_ratios_db(noise + tone, 8000, [1000, 2000])
        >>> at_tone_db > 9, elsewhere_db
        (True, 0.0)
    """
    # Importing mosqito takes more than a second, and most callers do not need it.
    from mosqito.sq_metrics import pr_ecma_freq

    frequencies_hz = np.asarray(frequencies_hz, dtype=np.float64)
    ratios_db = np.full(len(frequencies_hz), np.nan)
    lowest_hz, highest_hz = (
        np.array([_neighbor_edges_hz(f) for f in frequencies_hz]).reshape(-1, 2).T
    )
    defined = (lowest_hz > LOWEST_HZ) & (highest_hz < min(HIGHEST_HZ, rate_hz / 2))
    if not defined.any() or not signal.any():
        return ratios_db.tolist()
    samples = min(round(RATIO_WINDOW_SECONDS * rate_hz), signal.shape[-1])
    bins_hz, power = welch(
        signal.astype(np.float64), rate_hz, nperseg=samples, detrend=False, scaling="spectrum"
    )
    power = power.mean(axis=0)
    # mosqito ignores tones below the threshold of hearing: scale the signal to 1 Pa, 94 dB SPL.
    amplitude = np.sqrt(power / power.sum())
    _, found_db, _, found_hz = pr_ecma_freq(amplitude, bins_hz, prominence=False)
    for index in np.flatnonzero(defined):
        near = np.abs(np.asarray(found_hz, float) - frequencies_hz[index]) <= 2 * bins_hz[1]
        ratios_db[index] = np.max(np.asarray(found_db, float)[near], initial=0.0)
    return ratios_db.tolist()


def _neighbor_edges_hz(frequency_hz: float) -> tuple[float, float]:
    """Outer edges of the bands beside a tone's critical band (ECMA-418-1)."""
    f = frequency_hz
    if f <= 1600:
        return -149.5 + 1.001 * f - 6.9e-5 * f**2, 149.5 + 1.035 * f + 7.7e-5 * f**2
    return 6.8 + 0.806 * f - 8.2e-6 * f**2, 3.3 + 1.215 * f + 2.16e-5 * f**2
