"""Baselines without a model: the unseparated mixture, and an oracle."""

from __future__ import annotations

import numpy as np
from scipy.signal import ShortTimeFFT

from upsampling_artifacts.data.cached_song import CachedSong, waveform


def mixture_separator(song: CachedSong) -> np.ndarray:
    """Lower bound: estimate each source as the mixture divided by the number of sources.

    Args:
        song: A cached song.

    Returns:
        ``(sources, channels, time)``, float32 re full scale.
    """
    n_sources = len(song.sources)
    return np.repeat(waveform(song.mixture)[None] / n_sources, n_sources, axis=0)


def ideal_ratio_mask_separator(song: CachedSong) -> np.ndarray:
    """Upper bound: filter the mixture with the ideal ratio mask of each source.

    The mask is each source's power over the sum of all sources' powers, per channel (the IRM2
    oracle of SiSEC 2018), in a spectrogram with 46 ms windows.

    Args:
        song: A cached song.

    Returns:
        ``(sources, channels, time)``, float32 re full scale.
    """
    window = 2 ** round(np.log2(0.046 * song.rate_hz))
    spectra = ShortTimeFFT.from_window(
        "hann", song.rate_hz, nperseg=window, noverlap=3 * window // 4
    )
    stems, mixture = waveform(song.stems), waveform(song.mixture)
    power = np.abs(spectra.stft(stems)) ** 2
    mask = power / np.maximum(power.sum(axis=0, keepdims=True), np.finfo(np.float32).tiny)
    estimates = spectra.istft(mask * spectra.stft(mixture), k1=mixture.shape[-1])
    return estimates.astype(np.float32)
