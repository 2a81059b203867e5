"""Masking: whether a tone can be heard in the noise around it (section 5, figure 9)."""

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

# Of a band that is cut by the Nyquist frequency at least so much must be left: the tone must be
# well inside it, and not at its edge, where no converter plays it.
LEAST_SHARE = 0.75

# Where mosqito cuts the spectrum. ECMA-418-1 takes tones in this range, but lets the band above
# one reach further: a tone at 11,025 Hz has a prominence ratio in the standard, and none here.
LOWEST_HZ, HIGHEST_HZ = 89.1, 11200.0

# Bins of 1 Hz: the standard wants 1 % of the tone's frequency or finer.
RATIO_WINDOW_SECONDS = 1.0


def critical_bandwidth_hz(frequency_hz: float) -> float:
    """Width of the critical band around a frequency: Zwicker's formula, as in ECMA-418-1."""
    return float(25 + 75 * (1 + 1.4 * (frequency_hz / 1000) ** 2) ** 0.69)


def critical_band_hz(frequency_hz: float) -> tuple[float, float]:
    """Edges of the critical band, of which the frequency is the geometric mean (DIN 45681)."""
    width_hz = critical_bandwidth_hz(frequency_hz)
    low_hz = float(np.hypot(width_hz / 2, frequency_hz)) - width_hz / 2
    return low_hz, low_hz + width_hz


def masking_margin_db(signal: np.ndarray, rate_hz: float, frequency_hz: float) -> float:
    """How far a tone is above what masks it: see :func:`masking_margins_db`."""
    return masking_margins_db(signal, rate_hz, [frequency_hz])[0]


def masking_margins_db(
    signal: np.ndarray, rate_hz: float, frequencies_hz: Iterable[float]
) -> list[float]:
    """How far tones are above what masks them.

    The level of the tone, less that of the rest of its critical band, less the masking index
    ``a_v = -2 - lg(1 + (f / 502 Hz)**2.5)`` dB (DIN 45681, ISO/PAS 20065): a tone is just
    audible when it is 2 to 6 dB below the noise in its band. The threshold in quiet is left out,
    for the network's units have no loudness: with nothing around, every tone is audible.

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.
        frequencies_hz: Where the tones are.

    Returns:
        For each, dB; > 0: audible. inf if the rest of the band is exactly zero. NaN if the band
        is, or if more than a quarter of its width lies above the Nyquist frequency: there, the
        tone is at the edge of what can be played at all. What is cut off masks nothing.

    Raises:
        InputError: The signal is too short to tell a tone from the rest of its critical band.
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
    if high_hz - low_hz < LEAST_SHARE * width_hz:
        return float("nan")
    bin_hz = rate_hz / time
    bins_hz = np.arange(len(spectrum)) * bin_hz
    in_band = (bins_hz >= low_hz) & (bins_hz <= high_hz)
    rest = in_band & (np.abs(bins_hz - frequency_hz) > MAIN_LOBE_BINS * bin_hz)
    if rest.sum() < in_band.sum() / 2:
        needed = 4 * MAIN_LOBE_BINS * rate_hz / width_hz
        raise InputError(
            f"signal: {time} samples are too short for the critical band at {frequency_hz:g} Hz; "
            f"{needed:.0f} needed"
        )
    # The noise under the tone's main lobe is as dense as in the rest of the band.
    noise = spectrum[rest].mean() * (high_hz - low_hz) / bin_hz / bandwidth_bins
    index_db = -2 - np.log10(1 + (frequency_hz / 502) ** 2.5)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.float64(line_power(spectrum, time, rate_hz, frequency_hz)) / noise
        return float(10 * np.log10(ratio) - index_db)


def prominence_ratio_db(signal: np.ndarray, rate_hz: float, frequency_hz: float) -> float:
    """The ECMA-418-1 prominence ratio of a tone: see :func:`prominence_ratios_db`."""
    return prominence_ratios_db(signal, rate_hz, [frequency_hz])[0]


def prominence_ratios_db(
    signal: np.ndarray, rate_hz: float, frequencies_hz: Iterable[float]
) -> list[float]:
    """The ECMA-418-1 prominence ratio of tones, as mosqito computes it.

    The level of a tone's critical band re the mean of the two bands beside it. A tone is
    prominent from 9 dB on (more below 1 kHz).

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.
        frequencies_hz: Where the tones are.

    Returns:
        For each, dB. NaN where it is not defined: one of the three bands reaches out of 89.1 Hz
        to 11.2 kHz or beyond the Nyquist frequency, or the signal is exactly zero. 0 dB, the
        ratio of equal bands, where mosqito finds no tone: none stands 6 dB out of its 24th of
        an octave, a stronger one is in the same critical band, or the band is not louder than
        its neighbours.
    """
    # Importing mosqito takes more than a second, and few need it.
    from mosqito.sq_metrics import pr_ecma_freq

    frequencies_hz = np.asarray(frequencies_hz, dtype=np.float64)
    ratios_db = np.full(len(frequencies_hz), np.nan)
    lowest_hz, highest_hz = np.array([_neighbours_hz(f) for f in frequencies_hz]).reshape(-1, 2).T
    defined = (lowest_hz > LOWEST_HZ) & (highest_hz < min(HIGHEST_HZ, rate_hz / 2))
    if not defined.any() or not signal.any():
        return ratios_db.tolist()
    samples = min(round(RATIO_WINDOW_SECONDS * rate_hz), signal.shape[-1])
    bins_hz, power = welch(
        signal.astype(np.float64), rate_hz, nperseg=samples, detrend=False, scaling="spectrum"
    )
    power = power.mean(axis=0)
    # mosqito leaves out what is below the threshold of hearing: the signal plays at 1 Pa, 94 dB.
    amplitude = np.sqrt(power / power.sum())
    _, found_db, _, found_hz = pr_ecma_freq(amplitude, bins_hz, prominence=False)
    for index in np.flatnonzero(defined):
        near = np.abs(np.asarray(found_hz, float) - frequencies_hz[index]) <= 2 * bins_hz[1]
        ratios_db[index] = np.max(np.asarray(found_db, float)[near], initial=0.0)
    return ratios_db.tolist()


def _neighbours_hz(frequency_hz: float) -> tuple[float, float]:
    """Outer edges of the bands below and above a tone's critical band (ECMA-418-1)."""
    f = frequency_hz
    if f <= 1600:
        return -149.5 + 1.001 * f - 6.9e-5 * f**2, 149.5 + 1.035 * f + 7.7e-5 * f**2
    return 6.8 + 0.806 * f - 8.2e-6 * f**2, 3.3 + 1.215 * f + 2.16e-5 * f**2
