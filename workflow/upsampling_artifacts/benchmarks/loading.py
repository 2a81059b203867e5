"""How many training segments one process reads from the cache per second.

A fast GPU takes about 320 segments per second of the full-size model's data (44.1 kHz, stereo, four
stems, ten seconds): loading must not be what training waits for.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from upsampling_artifacts.data.cache import write_cache
from upsampling_artifacts.data.cached_song import read_cache
from upsampling_artifacts.data.musdb18 import Recording
from upsampling_artifacts.data.segments import TrainingBatches
from upsampling_artifacts.files import written_whole

RATE_HZ, SEGMENT_SECONDS, BATCH_SIZE = 44100, 10.0, 8
SOURCES = ("drums", "bass", "other", "vocals")
COLUMNS = [
    "segment_seconds", "rate_hz", "stems", "channels", "batch_size", "repeats",
    "segments_per_second", "low_quartile", "high_quartile", "cores", "load_average",
]  # fmt: skip


def measure_loading(
    csv_path: str | Path, songs: int = 6, song_seconds: float = 30.0, repeats: int = 9
) -> None:
    """Read augmented batches of noise from a cache that is in memory, and write the speed.

    Args:
        csv_path: Where to; one row with the columns ``COLUMNS``.
        songs: Number of songs in the cache.
        song_seconds: Their length.
        repeats: Speeds measured, each over as many batches as there are songs; the row holds
            their median and quartiles.
    """
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    shape = (1 + len(SOURCES), 2, round(song_seconds * RATE_HZ))
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{index}.npy" for index in range(songs)]
        for path in paths:
            audio = rng.uniform(-0.5, 0.5, shape).astype(np.float32)
            write_cache(Recording(path.stem, SOURCES, audio, RATE_HZ), path, RATE_HZ)
        batches = TrainingBatches(
            [read_cache(path) for path in paths],
            segment_seconds=SEGMENT_SECONDS,
            stride_seconds=1.0,
            shift_seconds=1.0,
            batch_size=BATCH_SIZE,
            remix_group=4,
            seed=0,
        )
        speeds = []
        for repeat in range(repeats + 1):  # the first one maps the files
            started = time.perf_counter()
            for step in range(songs):
                batches[repeat * songs + step]
            speeds.append(songs * BATCH_SIZE / (time.perf_counter() - started))
    low, median, high = np.quantile(speeds[1:], [0.25, 0.5, 0.75])
    row = (SEGMENT_SECONDS, RATE_HZ, len(SOURCES), 2, BATCH_SIZE, repeats, median, low, high,
           os.cpu_count(), os.getloadavg()[0])  # fmt: skip
    with written_whole(csv_path) as unfinished:
        pd.DataFrame([row], columns=COLUMNS).to_csv(unfinished, index=False, float_format="%.1f")
