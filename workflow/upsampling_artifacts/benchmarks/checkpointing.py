"""What share of the time of a training its checkpoints take.

The size of a checkpoint follows from the number of parameters; how fast it is written is
measured, on the disk that the results lie on.
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
from upsampling_artifacts.training.checkpoint import COPIES, LARGEST_SHARE

COLUMNS = [
    "system", "parameters", "checkpoint_gigabytes", "disk_megabytes_per_second",
    "saving_seconds", "interval_minutes", "share_percent",
]  # fmt: skip


def write_speed(folder: str | Path, megabytes: int = 1000, repeats: int = 3) -> float:
    """Bytes per second at which a checkpoint is written in a folder and safe on its disk.

    Args:
        folder: Where to.
        megabytes: Size of what is written; large enough not to be all about the disk's cache.
        repeats: The median of so many is taken.
    """
    weights = {index: torch.rand(250_000) for index in range(megabytes)}
    speeds = []
    with tempfile.TemporaryDirectory(dir=folder) as inside:
        for _ in range(repeats):
            started = time.perf_counter()
            with atomic_write(Path(inside) / "checkpoint.pt") as unfinished:
                torch.save(weights, unfinished)
            speeds.append(megabytes * 1e6 / (time.perf_counter() - started))
    return float(np.median(speeds))


def checkpoint_cost(parameters: int, bytes_per_second: float, minutes: float) -> dict[str, float]:
    """Size of a checkpoint, how long it takes, how often it comes, and the share of the time.

    Args:
        parameters: Of the model, in float32.
        bytes_per_second: How fast it is written.
        minutes: ``training.checkpoint_minutes``; on a slow disk it comes more rarely.
    """
    size = 4 * COPIES * parameters
    saving = size / bytes_per_second
    interval = max(60 * minutes, saving / LARGEST_SHARE)
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
    """Write the cost for each system.

    Args:
        csv_path: Where to; one row per system with the columns ``COLUMNS``. The disk it lies on
            is the one that is measured.
        systems: Architecture, options and upsampler of each, by name.
        minutes: ``training.checkpoint_minutes``.
        n_sources: Number of stems that the systems separate.
        megabytes: How much to write for the measurement.
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
