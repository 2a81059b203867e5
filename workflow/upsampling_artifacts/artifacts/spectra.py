"""Spectra: spectrograms for the figures, and one in which a tone can be read."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import kaiser

# The Kaiser window's side lobes must lie below the floor that a silent network leaves, which is
# float32's rounding, about -150 dB. beta = 30 puts them at about -220 dB; the main lobe ends
# at sqrt(1 + (beta / pi)^2) = 9.6 bins (Kaiser & Schafer 1980).
KAISER_BETA = 30.0
MAIN_LOBE_BINS = 10

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


def line_spectrum(signal: np.ndarray) -> np.ndarray:
    """Power spectrum in which a sine reads its mean square, mean over channels.

    The whole signal under one Kaiser window. White noise of variance v reads
    ``2 v * noise_bandwidth_bins(time) / time`` in each bin.

    Args:
        signal: ``(channels, time)``.

    Returns:
        ``(frequency,)``, as of ``numpy.fft.rfft``.
    """
    window = line_window(signal.shape[-1])
    power = np.mean(np.abs(np.fft.rfft(signal.astype(np.float64) * window)) ** 2, axis=0)
    # A sine of amplitude A has |X| = A * sum(window) / 2 at its peak, and RMS A / sqrt(2).
    return power * 2 / window.sum() ** 2


def noise_bandwidth_bins(time: int) -> float:
    """How many bins' worth of noise one bin of :func:`line_spectrum` collects: 3.1."""
    window = line_window(time)
    return float(time * np.sum(window**2) / window.sum() ** 2)


@lru_cache(maxsize=4)
def line_window(time: int) -> np.ndarray:
    """The Kaiser window under which lines are measured, ``(time,)``."""
    return kaiser(time, KAISER_BETA)


def line_power(spectrum: np.ndarray, time: int, rate_hz: float, frequency_hz: float) -> float:
    """Mean square of the tone at a frequency: the largest bin within the main lobe around it.

    Between two bins no more than 0.36 dB is lost.
    """
    bin_hz = rate_hz / time
    distance = np.abs(np.arange(len(spectrum)) * bin_hz - frequency_hz)
    peak = float(spectrum[distance <= MAIN_LOBE_BINS * bin_hz].max())
    # At 0 Hz and at Nyquist there is no mirror image to share with: |X| = A * sum(window), RMS A.
    alone = frequency_hz <= bin_hz / 2 or frequency_hz >= rate_hz / 2 - bin_hz / 2
    return peak / 2 if alone else peak


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
