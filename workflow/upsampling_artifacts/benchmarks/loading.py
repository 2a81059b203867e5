"""How many training segments one process reads per second, and from what.

A fast GPU takes about 320 segments per second of the full-size model's data (44.1 kHz, stereo, four
stems, ten seconds): loading must not be what training waits for. The same segments are read from
the cache as they are and augmented, by soundfile from wav, and through musdb from wav and MP4.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
import torch

from upsampling_artifacts.data.cache import write_cache
from upsampling_artifacts.data.cached_song import read_cache
from upsampling_artifacts.data.musdb18 import Recording, require_ffmpeg
from upsampling_artifacts.data.segments import TrainingBatches, ValidationBatches
from upsampling_artifacts.files import atomic_write

RATE_HZ, SEGMENT_SECONDS, BATCH_SIZE = 44100, 10.0, 8
SHIFT_SECONDS = 1.0
SONG_SECONDS = 3 * SEGMENT_SECONDS + SHIFT_SECONDS  # three segments, wherever they are shifted to
SOURCES = ("drums", "bass", "other", "vocals")
COLUMNS = [
    "reader", "segments_per_second", "low_quartile", "high_quartile", "time_re_cache",
    "segment_seconds", "rate_hz", "stems", "channels", "repeats", "cores", "load_average",
]  # fmt: skip

Segment = tuple[int, int]
"""Index of a song, and the first sample."""

Read = Callable[[Segment], np.ndarray]
"""The stems of one segment, ``(sources, channels, time)``."""


def measure_loading(
    csv_path: str | Path,
    memory_path: str | Path,
    songs: int = 8,
    repeats: int = 9,
    memory_segments: int = 10_000,
) -> None:
    """Read segments of noise that are in memory, each way in turn, and write the speeds.

    Args:
        csv_path: Where to; one row per reader with the columns ``COLUMNS``. ``time_re_cache`` is
            the time that a segment takes, over that of the cache without augmentation.
        memory_path: Where to write :func:`memory_in_use` while augmented segments are read.
        songs: Number of songs.
        repeats: Speeds measured of each reader, all readers in turn, so that what else the
            machine does meets them alike; the rows hold medians and quartiles.
        memory_segments: How many segments to read while memory is watched.
    """
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        cached = [read_cache(path) for path in write_songs(Path(folder), songs)]
        plain = ValidationBatches(cached, SEGMENT_SECONDS, BATCH_SIZE)
        augmented = TrainingBatches(
            cached,
            segment_seconds=SEGMENT_SECONDS,
            stride_seconds=SEGMENT_SECONDS,
            shift_seconds=SHIFT_SECONDS,
            batch_size=BATCH_SIZE,
            remix_group=4,
            seed=0,
            gain_db=6.0,
        )
        steps = augmented.steps_per_epoch
        # What is read in one repeat; each returns the number of segments. Of files fewer, for that
        # takes long: there is an MP4 file of the first song alone.
        passes = {
            "cache": lambda repeat: sum(len(plain[i][0]) for i in range(len(plain))),
            "augmented": lambda repeat: sum(
                len(augmented[repeat * steps + i][0]) for i in range(steps)
            ),
        }
        for name, read in file_readers(Path(folder)).items():
            passes[name] = lambda _, read=read: len([read(at) for at in plain.positions[:2]])
        seconds = {name: [] for name in passes}
        for repeat in range(repeats + 1):  # the first one maps the files
            for name, read_pass in passes.items():
                started = time.perf_counter()
                segments = read_pass(repeat)
                seconds[name].append((time.perf_counter() - started) / segments)
        write_speeds(csv_path, {name: np.array(every[1:]) for name, every in seconds.items()})
        write_memory(memory_path, augmented, memory_segments)


def write_songs(folder: Path, songs: int) -> list[Path]:
    """Write songs of noise as wav files, into the cache, and the first as MP4 stems, too.

    Args:
        folder: Gets ``wav/test/<song>/``, ``mp4/test/<song>.stem.mp4`` and ``<song>.npy``.
        songs: How many.

    Returns:
        The cached songs.
    """
    import stempeg  # raises at import if there is no ffmpeg

    rng = np.random.default_rng(0)
    paths = [folder / f"{index}.npy" for index in range(songs)]
    for path in paths:
        stems = rng.uniform(-0.1, 0.1, (len(SOURCES), 2, round(SONG_SECONDS * RATE_HZ)))
        # As 16-bit wav files have it, so that all read the same.
        stems = np.round(stems * 2**15) / 2**15
        audio = np.concatenate([stems.sum(axis=0, keepdims=True), stems]).astype(np.float32)
        write_cache(Recording(path.stem, SOURCES, audio, RATE_HZ), path, RATE_HZ)
        song = folder / "wav" / "test" / path.stem
        song.mkdir(parents=True)
        for name, stem in zip(("mixture", *SOURCES), audio, strict=True):
            soundfile.write(song / f"{name}.wav", stem.T, RATE_HZ, subtype="PCM_16")
        if path is paths[0]:
            packed = folder / "mp4" / "test" / f"{path.stem}.stem.mp4"
            packed.parent.mkdir(parents=True)
            writer = stempeg.StreamsWriter(codec="aac", bitrate=256_000)
            stempeg.write_stems(str(packed), audio.transpose(0, 2, 1), RATE_HZ, writer)
    return paths


def file_readers(folder: Path) -> dict[str, Read]:
    """The other ways to read a segment of what :func:`write_songs` wrote, by name."""
    require_ffmpeg()
    import musdb  # raises at import if there is no ffmpeg

    frames = round(SEGMENT_SECONDS * RATE_HZ)

    def from_wav(segment: Segment) -> np.ndarray:
        song, first = segment
        stems = np.empty((len(SOURCES), 2, frames), np.int16)
        for stem, source in zip(stems, SOURCES, strict=True):
            file = folder / "wav" / "test" / str(song) / f"{source}.wav"
            stem[:] = soundfile.read(file, frames, first, dtype="int16")[0].T
        return stems

    def through_musdb(kind: str) -> Read:
        data = musdb.DB(root=folder / kind, subsets=["test"], is_wav=kind == "wav")
        tracks = {track.name: track for track in data}

        def read(segment: Segment) -> np.ndarray:
            song, first = segment
            track = tracks[str(song)]
            track.chunk_start, track.chunk_duration = first / RATE_HZ, SEGMENT_SECONDS
            stems = np.empty((len(SOURCES), 2, frames), np.float32)
            for stem, source in zip(stems, SOURCES, strict=True):
                stem[:] = track.sources[source].audio.T
            return stems

        return read

    return {
        "soundfile": from_wav,
        "musdb_wav": through_musdb("wav"),
        "musdb_mp4": through_musdb("mp4"),
    }


def write_speeds(csv_path: str | Path, seconds: dict[str, np.ndarray]) -> None:
    """Write medians and quartiles of the seconds per segment that each reader took."""
    about = (SEGMENT_SECONDS, RATE_HZ, len(SOURCES), 2)
    rows = []
    for name, measured in seconds.items():
        high, median, low = 1 / np.quantile(measured, [0.25, 0.5, 0.75])
        times = np.median(measured / seconds["cache"])
        rows.append((name, median, low, high, times, *about, len(measured),
                     os.cpu_count(), os.getloadavg()[0]))  # fmt: skip
    with atomic_write(csv_path) as unfinished:
        pd.DataFrame(rows, columns=COLUMNS).to_csv(unfinished, index=False, float_format="%.4g")


def write_memory(csv_path: str | Path, batches: TrainingBatches, segments: int) -> None:
    """Write the memory in use after every tenth of so many segments read.

    Args:
        csv_path: Where to; columns ``segments`` and those of :func:`memory_in_use`.
        batches: What to read.
        segments: How many.
    """
    rows = []
    for step in range(segments // BATCH_SIZE):
        batches[step]
        if (step + 1) % (segments // BATCH_SIZE // 10) == 0:
            rows.append({"segments": (step + 1) * BATCH_SIZE, **memory_in_use()})
    with atomic_write(csv_path) as unfinished:
        pd.DataFrame(rows).to_csv(unfinished, index=False, float_format="%.1f")


def memory_in_use() -> dict[str, float]:
    """This process's memory in MB, as Linux counts it.

    ``anonymous_megabytes`` is what it has allocated, and what must not grow; ``mapped_megabytes``
    are pages of files, the cached songs among them, which the system takes back when it likes.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    kilobytes = {key: value.split()[0] for key, value in (line.split(":", 1) for line in lines)
                 if key.startswith("Rss")}  # fmt: skip
    return {
        "anonymous_megabytes": int(kilobytes["RssAnon"]) * 1024 / 1e6,
        "mapped_megabytes": int(kilobytes["RssFile"]) * 1024 / 1e6,
    }
