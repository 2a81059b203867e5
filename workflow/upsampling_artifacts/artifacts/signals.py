"""What is fed to a network to make its artifacts visible.

All signals are float32, ``(channels, time)``, in the network's units: 1 is the standard
deviation of a normalised mixture.
"""

from __future__ import annotations

import numpy as np

from upsampling_artifacts.data.cached_song import CachedSong, waveform


def silence(seconds: float, rate_hz: int, channels: int) -> np.ndarray:
    """Zeros: whatever comes out, the network has made by itself."""
    return np.zeros((channels, round(seconds * rate_hz)), np.float32)


def white_noise(seconds: float, rate_hz: int, channels: int, seed: int = 0) -> np.ndarray:
    """Gaussian white noise of standard deviation 1, the input of the paper's figure 1."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((channels, round(seconds * rate_hz)), np.float32)


def music(song: CachedSong, seconds: float) -> np.ndarray:
    """The middle of a song's mixture, normalised as for training."""
    time = song.mixture.shape[-1]
    samples = min(round(seconds * song.rate_hz), time)
    first = (time - samples) // 2
    return waveform(song.mixture[:, first : first + samples]) / song.scale
