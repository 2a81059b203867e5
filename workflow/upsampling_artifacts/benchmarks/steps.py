"""Time, memory and arithmetic of a training step, for every system of an experiment.

Complete steps (:mod:`training.step`), at the size of the experiment and with the training options
of each system.

Systems that interpolate have a row for each implementation (:mod:`upsamplers.fused`): plain, fused,
and auto, which chooses one for each layer. All of them are the same model.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from upsampling_artifacts.benchmarks.peak_flops import peak_tflop_per_second
from upsampling_artifacts.benchmarks.step_comparison import (
    Columns,
    Setting,
    compare_steps,
    start,
    write_table,
)
from upsampling_artifacts.benchmarks.steps_table import measured_references
from upsampling_artifacts.models.flops import tflop_per_step
from upsampling_artifacts.training.options import TrainingOptions
from upsampling_artifacts.training.step import choose_precision
from upsampling_artifacts.upsamplers.fused import (
    IMPLEMENTATIONS,
    NO_CHOICE,
    layers_with_choice,
    set_implementation,
)

SECONDS_PER_RUN = 0.5

COLUMNS = [
    "system", "implementation", "device", "precision", "batch", "segment_seconds",
    "median_step_seconds", "ratio_to_transposed", "peak_bytes", "tflop_per_step",
    "fraction_of_peak", "epoch_seconds", "low_quartile", "high_quartile", "ratio_low_quartile",
    "ratio_high_quartile", "peak_tflop_per_second", "repeats", "threads", "cores", "load_average",
]  # fmt: skip


def measure_steps(
    csv_path: str | Path,
    systems: dict[str, dict],
    references: dict[str, str],
    training: dict[str, TrainingOptions],
    steps_per_epoch: dict[str, int],
    n_sources: int,
    rate_hz: int,
    seconds_per_run: float = SECONDS_PER_RUN,
) -> None:
    """Time a training step of each system and write the table.

    Args:
        csv_path: Where to write one row per system and implementation, with the columns
            ``COLUMNS``. A system that does not fit into the memory of a GPU has no measured
            values. See :func:`benchmarks.memory.peak_bytes` for ``peak_bytes`` and
            :mod:`models.flops` for ``tflop_per_step``.
        systems: Architecture, options and upsampler of each, as for
            :func:`models.build.build_model`.
        references: The reference of each system; the first of ``systems`` replaces one that is
            not among them.
        training: Training options of each system.
        steps_per_epoch: Steps per epoch of each system.
        n_sources: Number of sources that the systems separate.
        rate_hz: Sampling rate.
        seconds_per_run: As for :func:`step_comparison.compare_steps`.
    """
    # A graph holds the memory of a step. Those of all implementations at once would not fit.
    training = {
        name: replace(choose_precision(options), cuda_graphs=False)
        for name, options in training.items()
    }
    reference_names = measured_references(systems, references)
    settings = {
        name: Setting(system, training[name], n_sources, rate_hz)
        for name, system in systems.items()
    }
    tflop = {name: count_tflop(setting, name) for name, setting in settings.items()}
    measured: dict[str, dict[str, Columns]] = {}
    # A reference is timed with the systems that are compared with it, and comes first.
    for reference in dict.fromkeys(reference_names.values()):
        compared = [name for name in systems if reference_names[name] == reference]
        results = compare_steps(
            {name: settings[name] for name in [reference, *compared]},
            lambda _, setting: start(setting),
            tflop,
            "ratio_to_transposed",
            seconds_per_run,
            unit="systems",
        )
        measured |= {name: results[name] for name in compared}
    rows = []
    for name in systems:
        options = training[name]
        peak = np.nan
        if measured[name]:
            peak = peak_tflop_per_second(options.accelerator, options.precision, options.threads)
        for implementation in tflop[name]:
            row: Columns = {
                "system": name,
                "implementation": implementation,
                "precision": options.precision,
                "batch": settings[name].device_batch_size,
                "segment_seconds": options.segment_seconds,
                "tflop_per_step": tflop[name][implementation],
                "peak_tflop_per_second": peak,
            }
            rows.append(row | measured[name].get(implementation, {}))
    table = pd.DataFrame(rows).reindex(columns=COLUMNS)
    seconds = table["median_step_seconds"]
    table["fraction_of_peak"] = table["tflop_per_step"] / seconds / table["peak_tflop_per_second"]
    table["epoch_seconds"] = seconds * table["system"].map(steps_per_epoch)
    write_table(csv_path, table)


def count_tflop(setting: Setting, name: str) -> dict[str, float]:
    """Count the TFLOP of a training step with each implementation.

    Args:
        setting: The system and its training options.
        name: Name of the system, for messages.

    Returns:
        TFLOP by implementation.
    """
    with torch.device("meta"):
        model, batch = setting.build(), setting.random_batch()
    tflop = {}
    for implementation in IMPLEMENTATIONS if layers_with_choice(model) else [NO_CHOICE]:
        set_implementation(model, implementation)
        tflop[implementation] = tflop_per_step(model, batch, name)
    return tflop
