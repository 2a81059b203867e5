"""Check recordings before training on them: levels, silence, clipping, checksums."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

MAX_PCM = 1 - 2**-15
"""The largest sample that 16 bits can hold, re full scale."""


def level_db(audio: np.ndarray) -> float:
    """RMS level of audio.

    Args:
        audio: ``(channels, time)`` re full scale.

    Returns:
        dB re full scale; -inf for silence.
    """
    power = np.mean(np.square(audio, dtype=np.float64))
    return float(10 * np.log10(power)) if power > 0 else float("-inf")


def residual_db(mixture: np.ndarray, stems: Iterable[np.ndarray]) -> float:
    """Level of the mixture minus the sum of its stems.

    Args:
        mixture: ``(channels, time)``.
        stems: Each of the same shape.

    Returns:
        dB re the RMS of the mixture; -inf if the stems add up to the mixture exactly, NaN if the
        mixture is silent.
    """
    residual = mixture.astype(np.float64)
    for stem in stems:
        residual -= stem
    mixture_db = level_db(mixture)
    return level_db(residual) - mixture_db if np.isfinite(mixture_db) else float("nan")


def full_scale_samples(audio: np.ndarray) -> int:
    """Count the samples at the limits of 16 bits: a few are peaks, many are clipping.

    Args:
        audio: Samples re full scale, any shape.

    Returns:
        The number of samples.
    """
    return int(np.count_nonzero((audio >= MAX_PCM) | (audio <= -1)))


def silent_seconds(pcm: np.ndarray, rate_hz: int) -> int:
    """Count the frames of one second that museval cannot score because this stem is silent.

    As in museval, frames start at the beginning of the song and do not overlap; an incomplete
    last frame is dropped. A frame is silent if the channels add up to exactly zero throughout.
    museval skips such a frame for all sources.

    Args:
        pcm: int16 ``(channels, time)`` from the cache, as museval gets it.
        rate_hz: Sampling rate.

    Returns:
        The number of silent frames, hence of seconds.
    """
    mono = pcm.sum(axis=0, dtype=np.int32)
    if len(mono) > rate_hz:
        mono = mono[: len(mono) // rate_hz * rate_hz]
    frames = mono.reshape(-1, min(rate_hz, len(mono)))
    return int(np.count_nonzero(~frames.any(axis=1)))


def sha256(files: Iterable[str | Path]) -> str:
    """SHA-256 of one or several files, as by ``cat FILES | sha256sum``.

    Args:
        files: The files, in the order in which they are hashed.

    Returns:
        The hexadecimal digest.
    """
    digest = hashlib.sha256()
    for path in files:
        with Path(path).open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    return digest.hexdigest()
