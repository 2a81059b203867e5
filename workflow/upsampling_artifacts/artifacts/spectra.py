"""Spectrograms for the figures."""

from __future__ import annotations

import numpy as np
from scipy.signal import ShortTimeFFT


def spectrogram_db(
    signal: np.ndarray, rate_hz: float, window_seconds: float = 0.064
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Power over frequency and time, mean over channels.

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.
        window_seconds: Length of the (Blackman-Harris) analysis window; hops of a quarter.

    Returns:
        ``(frequencies_hz, times_seconds, level_db)`` with ``level_db`` ``(frequency, time)``
        float32: dB re a sine of RMS 1; -inf where there is nothing.
    """
    # Its side lobes lie at -92 dB, so that a loud tone does not veil what is near.
    samples = 2 ** round(np.log2(window_seconds * rate_hz))
    transform = ShortTimeFFT.from_window(
        "blackmanharris", rate_hz, nperseg=samples, noverlap=3 * samples // 4, scale_to="magnitude"
    )
    time = signal.shape[-1]
    # Frames that reach over an end would show the cut there as a vertical line.
    first, last = transform.lower_border_end[1], transform.upper_border_begin(time)[1]
    power = np.mean(np.abs(transform.stft(signal, p0=first, p1=last)) ** 2, axis=0)
    with np.errstate(divide="ignore"):
        level_db = 10 * np.log10(2 * power)
    return transform.f, transform.t(time, p0=first, p1=last), level_db.astype(np.float32)
