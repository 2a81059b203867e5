"""A cached song: int16 samples, memory-mapped from disk.

One ``.npy`` file per song holds int16 ``(1 + sources, channels, time)``, the mixture first. The
layout is planar: a segment of one stem is one contiguous read per channel. A ``.json`` file beside
it describes the contents and states a checksum of both (:mod:`upsampling_artifacts.integrity`).
:mod:`upsampling_artifacts.data.cache` writes them. It is a separate module, so that jobs that only
read the cache do not import its dependencies.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from upsampling_artifacts.errors import InputError, first_line
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.integrity import array_parts, check_checksum, checksum, description_part

FULL_SCALE = 2**15

AUDIO_CHANNELS = 2
"""All songs are stereo, as in MUSDB18."""

REMEDY = "delete it and the .json file beside it, and they will be made again"

CHECKSUM = "crc32"
"""Key of the description: the checksum of the other keys and of the samples."""


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
    """Memory-map a cached song, and check it.

    The check reads the song once, at more than a gigabyte per second from memory; jobs that train
    on songs, separate or score them read them anyway.

    Args:
        path: The ``.npy`` file; the ``.json`` file must lie beside it.

    Returns:
        The song; its samples are read from disk when they are used.

    Raises:
        InputError: The files are damaged, or do not belong together, or are of another song than
            the name of the file says.
    """
    try:
        about = json.loads(Path(path).with_suffix(".json").read_text(encoding="utf-8"))
        pcm = np.load(path, mmap_mode="r")
        stated, actual = about[CHECKSUM], cache_checksum(about, pcm)
    except Exception as error:  # numpy parses the header of a damaged file as Python
        if isinstance(error, OSError) and error.filename is not None:  # it cannot be opened
            raise
        raise InputError(
            f"{path}: damaged, or not a cached song of this version ({first_line(error)}); {REMEDY}"
        ) from error
    check_checksum(path, stated, actual, REMEDY)
    if about["song"] != Path(path).stem:
        raise InputError(f"{path}: is the song '{about['song']}'; {REMEDY}")
    return CachedSong(
        name=about["song"],
        rate_hz=about["rate_hz"],
        sources=tuple(about["sources"]),
        scale=about["scale"],
        mixture=pcm[0],
        stems=pcm[1:],
    )


def cache_checksum(about: dict[str, Any], pcm: np.ndarray) -> str:
    """The checksum of a cached song.

    Args:
        about: The description, with or without its checksum.
        pcm: int16 ``(1 + sources, channels, time)``.
    """
    covered = {key: value for key, value in about.items() if key != CHECKSUM}
    return checksum([description_part(covered), *array_parts(pcm)])


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
