"""Spectra: the spectrogram of the figures, and a line spectrum from which tone levels are read.

The line spectrum uses one Kaiser window (Kaiser & Schafer 1980) over the whole signal. Its side
lobes are so low that a DC offset does not leak into the tones beside it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.fft import rfft
from scipy.signal import ShortTimeFFT, get_window
from scipy.signal.windows import kaiser

# The side lobes must lie below the rounding noise of float32, about -150 dB, which is all that a
# silent network leaves. beta = 30 puts them at about -220 dB. The main lobe then ends at
# sqrt(1 + (beta / pi)^2) = 9.6 bins (Kaiser & Schafer 1980).
KAISER_BETA = 30.0
MAIN_LOBE_BINS = 10

Spectrogram = tuple[np.ndarray, np.ndarray, np.ndarray]
"""``(frequencies_hz, times_seconds, level_db)``, the last of shape ``(frequency, time)``."""


def spectrogram_db(
    signal: np.ndarray, rate_hz: float, window_seconds: float = 0.064
) -> Spectrogram:
    """Level over frequency and time, averaged over channels.

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.
        window_seconds: Length of the Blackman-Harris window, rounded to a power of two of
            samples. The hop is a quarter of it.

    Returns:
        ``(frequencies_hz, times_seconds, level_db)`` with ``level_db`` of shape
        ``(frequency, time)``, float32, in dB re a sine of RMS 1; -inf where the power is exactly
        zero.

    Example:
        >>> tone = np.sqrt(2) * np.sin(2 * np.pi * 1000 / 8000 * np.arange(8000))[None]
        >>> frequencies_hz, times_seconds, level_db = spectrogram_db(tone, rate_hz=8000)
        >>> peak = level_db.mean(axis=1).argmax()
        >>> float(frequencies_hz[peak]), abs(round(float(level_db[peak].mean()), 2))
        (1000.0, 0.0)
    """
    # Side lobes at -92 dB keep a loud tone from hiding its surroundings.
    samples = 2 ** round(np.log2(window_seconds * rate_hz))
    transform = ShortTimeFFT.from_window(
        "blackmanharris", rate_hz, nperseg=samples, noverlap=3 * samples // 4, scale_to="magnitude"
    )
    time = signal.shape[-1]
    # A frame that extends beyond an end would show the cut as a vertical line.
    first, last = transform.lower_border_end[1], transform.upper_border_begin(time)[1]
    power = np.mean(np.abs(transform.stft(signal, p0=first, p1=last)) ** 2, axis=0)
    with np.errstate(divide="ignore"):
        level_db = 10 * np.log10(2 * power)
    return transform.f, transform.t(time, p0=first, p1=last), level_db.astype(np.float32)


def mean_spectrum(
    signal: np.ndarray,
    window_name: str,
    frame_samples: int,
    overlap_samples: int | None = None,
    *,
    remove_means: bool = False,
) -> np.ndarray:
    """One-sided power spectrum by Welch's method, averaged over frames and channels.

    That of ``scipy.signal.welch(..., scaling="spectrum")``, in a half to a fifth of its time: it
    transforms all frames of a channel at once, and probes compute thousands of short spectra.

    Args:
        signal: ``(channels, time)``.
        window_name: A window of ``scipy.signal.get_window``.
        frame_samples: Length of a frame, at most that of the signal.
        overlap_samples: By default half a frame.
        remove_means: Whether to subtract its mean from each frame.

    Returns:
        ``(frequency,)``, the bins of ``numpy.fft.rfft``. The peak of a sine is its mean square.

    Example:
        >>> tone = np.sqrt(2) * np.sin(2 * np.pi * 1000 / 8000 * np.arange(8000))[None]
        >>> round(float(mean_spectrum(tone, "hann", 800)[100]), 6)
        1.0
    """
    if overlap_samples is None:
        overlap_samples = frame_samples // 2
    window = get_window(window_name, frame_samples)
    power = np.zeros(frame_samples // 2 + 1)
    for samples in signal.astype(np.float64):
        frames = np.lib.stride_tricks.sliding_window_view(samples, frame_samples)
        frames = frames[:: frame_samples - overlap_samples]
        if remove_means:
            frames = frames - frames.mean(axis=-1, keepdims=True)
        spectra = rfft(frames * window)
        power += np.mean(spectra.real**2 + spectra.imag**2, axis=0)
    power /= len(signal) * window.sum() ** 2
    # Negative frequencies have as much; but 0 Hz and, with an even length, Nyquist have none.
    power[1 : (frame_samples + 1) // 2] *= 2
    return power


def line_spectrum(signal: np.ndarray) -> np.ndarray:
    """Power spectrum in which the peak of a sine is its mean square, averaged over channels.

    The whole signal is weighted with one Kaiser window. White noise of variance ``v`` has
    ``2 v noise_bandwidth_bins(time) / time`` in each bin on average.

    Args:
        signal: ``(channels, time)``.

    Returns:
        ``(frequency,)``, the bins of ``numpy.fft.rfft``.

    Example:
        >>> tone = np.sqrt(2) * np.sin(2 * np.pi * 1000 / 8000 * np.arange(8000))[None]
        >>> round(float(line_spectrum(tone)[1000]), 6)
        1.0
    """
    window = line_window(signal.shape[-1])
    power = np.mean(np.abs(np.fft.rfft(signal.astype(np.float64) * window)) ** 2, axis=0)
    # The peak of a sine of amplitude A is |X| = A sum(window) / 2, its mean square A^2 / 2.
    return power * 2 / window.sum() ** 2


def noise_bandwidth_bins(time: int) -> float:
    """Equivalent noise bandwidth of :func:`line_spectrum` in bins.

    Args:
        time: Length of the signal in samples.

    Returns:
        Power of white noise in one bin re its power in a bin of a rectangular window.

    Example:
        >>> round(noise_bandwidth_bins(8000), 1)
        3.1
    """
    window = line_window(time)
    return float(time * np.sum(window**2) / window.sum() ** 2)


@lru_cache(maxsize=4)
def line_window(time: int) -> np.ndarray:
    """The Kaiser window of :func:`line_spectrum`.

    Args:
        time: Length of the signal in samples.

    Returns:
        ``(time,)``, the same array for the same length.
    """
    return kaiser(time, KAISER_BETA)


def main_lobe(center_bins: float) -> slice:
    """The bins of :func:`line_spectrum` under the main lobe of a tone.

    Args:
        center_bins: Frequency of the tone in bins, at least 0.

    Returns:
        The bins. The last ones may lie beyond the end of the spectrum.

    Example:
        >>> main_lobe(100.5)
        slice(91, 111, None)
    """
    first = max(0, int(np.ceil(center_bins - MAIN_LOBE_BINS)))
    return slice(first, int(center_bins + MAIN_LOBE_BINS) + 1)


def line_power(spectrum: np.ndarray, time: int, rate_hz: float, frequency_hz: float) -> float:
    """Mean square of the tone at a frequency.

    This is the largest bin within the main lobe around the frequency. A tone halfway between two
    bins is underestimated by 0.36 dB at most.

    Args:
        spectrum: ``(frequency,)``, the :func:`line_spectrum` of the signal.
        time: Length of the signal in samples.
        rate_hz: Sampling rate.
        frequency_hz: Frequency of the tone.

    Returns:
        Mean square of the tone.

    Example:
        >>> alternating = np.tile([0.1, -0.1], 4000)[None]
        >>> round(line_power(line_spectrum(alternating), 8000, rate_hz=8000, frequency_hz=4000), 6)
        0.01
    """
    bin_hz = rate_hz / time
    peak = float(spectrum[main_lobe(frequency_hz / bin_hz)].max())
    # At 0 Hz and at Nyquist, no negative frequency shares the power: |X| = A sum(window), RMS A.
    unshared = frequency_hz <= bin_hz / 2 or frequency_hz >= rate_hz / 2 - bin_hz / 2
    return peak / 2 if unshared else peak


def thin_spectrogram(spectrogram: Spectrogram, max_bins: int) -> Spectrogram:
    """Reduce a spectrogram to about as many frequency bins as a picture has pixels.

    Neighboring bins are averaged in power, which keeps thin lines visible; resampling by an image
    viewer does not. The bin at the Nyquist frequency, where a line may lie, is never dropped.

    Args:
        spectrogram: As returned by :func:`spectrogram_db`.
        max_bins: Largest number of frequency bins.

    Returns:
        A spectrogram with at most ``max_bins`` frequencies.

    Example:
        >>> level_db = np.array([[-10.0], [-10.0], [-20.0], [-20.0]])
        >>> spectrogram = (np.array([0.0, 100.0, 200.0, 300.0]), np.array([0.0]), level_db)
        >>> frequencies_hz, _, level_db = thin_spectrogram(spectrogram, max_bins=2)
        >>> frequencies_hz.tolist(), level_db.tolist()
        ([50.0, 250.0], [[-10.0], [-20.0]])
    """
    frequencies_hz, times_seconds, level_db = spectrogram
    group = -(-len(frequencies_hz) // max_bins)
    if group == 1:
        return spectrogram
    first = np.arange(0, len(frequencies_hz), group)
    count = np.diff(first, append=len(frequencies_hz))
    power = np.add.reduceat(10 ** (level_db.astype(np.float64) / 10), first) / count[:, None]
    with np.errstate(divide="ignore"):
        level_db = (10 * np.log10(power)).astype(np.float32)
    return np.add.reduceat(frequencies_hz, first) / count, times_seconds, level_db
