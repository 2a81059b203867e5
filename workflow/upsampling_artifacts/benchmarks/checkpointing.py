"""The share of the training time that is spent on checkpoints.

The size of a checkpoint follows from the number of parameters. The write speed is measured, on the
disk that holds the results.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from upsampling_artifacts.data.cached_song import AUDIO_CHANNELS
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.models.flops import build_on_meta, parameter_count
from upsampling_artifacts.training.checkpoint import COPIES, MAX_SAVING_SHARE

COLUMNS = [
    "system", "parameters", "checkpoint_gigabytes", "disk_megabytes_per_second",
    "saving_seconds", "interval_minutes", "share_percent",
]  # fmt: skip


def write_speed(folder: str | Path, megabytes: int = 1000, repeats: int = 3) -> float:
    """Measure how fast a checkpoint is written and flushed to the disk of a folder.

    Args:
        folder: A folder on the disk.
        megabytes: Size of each write, in MB; it must exceed the cache of the disk.
        repeats: Number of writes.

    Returns:
        Bytes per second, the median over the writes.
    """
    weights = {index: torch.rand(250_000) for index in range(megabytes)}
    speeds = []
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        for _ in range(repeats):
            started = time.perf_counter()
            with atomic_write(Path(temporary) / "checkpoint.pt") as unfinished:
                torch.save(weights, unfinished)
            speeds.append(megabytes * 1e6 / (time.perf_counter() - started))
    return float(np.median(speeds))


def checkpoint_cost(parameters: int, bytes_per_second: float, minutes: float) -> dict[str, float]:
    """Compute the size of a checkpoint, how long saving takes, and its share of the training time.

    Args:
        parameters: Number of parameters of the model, in float32.
        bytes_per_second: Write speed.
        minutes: ``training.checkpoint_minutes``; the interval is longer on a slow disk.

    Returns:
        Values by name, the columns ``COLUMNS`` without ``system``.
    """
    size = 4 * COPIES * parameters
    saving = size / bytes_per_second
    interval = max(60 * minutes, saving / MAX_SAVING_SHARE)
    return {
        "parameters": parameters,
        "checkpoint_gigabytes": size / 1e9,
        "disk_megabytes_per_second": bytes_per_second / 1e6,
        "saving_seconds": saving,
        "interval_minutes": interval / 60,
        "share_percent": 100 * saving / (interval + saving),
    }


def measure_checkpointing(
    csv_path: str | Path,
    systems: dict[str, dict],
    minutes: float,
    n_sources: int,
    megabytes: int = 1000,
) -> None:
    """Compute the cost of checkpoints for each system, with the measured write speed.

    Args:
        csv_path: Where to write one row per system, with the columns ``COLUMNS``. Its disk is
            measured.
        systems: Architecture, options and upsampler of each system, by name.
        minutes: ``training.checkpoint_minutes``.
        n_sources: Number of sources that the systems separate.
        megabytes: As for :func:`write_speed`.
    """
    folder = Path(csv_path).parent
    folder.mkdir(parents=True, exist_ok=True)
    speed = write_speed(folder, megabytes)
    rows = []
    for name, system in systems.items():
        parameters = parameter_count(build_on_meta(system, n_sources, AUDIO_CHANNELS))
        rows.append({"system": name, **checkpoint_cost(parameters, speed, minutes)})
    with atomic_write(csv_path) as unfinished:
        table = pd.DataFrame(rows, columns=COLUMNS)
        table.to_csv(unfinished, index=False, float_format="%.4g")
