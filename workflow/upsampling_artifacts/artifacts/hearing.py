"""Hearing: critical bands, the threshold in quiet, and the A-weighting."""

from __future__ import annotations

import numpy as np


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


def threshold_in_quiet_db_spl(frequency_hz: float) -> float:
    """Sound pressure level at which a tone is just audible in silence (Terhardt 1979).

    Args:
        frequency_hz: Frequency of the tone.

    Returns:
        dB re 20 uPa.

    Example:
        >>> [round(threshold_in_quiet_db_spl(hz)) for hz in (100, 1000, 4000, 11025)]
        [23, 3, -3, 15]
    """
    khz = frequency_hz / 1000
    return float(3.64 * khz**-0.8 - 6.5 * np.exp(-0.6 * (khz - 3.3) ** 2) + 1e-3 * khz**4)


def a_weighting(frequencies_hz: np.ndarray) -> np.ndarray:
    """Power gain of the A-weighting, up to a constant factor (IEC 61672-1, Annex E).

    Args:
        frequencies_hz: Frequencies of any shape.

    Returns:
        Relative gains, of the same shape.

    Example:
        >>> low, high = 10 * np.log10(a_weighting(np.array([100.0, 1000.0])))
        >>> round(float(low - high), 1)
        -19.1
    """
    squared = np.asarray(frequencies_hz, dtype=np.float64) ** 2
    poles = (squared + 20.599**2) ** 2 * (squared + 107.653**2)
    return squared**4 / (poles * (squared + 737.862**2) * (squared + 12194.217**2) ** 2)
