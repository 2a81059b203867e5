"""Training steps on a random batch, timed against those of a reference.

Each candidate runs with the reference in interleaved rounds (:mod:`benchmarks.interleaved`). No
other model is in memory: at full size, a model with its optimizer takes 11 GB.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from upsampling_artifacts.benchmarks.interleaved import (
    machine_columns,
    quartiles,
    time_interleaved,
)
from upsampling_artifacts.benchmarks.memory import peak_bytes
from upsampling_artifacts.data.cached_song import AUDIO_CHANNELS
from upsampling_artifacts.data.segments import Batch
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.progress import Progress
from upsampling_artifacts.training.cuda_graphs import TakeStep, step_function
from upsampling_artifacts.training.distributed import launch
from upsampling_artifacts.training.options import TrainingOptions
from upsampling_artifacts.training.step import Trainer
from upsampling_artifacts.upsamplers.fused import (
    NO_CHOICE,
    layers_with_choice,
    set_implementation,
)

logger = logging.getLogger(__name__)

REFERENCE_RUN = "reference"

Columns = dict[str, object]
"""Values of one row, by column."""


@dataclass(frozen=True)
class Setting:
    """What to train, and how.

    Attributes:
        system: Architecture, options and upsampler, as for :func:`models.build.build_model`.
        options: Training options.
        n_sources: Number of sources that the system separates.
        rate_hz: Sampling rate.
    """

    system: dict
    options: TrainingOptions
    n_sources: int
    rate_hz: int

    @property
    def device_batch_size(self) -> int:
        """Number of segments in a step on one device; several devices share a batch."""
        return self.options.batch_size // self.options.devices

    def build(self) -> nn.Module:
        """Build the model."""
        return build_model(
            **self.system, n_sources=self.n_sources, audio_channels=AUDIO_CHANNELS, seed=0
        )

    def random_batch(self) -> Batch:
        """Noise in the range of music, in the shapes of a training batch of one device."""
        samples = round(self.options.segment_seconds * self.rate_hz)
        shape = (self.device_batch_size, self.n_sources)
        noise = torch.randint(-10_000, 10_000, (*shape, AUDIO_CHANNELS, samples), dtype=torch.int16)
        return noise, torch.full((*shape, 1, 1), 1e-4)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A model in training, with one batch on which it repeats steps.

    Attributes:
        trainer: Holds the model.
        take_step: Takes the steps.
        batch: The batch, on the device.
        configured: The implementation that config asks for (:mod:`upsamplers.fused`).
    """

    trainer: Trainer
    take_step: TakeStep
    batch: Batch
    configured: str

    def step(self, implementation: str | None = None) -> Tensor:
        """Take a training step, and return the loss.

        Args:
            implementation: The implementation to use; None for the configured one.
        """
        set_implementation(self.trainer.model, implementation or self.configured)
        return self.take_step(self.batch)

    def peak_bytes(self, implementation: str) -> int:
        """Peak memory in bytes of a training step with an implementation.

        It is that of a step whose kernels are launched one by one; a CUDA graph takes as much, and
        keeps it.
        """
        set_implementation(self.trainer.model, implementation)
        return peak_bytes(
            partial(self.trainer.step, self.batch),
            self.trainer.model,
            self.trainer.optimizer,
            self.batch,
        )


def start(setting: Setting) -> Candidate:
    """Build a model on one device, ready for training, with a random batch.

    Args:
        setting: What to train, and how.
    """
    options = setting.options
    fabric = launch(options.accelerator, 1, options.precision, options.threads)
    model = setting.build()
    layers = layers_with_choice(model)
    configured = layers[0].implementation if layers else NO_CHOICE
    trainer = Trainer(fabric, model, options)
    take_step = step_function(trainer, options)
    return Candidate(trainer, take_step, fabric.to_device(setting.random_batch()), configured)


def compare_steps(
    settings: Mapping[str, Setting],
    begin: Callable[[str, Setting], Candidate],
    implementations: Mapping[str, Iterable[str]],
    ratio_column: str,
    seconds_per_run: float,
    unit: str,
) -> dict[str, dict[str, Columns]]:
    """Time training steps of each setting against those of the first one, the reference.

    Args:
        settings: What to train, by name.
        begin: Builds the candidate from the name of a setting and the setting.
        implementations: The implementations to time, by name of the setting; without an entry,
            the configured one.
        ratio_column: Name of the column for the ratio of the step times, re the reference.
        seconds_per_run: No round begins after this time, multiplied by the number of runs in a
            round.
        unit: What the settings are, for the progress line.

    Returns:
        The measured columns, by setting and implementation. A setting that does not fit into
        the memory of a GPU has none. Without the reference, ratios are NaN.
    """
    progress = Progress(len(settings), "timing steps", unit=unit)
    first, reference = next(iter(settings)), None
    measured: dict[str, dict[str, Columns]] = {}
    for name, setting in settings.items():
        candidate, measured[name] = None, {}
        try:
            candidate = begin(name, setting)
            reference = candidate if name == first else reference
            measured[name] = _compare(
                candidate,
                reference,
                implementations.get(name, [candidate.configured]),
                ratio_column,
                seconds_per_run,
            )
        except torch.OutOfMemoryError as error:
            logger.warning(f"{name}: not measured: {str(error).splitlines()[0]}")
            reference = None if name == first else reference
        candidate = None
        _free_memory()
        progress.step(name)
    return measured


def _compare(
    candidate: Candidate,
    reference: Candidate | None,
    implementations: Iterable[str],
    ratio_column: str,
    seconds_per_run: float,
) -> dict[str, Columns]:
    """Time a candidate's implementations and the reference, which may be the candidate itself."""
    runs: dict[str, Callable[[], object]] = {
        implementation: partial(candidate.step, implementation)
        for implementation in implementations
    }
    names = list(runs)
    if reference is not None and reference is not candidate:
        runs[REFERENCE_RUN] = reference.step
    seconds = time_interleaved(runs, seconds_per_run * len(runs))
    if reference is None:
        reference_seconds = np.array(np.nan)
    else:
        reference_seconds = seconds[
            candidate.configured if reference is candidate else REFERENCE_RUN
        ]
    columns: dict[str, Columns] = {}
    for name in names:
        low, median, high = quartiles(seconds[name])
        ratio_low, ratio, ratio_high = quartiles(seconds[name] / reference_seconds)
        columns[name] = {
            "median_step_seconds": median,
            "low_quartile": low,
            "high_quartile": high,
            ratio_column: ratio,
            "ratio_low_quartile": ratio_low,
            "ratio_high_quartile": ratio_high,
            "peak_bytes": candidate.peak_bytes(name),
            "repeats": len(seconds[name]),
            "precision": candidate.trainer.computed_in,
            **machine_columns(candidate.trainer.fabric.device),
        }
    return columns


def write_table(csv_path: str | Path, table: pd.DataFrame) -> None:
    """Write a table of measured steps; ``peak_bytes`` stays an integer where it is known."""
    with atomic_write(csv_path) as unfinished:
        table.astype({"peak_bytes": "Int64"}).to_csv(unfinished, index=False, float_format="%.4g")


def _free_memory() -> None:
    """Free models that only their own reference cycles keep alive."""
    gc.collect()
    torch.cuda.empty_cache()
