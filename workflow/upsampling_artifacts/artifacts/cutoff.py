"""Where a spectrum ends: a resampled file holds nothing above the Nyquist frequency it had.

The measure is our own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.signal import welch

FRAME_SECONDS = 0.05

PASS = (0.82, 0.90)
"""Band below a Nyquist frequency that resampling keeps, re that frequency."""

STOP = (1.14, 1.22)
"""Band above it that resampling empties; in between, its low-pass filter falls."""

BESIDE = 0.08
"""Width of the bands on the far sides of these two: the spectrum is flat on both sides of the edge,
re the edge."""

MIN_DROP_DB = 15.0

STEEPNESS = 5
"""The spectrum falls this many times as much over the edge as on either side of it: a straight
slope in dB, of which no part is an edge, falls four times as much."""


def original_rate_hz(signal: np.ndarray, rate_hz: float, rates_hz: Sequence[float]) -> float | None:
    """The sampling rate that a signal had before it was resampled to a higher one.

    At the Nyquist frequency of that rate, the spectrum falls by at least ``MIN_DROP_DB`` at once:
    :data:`STEEPNESS` times as much as it changes on either side. Above, it stays low.

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.
        rates_hz: Rates that it may have had.

    Returns:
        The rate; None if the spectrum ends at none of their Nyquist frequencies.

    Example:
        >>> from scipy.signal import resample_poly
        >>> noise = np.random.default_rng(0).standard_normal((1, 24000))
        >>> rounding = 1e-5 * np.random.default_rng(1).standard_normal((1, 48000))
        >>> original_rate_hz(resample_poly(noise, 2, 1, axis=1) + rounding, 48000, [16000, 24000])
        24000
    """
    frame = round(FRAME_SECONDS * rate_hz)
    if signal.shape[-1] < frame:
        return None
    bins_hz, power = welch(signal.astype(np.float64), rate_hz, nperseg=frame, window="blackman")
    level_db = 10 * np.log10(power.mean(axis=0) + 1e-30)
    for original_hz in sorted(rates_hz):
        nyquist_hz = original_hz / 2
        if (STOP[1] + BESIDE) * nyquist_hz > rate_hz / 2:
            continue

        def band_db(low: float, high: float, nyquist_hz: float = nyquist_hz) -> float:
            within = (bins_hz >= low * nyquist_hz) & (bins_hz <= high * nyquist_hz)
            return float(np.median(level_db[within]))

        top_db, bottom_db = band_db(*PASS), band_db(*STOP)
        drop_db = top_db - bottom_db
        changes_db = (
            abs(band_db(PASS[0] - BESIDE, PASS[0]) - top_db),
            abs(band_db(STOP[1], STOP[1] + BESIDE) - bottom_db),
        )
        above = level_db[(bins_hz >= STOP[0] * nyquist_hz) & (bins_hz < 0.97 * rate_hz / 2)]
        is_edge = drop_db >= max(MIN_DROP_DB, STEEPNESS * max(changes_db))
        if is_edge and np.quantile(above, 0.98) < top_db - MIN_DROP_DB / 2:
            return original_hz
    return None
