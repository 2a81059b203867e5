"""The prominence ratio of a tone after ECMA-418-1, computed by the package mosqito."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from upsampling_artifacts.artifacts.spectra import mean_spectrum

# The range to which mosqito cuts the spectrum. ECMA-418-1 rates tones in this range, but lets the
# upper neighbor band extend beyond it: it defines a ratio at 11,025 Hz, which mosqito cannot
# compute.
LOWEST_HZ, HIGHEST_HZ = 89.1, 11200.0

# Bins of 1 Hz. The standard asks for 1 % of the tone's frequency or finer.
RATIO_WINDOW_SECONDS = 1.0


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
    frequencies_hz = np.asarray(frequencies_hz, dtype=np.float64)
    ratios_db = np.full(len(frequencies_hz), np.nan)
    lowest_hz, highest_hz = (
        np.array([_neighbor_edges_hz(f) for f in frequencies_hz]).reshape(-1, 2).T
    )
    defined = (lowest_hz > LOWEST_HZ) & (highest_hz < min(HIGHEST_HZ, rate_hz / 2))
    if not defined.any() or not signal.any():
        return ratios_db.tolist()
    # Importing mosqito takes most of a second, and most callers do not need it.
    from mosqito.sq_metrics import pr_ecma_freq

    samples = min(round(RATIO_WINDOW_SECONDS * rate_hz), signal.shape[-1])
    bins_hz = np.fft.rfftfreq(samples, 1 / rate_hz)
    power = mean_spectrum(signal, "hann", samples)
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
