"""Training segments that one process reads per second, from each kind of file.

At full size (44.1 kHz, stereo, four stems, ten seconds), a fast GPU consumes about 320 segments per
second; loading must keep up. The same segments are read from the cache (plain and augmented), by
soundfile from wav files, and by musdb from wav and MP4 files.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
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
SONG_SECONDS = 3 * SEGMENT_SECONDS + SHIFT_SECONDS  # room for three segments, whatever the shift
SOURCES = ("drums", "bass", "other", "vocals")
COLUMNS = [
    "reader", "segments_per_second", "low_quartile", "high_quartile", "time_re_cache",
    "segment_seconds", "rate_hz", "stems", "channels", "repeats", "cores", "load_average",
]  # fmt: skip

Segment = tuple[int, int]
"""Index of the song, and of the first sample in it."""

Read = Callable[[Segment], np.ndarray]
"""The stems of one segment, ``(sources, channels, time)``."""


def measure_loading(
    csv_path: str | Path,
    memory_path: str | Path,
    songs: int = 4,
    repeats: int = 9,
    memory_segments: int = 2_000,
) -> None:
    """Time the reading of segments of noise from files in the page cache, and measure the memory.

    Args:
        csv_path: Where to write one row per reader, with the columns ``COLUMNS``.
            ``time_re_cache`` is the time per segment relative to the cache without augmentation.
        memory_path: Where to write the memory in use while augmented segments are read
            (:func:`write_memory`).
        songs: Number of songs.
        repeats: Number of passes per reader. The passes of all readers are interleaved, so that
            other load affects them alike; the rows hold medians and quartiles.
        memory_segments: Number of segments to read while memory is measured.
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

        def pass_over_cache(repeat: int) -> int:
            return sum(len(plain[index][0]) for index in range(len(plain)))

        def pass_with_augmentation(repeat: int) -> int:
            return sum(len(augmented[repeat * steps + index][0]) for index in range(steps))

        def pass_over_files(read: Read, repeat: int) -> int:
            # A segment of the first song: files are slow, and only that song is an MP4 file.
            return len([read(plain.positions[0])])

        # Each takes the number of the pass, and returns how many segments it read.
        passes: dict[str, Callable[[int], int]] = {
            "cache": pass_over_cache,
            "augmented": pass_with_augmentation,
        }
        for name, read in file_readers(Path(folder)).items():
            passes[name] = partial(pass_over_files, read)
        seconds: dict[str, list[float]] = {name: [] for name in passes}
        for repeat in range(repeats + 1):  # the first one, dropped below, maps the files
            for name, read_pass in passes.items():
                started = time.perf_counter()
                segments = read_pass(repeat)
                seconds[name].append((time.perf_counter() - started) / segments)
        write_speeds(csv_path, {name: np.array(times[1:]) for name, times in seconds.items()})
        write_memory(memory_path, augmented, memory_segments)


def write_songs(folder: Path, songs: int) -> list[Path]:
    """Write songs of noise into the cache and as wav files, and the first song as an MP4 file.

    Args:
        folder: Where to write ``<song>.npy``, ``wav/test/<song>/`` and
            ``mp4/test/<song>.stem.mp4``.
        songs: Number of songs.

    Returns:
        The paths of the cached songs.
    """
    import stempeg  # raises at import without ffmpeg

    rng = np.random.default_rng(0)
    paths = [folder / f"{index}.npy" for index in range(songs)]
    for path in paths:
        stems = rng.uniform(-0.1, 0.1, (len(SOURCES), 2, round(SONG_SECONDS * RATE_HZ)))
        # Rounded to 16 bits as in wav files, so that all readers read the same.
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
    """Readers of the wav and MP4 files that :func:`write_songs` wrote, by name."""
    require_ffmpeg()
    import musdb  # raises at import without ffmpeg

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
    """Write the median and the quartiles of each reader's speed.

    Args:
        csv_path: Where to write one row per reader, with the columns ``COLUMNS``.
        seconds: Seconds per segment of each pass, ``(repeats,)``, by reader.
    """
    settings = (SEGMENT_SECONDS, RATE_HZ, len(SOURCES), 2)
    rows = []
    for name, measured in seconds.items():
        high, median, low = 1 / np.quantile(measured, [0.25, 0.5, 0.75])
        time_re_cache = np.median(measured / seconds["cache"])
        rows.append((name, median, low, high, time_re_cache, *settings, len(measured),
                     os.cpu_count(), os.getloadavg()[0]))  # fmt: skip
    with atomic_write(csv_path) as unfinished:
        pd.DataFrame(rows, columns=COLUMNS).to_csv(unfinished, index=False, float_format="%.4g")


def write_memory(csv_path: str | Path, batches: TrainingBatches, segments: int) -> None:
    """Read segments, and write :func:`memory_in_use` after each tenth of them.

    Args:
        csv_path: Where to write the columns ``segments`` and those of :func:`memory_in_use`.
        batches: The batches to read.
        segments: Number of segments to read.
    """
    rows = []
    for step in range(segments // BATCH_SIZE):
        batches[step]
        if (step + 1) % (segments // BATCH_SIZE // 10) == 0:
            rows.append({"segments": (step + 1) * BATCH_SIZE, **memory_in_use()})
    with atomic_write(csv_path) as unfinished:
        pd.DataFrame(rows).to_csv(unfinished, index=False, float_format="%.1f")


def memory_in_use() -> dict[str, float]:
    """Memory of this process in MB, as Linux reports it.

    ``anonymous_megabytes`` is what the process has allocated; it must not grow.
    ``mapped_megabytes`` are pages of files, such as the cached songs; the system can reclaim them
    at any time.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    kilobytes = {key: value.split()[0] for key, value in (line.split(":", 1) for line in lines)
                 if key.startswith("Rss")}  # fmt: skip
    return {
        "anonymous_megabytes": int(kilobytes["RssAnon"]) * 1024 / 1e6,
        "mapped_megabytes": int(kilobytes["RssFile"]) * 1024 / 1e6,
    }
