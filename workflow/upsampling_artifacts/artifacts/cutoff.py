"""Where a spectrum ends: a resampled file holds nothing above the Nyquist frequency it had.

The measure is our own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.signal import welch

FRAME_SECONDS = 0.05

PASS = (0.80, 0.94)
"""Band below a Nyquist frequency that resampling keeps, re that frequency."""

STOP = (1.04, 1.30)
"""Band above it that resampling empties."""

MIN_DROP_DB = 15.0
"""Between the two bands. Within the pass band and the octave below it, sounds fall less steeply."""


def original_rate_hz(signal: np.ndarray, rate_hz: float, rates_hz: Sequence[float]) -> float | None:
    """The sampling rate that a signal had before it was resampled to a higher one.

    At the Nyquist frequency of that rate, the spectrum falls by at least ``MIN_DROP_DB``, at once:
    more than it fell over as wide a band below it. Above, it is flat, no more than rounding.

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
        if not STOP[0] * nyquist_hz < 0.97 * rate_hz / 2:
            continue

        def band_db(low: float, high: float, nyquist_hz: float = nyquist_hz) -> float:
            within = (bins_hz >= low * nyquist_hz) & (bins_hz <= high * nyquist_hz)
            return float(np.median(level_db[within]))

        top_db = band_db(*PASS)
        drop_db = top_db - band_db(*STOP)
        fall_db = band_db(0.55, 0.69) - top_db
        above = level_db[(bins_hz >= STOP[0] * nyquist_hz) & (bins_hz < 0.97 * rate_hz / 2)]
        if drop_db >= max(MIN_DROP_DB, 2 * fall_db) and np.quantile(above, 0.98) < top_db - 10:
            return original_hz
    return None
