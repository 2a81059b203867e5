"""A song of the cache: int16 samples mapped from disk.

One ``.npy`` file per song: int16, ``(1 + sources, channels, time)``, the mixture first. Planar,
so that a segment of one stem is one contiguous read per channel. A ``.json`` file beside it
says what it holds. Written by :mod:`upsampling_artifacts.data.cache`; kept apart from it so
that a job that only reads does not load torch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from upsampling_artifacts.files import atomic_write

FULL_SCALE = 2**15

AUDIO_CHANNELS = 2
"""All songs are stereo, as MUSDB is."""


@dataclass(frozen=True)
class CachedSong:
    """One song of the cache.

    Attributes:
        name: The song's name.
        rate_hz: Sampling rate.
        sources: Names of the stems, in the order of the rows of ``stems``.
        scale: Standard deviation of the mono mixture, re full scale: what the original recipe
            normalises a song by.
        mixture: ``(channels, time)``, int16, mapped from disk.
        stems: ``(sources, channels, time)``, int16, mapped from disk.
    """

    name: str
    rate_hz: int
    sources: tuple[str, ...]
    scale: float
    mixture: np.ndarray
    stems: np.ndarray


def read_cache(path: str | Path) -> CachedSong:
    """Map a cached song into memory.

    Args:
        path: The ``.npy`` file.
    """
    about = json.loads(Path(path).with_suffix(".json").read_text())
    pcm = np.load(path, mmap_mode="r")
    return CachedSong(
        name=about["song"],
        rate_hz=about["rate_hz"],
        sources=tuple(about["sources"]),
        scale=about["scale"],
        mixture=pcm[0],
        stems=pcm[1:],
    )


def write_song_list(songs: list[str], path: str | Path) -> None:
    """Write the paths of cached songs, one per line."""
    with atomic_write(path) as unfinished:
        unfinished.write_text("".join(f"{song}\n" for song in songs))


def read_song_list(path: str | Path) -> list[str]:
    """The paths that :func:`write_song_list` wrote."""
    return Path(path).read_text().splitlines()


def waveform(pcm: np.ndarray) -> np.ndarray:
    """int16 samples as float32 re full scale, same shape."""
    return pcm.astype(np.float32) / FULL_SCALE
