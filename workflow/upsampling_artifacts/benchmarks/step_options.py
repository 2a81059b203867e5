"""The effect of each training option on the time, the memory and the loss of a training step.

One system takes steps on one random batch: plain steps (single precision, the entire batch at once,
all activations kept), and steps with one option changed. Each is timed against the plain step, in
interleaved rounds (:mod:`benchmarks.interleaved`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from upsampling_artifacts.benchmarks.step_comparison import (
    Candidate,
    Columns,
    Setting,
    compare_steps,
    start,
    write_table,
)
from upsampling_artifacts.training.options import TrainingOptions

PLAIN = "plain"
COMPARED_STEPS = 5
SECONDS_PER_RUN = 2.0

COLUMNS = [
    "switch", "system", "device", "precision", "batch", "segment_seconds", "median_step_seconds",
    "ratio_to_plain", "peak_bytes", "loss_difference", "low_quartile", "high_quartile",
    "ratio_low_quartile", "ratio_high_quartile", "repeats", "threads", "cores", "load_average",
]  # fmt: skip


@dataclass(frozen=True)
class StepOptions:
    """Options of a step: four keys of ``training``, and whether to use fused Adam."""

    precision: str = "32-true"
    gradient_accumulation: int = 1
    activation_checkpointing: bool = False
    cuda_graphs: bool = False
    fused_adam: bool = True

    def apply(self, training: TrainingOptions) -> TrainingOptions:
        """Return training options with these four keys."""
        return replace(
            training,
            precision=self.precision,
            gradient_accumulation=self.gradient_accumulation,
            activation_checkpointing=self.activation_checkpointing,
            cuda_graphs=self.cuda_graphs,
        )


STEP_OPTIONS = {
    PLAIN: StepOptions(),
    "unfused_adam": StepOptions(fused_adam=False),
    "gradient_accumulation_2": StepOptions(gradient_accumulation=2),
    "gradient_accumulation_4": StepOptions(gradient_accumulation=4),
    "activation_checkpointing": StepOptions(activation_checkpointing=True),
    "bf16-mixed": StepOptions(precision="bf16-mixed"),
    "cuda_graphs": StepOptions(cuda_graphs=True),
    "bf16-mixed_cuda_graphs": StepOptions(precision="bf16-mixed", cuda_graphs=True),
}


def measure_step_options(
    csv_path: str | Path,
    system_name: str,
    system: dict,
    training: TrainingOptions,
    n_sources: int,
    rate_hz: int,
    seconds_per_run: float = SECONDS_PER_RUN,
) -> None:
    """Time a training step of one system with each option and write the table.

    Args:
        csv_path: Where to write one row per option, with the columns ``COLUMNS``; ``switch`` names
            the option. An option that does not fit into the memory of a GPU has no measured values.
            CUDA graphs have rows on a GPU only.
            ``loss_difference`` is relative to the plain loss, after :data:`COMPARED_STEPS` steps
            on the same batch.
        system_name: Name of the system.
        system: Architecture, options and upsampler, as for :func:`models.build.build_model`.
        training: Training options; the keys of :class:`StepOptions` are ignored.
        n_sources: Number of sources that the system separates.
        rate_hz: Sampling rate.
        seconds_per_run: As for :func:`step_comparison.compare_steps`.
    """
    plain = Setting(system, training, n_sources, rate_hz)
    on_gpu = training.accelerator != "cpu" and torch.cuda.is_available()
    options = {
        name: step_options
        for name, step_options in STEP_OPTIONS.items()
        if plain.device_batch_size % step_options.gradient_accumulation == 0
        and (on_gpu or not step_options.cuda_graphs)
    }
    losses: dict[str, float] = {}

    def begin(name: str, setting: Setting) -> Candidate:
        candidate, losses[name] = _take_first_steps(setting, options[name].fused_adam)
        return candidate

    measured = compare_steps(
        {
            name: replace(plain, options=step_options.apply(training))
            for name, step_options in options.items()
        },
        begin,
        {},
        "ratio_to_plain",
        seconds_per_run,
        unit="options",
    )
    rows = []
    for name, step_options in options.items():
        row: Columns = {
            "switch": name,
            "system": system_name,
            "precision": step_options.precision,
            "batch": plain.device_batch_size,
            "segment_seconds": training.segment_seconds,
        }
        for columns in measured[name].values():  # one implementation, the configured one
            row |= columns
            row["loss_difference"] = abs(losses[name] / losses.get(PLAIN, np.nan) - 1)
        rows.append(row)
    write_table(csv_path, pd.DataFrame(rows).reindex(columns=COLUMNS))


def _take_first_steps(setting: Setting, fused_adam: bool) -> tuple[Candidate, float]:
    """Start a model and take :data:`COMPARED_STEPS` steps; return it with the last loss."""
    torch.manual_seed(0)
    candidate = start(setting)
    for group in candidate.trainer.optimizer.param_groups:
        group["fused"] = fused_adam
    for _ in range(COMPARED_STEPS):
        loss = candidate.step()
    return candidate, loss.item()
