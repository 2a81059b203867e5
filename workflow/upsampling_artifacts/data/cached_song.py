"""A cached song: int16 samples, memory-mapped from disk.

One ``.npy`` file per song holds int16 ``(1 + sources, channels, time)``, the mixture first. The
layout is planar: a segment of one stem is one contiguous read per channel. A ``.json`` file beside
it describes the contents. :mod:`upsampling_artifacts.data.cache` writes both. It is a separate
module, so that jobs that only read the cache do not import its dependencies.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from upsampling_artifacts.files import atomic_write

FULL_SCALE = 2**15

AUDIO_CHANNELS = 2
"""All songs are stereo, as in MUSDB18."""


@dataclass(frozen=True)
class CachedSong:
    """A song in the cache.

    Attributes:
        name: The song's name.
        rate_hz: Sampling rate.
        sources: Names of the stems, in the order of ``stems``.
        scale: Standard deviation of the mono mixture, re full scale; the original recipe
            normalizes songs by it.
        mixture: ``(channels, time)``, int16, memory-mapped.
        stems: ``(sources, channels, time)``, int16, memory-mapped.
    """

    name: str
    rate_hz: int
    sources: tuple[str, ...]
    scale: float
    mixture: np.ndarray
    stems: np.ndarray


def read_cache(path: str | Path) -> CachedSong:
    """Memory-map a cached song.

    Args:
        path: The ``.npy`` file; the ``.json`` file must lie beside it.

    Returns:
        The song; its samples are read from disk when they are used.
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
    """Write the paths of cached songs, one per line.

    Args:
        songs: Paths of cached songs (``.npy``).
        path: Text file to write.
    """
    with atomic_write(path) as unfinished:
        unfinished.write_text("".join(f"{song}\n" for song in songs))


def read_song_list(path: str | Path) -> list[str]:
    """Read the paths that :func:`write_song_list` wrote.

    Args:
        path: The text file.

    Returns:
        Paths of cached songs (``.npy``).
    """
    return Path(path).read_text().splitlines()


def waveform(pcm: np.ndarray) -> np.ndarray:
    """Convert int16 samples to float32 re full scale.

    Args:
        pcm: int16, any shape.

    Returns:
        float32 from -1 up to, but not including, 1, in the shape of ``pcm``.
    """
    return pcm.astype(np.float32) / FULL_SCALE
