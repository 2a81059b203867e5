"""Real music without a download: six seconds of a MUSDB18 song from the stempeg package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import torch
from torchaudio.functional import resample

from upsampling_artifacts.data.musdb18 import EXCERPT, read_song, song_path
from upsampling_artifacts.data.rates import check_resampling
from upsampling_artifacts.files import atomic_write


def excerpt_music(rate_hz: int, channels: int, seconds: float) -> np.ndarray:
    """Take the middle of the excerpt's mixture, scaled to standard deviation 1.

    Args:
        rate_hz: Sampling rate to resample to (torchaudio's windowed sinc).
        channels: 1 for the mean of left and right, 2 for stereo.
        seconds: Length, at most 6.

    Returns:
        ``(channels, time)`` float32.
    """
    song = read_song(song_path(Path(), "excerpt", EXCERPT), sources=[])
    mixture = torch.from_numpy(song.audio[0])
    if channels == 1:
        mixture = mixture.mean(dim=0, keepdim=True)
    check_resampling("rate_hz", song.rate_hz, rate_hz)
    mixture = resample(mixture, song.rate_hz, rate_hz)
    samples = min(round(seconds * rate_hz), mixture.shape[-1])
    first = (mixture.shape[-1] - samples) // 2
    middle = mixture[:, first : first + samples]
    return (middle / middle.std()).numpy()


def write_excerpt(wav_path: str | Path) -> None:
    """Write the whole mixture of the excerpt, unchanged.

    Args:
        wav_path: File to write: float32, at the song's own sampling rate.
    """
    song = read_song(song_path(Path(), "excerpt", EXCERPT), sources=[])
    with atomic_write(wav_path) as unfinished:
        soundfile.write(unfinished, song.audio[0].T, song.rate_hz, subtype="FLOAT")
