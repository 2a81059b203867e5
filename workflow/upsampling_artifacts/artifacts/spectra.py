"""Spectrograms for the figures."""

from __future__ import annotations

import numpy as np
from scipy.signal import ShortTimeFFT

Spectrogram = tuple[np.ndarray, np.ndarray, np.ndarray]
"""``(frequencies_hz, times_seconds, level_db)``, the last ``(frequency, time)``."""


def spectrogram_db(
    signal: np.ndarray, rate_hz: float, window_seconds: float = 0.064
) -> Spectrogram:
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


def thinned(spectrogram: Spectrogram, most_bins: int) -> Spectrogram:
    """No more than ``most_bins`` frequency bins, about as many as a picture has pixels.

    Mean power of neighbours: unlike what an image viewer does, it keeps a thin line visible.
    The last bin, at Nyquist, is kept whatever the count, for a line may stand there.
    """
    frequencies_hz, times_seconds, level_db = spectrogram
    group = -(-len(frequencies_hz) // most_bins)
    if group == 1:
        return spectrogram
    first = np.arange(0, len(frequencies_hz), group)
    count = np.diff(first, append=len(frequencies_hz))
    power = np.add.reduceat(10 ** (level_db.astype(np.float64) / 10), first) / count[:, None]
    with np.errstate(divide="ignore"):
        level_db = (10 * np.log10(power)).astype(np.float32)
    return np.add.reduceat(frequencies_hz, first) / count, times_seconds, level_db
