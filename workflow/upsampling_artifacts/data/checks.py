"""What can be told of a recording before anything is learnt from it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

LARGEST_PCM = 1 - 2**-15
"""The largest sample that 16 bits can hold, re full scale."""


def level_db(audio: np.ndarray) -> float:
    """RMS of all samples of ``(channels, time)`` in dB re full scale; -inf for silence."""
    power = np.mean(np.square(audio, dtype=np.float64))
    return float(10 * np.log10(power)) if power > 0 else float("-inf")


def residual_db(mixture: np.ndarray, stems: Iterable[np.ndarray]) -> float:
    """RMS of the mixture less the sum of its stems, in dB re the RMS of the mixture.

    Args:
        mixture: ``(channels, time)``.
        stems: The same shape each.

    Returns:
        -inf where they are equal; NaN for a mixture without sound.
    """
    rest = mixture.astype(np.float64)
    for stem in stems:
        rest -= stem
    of_mixture = level_db(mixture)
    return level_db(rest) - of_mixture if np.isfinite(of_mixture) else float("nan")


def full_scale_samples(audio: np.ndarray) -> int:
    """How many samples are as large as 16 bits can hold: a few are peaks, many are clipping."""
    return int(np.count_nonzero((audio >= LARGEST_PCM) | (audio <= -1)))


def silent_seconds(pcm: np.ndarray, rate_hz: int) -> int:
    """Total length of the frames that museval cannot score, because this stem is silent in them.

    As museval has it: frames of one second side by side from the start of the song, without what
    is left at the end; silent if the channels add up to exactly zero in all of the frame. It
    leaves such a frame out for all sources, the mixture apart.

    Args:
        pcm: int16 ``(channels, time)``, as museval gets it: from the cache.
        rate_hz: Its sampling rate.
    """
    mono = pcm.sum(axis=0, dtype=np.int32)
    if len(mono) > rate_hz:
        mono = mono[: len(mono) // rate_hz * rate_hz]
    frames = mono.reshape(-1, min(rate_hz, len(mono)))
    return int(np.count_nonzero(~frames.any(axis=1)))


def sha256(files: Iterable[str | Path]) -> str:
    """SHA-256 of a file; of several, what ``cat FILES | sha256sum`` gives."""
    digest = hashlib.sha256()
    for path in files:
        with Path(path).open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    return digest.hexdigest()
