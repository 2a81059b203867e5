"""Estimates as audio files, in musdb's layout."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from upsampling_artifacts.data.cached_song import CachedSong, read_cache
from upsampling_artifacts.progress import Progress

Separate = Callable[[CachedSong], np.ndarray]
"""From a song to its estimates, ``(sources, channels, time)`` float32 re full scale."""


def separate_songs(separate: Separate, songs: list[str], folder: str | Path, label: str) -> None:
    """Separate songs and write ``folder/test/<song>/<source>.wav``, musdb's layout.

    Written as 32-bit float: an artifact in a silent passage may lie below the last bit of
    16, and museval cannot score an estimate that rounding has made exactly silent.

    Args:
        separate: What estimates the sources.
        songs: Cached songs (``.npy``).
        folder: Where to; what it held before is removed.
        label: Names the work in the progress lines.
    """
    shutil.rmtree(folder, ignore_errors=True)
    progress = Progress(len(songs), f"{label} separates songs")
    for path in songs:
        song = read_cache(path)
        target = Path(folder) / "test" / song.name
        target.mkdir(parents=True)
        for source, estimate in zip(song.sources, separate(song), strict=True):
            soundfile.write(target / f"{source}.wav", estimate.T, song.rate_hz, subtype="FLOAT")
        progress.step()
