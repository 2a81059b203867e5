"""What is fed to a network to make its artifacts visible.

All signals are float32, ``(channels, time)``, in the network's units: 1 is the standard
deviation of a normalised mixture.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import chirp

from upsampling_artifacts.data.cached_song import CachedSong, waveform

NAMES = ("silence", "ones", "noise", "sweep", "music")


def silence(seconds: float, rate_hz: float, channels: int) -> np.ndarray:
    """Zeros: whatever comes out, the network has made by itself."""
    return np.zeros((channels, round(seconds * rate_hz)), np.float32)


def ones(seconds: float, rate_hz: float, channels: int) -> np.ndarray:
    """A constant, the input of the paper's figures 5, 7 and 8: an offset and nothing else."""
    return np.ones((channels, round(seconds * rate_hz)), np.float32)


def white_noise(seconds: float, rate_hz: float, channels: int, seed: int = 0) -> np.ndarray:
    """Gaussian white noise of standard deviation 1, the input of the paper's figure 1."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((channels, round(seconds * rate_hz)), np.float32)


def sine_sweep(seconds: float, rate_hz: float, channels: int) -> np.ndarray:
    """A sine of RMS 1 whose frequency rises evenly from 0 Hz to Nyquist, the same everywhere."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    # It starts at the sine's zero (phi in degrees): no click, and hardly an offset.
    sweep = np.sqrt(2) * chirp(times, f0=0, t1=seconds, f1=rate_hz / 2, phi=-90)
    return np.tile(sweep.astype(np.float32), (channels, 1))


def music(song: CachedSong, seconds: float) -> np.ndarray:
    """The middle of a song's mixture, normalised as for training."""
    time = song.mixture.shape[-1]
    samples = min(round(seconds * song.rate_hz), time)
    first = (time - samples) // 2
    return waveform(song.mixture[:, first : first + samples]) / song.scale


def test_signals(
    seconds: float, rate_hz: float, channels: int, music: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """All of them by name; ``music``, ``(channels, time)``, is taken as it is, if there is any."""
    signals = {
        "silence": silence(seconds, rate_hz, channels),
        "ones": ones(seconds, rate_hz, channels),
        "noise": white_noise(seconds, rate_hz, channels),
        "sweep": sine_sweep(seconds, rate_hz, channels),
    }
    return signals if music is None else {**signals, "music": music}


test_signals.__test__ = False  # pytest would take it for a test
