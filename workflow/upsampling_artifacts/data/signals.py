"""Test signals: what a probe feeds to a network to reveal its artifacts.

All signals are float32 ``(channels, time)``, in the network's units: 1 is the standard deviation
of a normalized mixture.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import chirp

from upsampling_artifacts.data.cached_song import CachedSong, waveform

NAMES = ("silence", "ones", "noise", "sweep", "music")


def silence(seconds: float, rate_hz: float, channels: int) -> np.ndarray:
    """Generate zeros: whatever comes out is made by the network."""
    return np.zeros((channels, round(seconds * rate_hz)), np.float32)


def ones(seconds: float, rate_hz: float, channels: int) -> np.ndarray:
    """Generate a constant: a pure DC offset, the input of the paper's figures 5, 7 and 8."""
    return np.ones((channels, round(seconds * rate_hz)), np.float32)


def white_noise(seconds: float, rate_hz: float, channels: int, seed: int = 0) -> np.ndarray:
    """Generate Gaussian white noise of standard deviation 1, the input of the paper's figure 1."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((channels, round(seconds * rate_hz)), np.float32)


def sine_sweep(seconds: float, rate_hz: float, channels: int) -> np.ndarray:
    """Generate a linear sine sweep of RMS 1 from 0 Hz to Nyquist."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    # Start at a zero crossing (phi in degrees): no click, and hardly any DC offset.
    sweep = np.sqrt(2) * chirp(times, f0=0, t1=seconds, f1=rate_hz / 2, phi=-90)
    return np.tile(sweep.astype(np.float32), (channels, 1))


def music(song: CachedSong, seconds: float) -> np.ndarray:
    """Take the middle of a song's mixture, normalized as in training."""
    time = song.mixture.shape[-1]
    samples = min(round(seconds * song.rate_hz), time)
    first = (time - samples) // 2
    return waveform(song.mixture[:, first : first + samples]) / song.scale


def test_signals(
    seconds: float, rate_hz: float, channels: int, music: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Generate all test signals.

    Args:
        seconds: Length of the generated signals.
        rate_hz: Sampling rate.
        channels: Number of channels.
        music: ``(channels, time)``, added unchanged as the last signal; None for no music.

    Returns:
        ``(channels, time)`` float32 by name, in the order of :data:`NAMES`.
    """
    signals = {
        "silence": silence(seconds, rate_hz, channels),
        "ones": ones(seconds, rate_hz, channels),
        "noise": white_noise(seconds, rate_hz, channels),
        "sweep": sine_sweep(seconds, rate_hz, channels),
    }
    return signals if music is None else {**signals, "music": music}


vars(test_signals)["__test__"] = False  # or pytest would collect it as a test
