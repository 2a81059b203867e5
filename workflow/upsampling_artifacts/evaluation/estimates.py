"""Write estimates as audio files, in musdb's layout."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from upsampling_artifacts.data.cached_song import CachedSong, read_cache
from upsampling_artifacts.files import explained_write_errors
from upsampling_artifacts.progress import Progress

logger = logging.getLogger(__name__)

Separate = Callable[[CachedSong], np.ndarray]
"""Maps a song to its estimates, ``(sources, channels, time)`` float32 re full scale."""


def separate_songs(separate: Separate, songs: list[str], folder: str | Path, label: str) -> None:
    """Separate songs and write ``folder/test/<song>/<source>.wav`` (musdb's layout).

    Files are 32-bit float: an artifact in a silent passage may be smaller than one step of 16 bits,
    and museval cannot score an estimate that was rounded to silence.

    Args:
        separate: Estimates the sources of a song.
        songs: Cached songs (``.npy``).
        folder: Folder to write to; its previous contents are removed.
        label: Prefix of the progress lines.
    """
    shutil.rmtree(folder, ignore_errors=True)
    progress = Progress(len(songs), f"{label}: songs separated")
    for path in songs:
        song = read_cache(path)
        target = Path(folder) / "test" / song.name
        target.mkdir(parents=True)
        for source, estimate in zip(song.sources, separate(song), strict=True):
            if not np.isfinite(estimate).all():
                logger.warning(
                    f"{label}: '{song.name}' will not be scored: the estimate of {source} is "
                    "infinite or not a number in places"
                )
            wav = target / f"{source}.wav"
            with explained_write_errors(wav):
                soundfile.write(wav, estimate.T, song.rate_hz, subtype="FLOAT")
        progress.step()
