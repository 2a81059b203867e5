"""How long a training step takes, and what it asks of a device: every system of an experiment.

Whole steps, as a training takes them (:mod:`training.step`), at the experiment's size and with the
keys of ``training`` of each system, on random batches. Each system takes turns with the
reference, and no other is in memory: at full size a model with its optimizer takes 11 GB.

Systems that interpolate have a row for each implementation (:mod:`upsamplers.fused`): plain, fused,
and auto, which chooses for each layer. They are one and the same model, told to work otherwise.
"""

from __future__ import annotations

import gc
import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from upsampling_artifacts.benchmarks.interleaved import quartiles, surroundings, time_interleaved
from upsampling_artifacts.benchmarks.memory import peak_bytes
from upsampling_artifacts.benchmarks.peak_flops import peak_tflop_per_second
from upsampling_artifacts.benchmarks.steps_table import measured_references
from upsampling_artifacts.data.cached_song import AUDIO_CHANNELS
from upsampling_artifacts.data.segments import Batch
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.models.flops import tflop_per_step
from upsampling_artifacts.progress import Progress
from upsampling_artifacts.training.distributed import launch
from upsampling_artifacts.training.step import prepare, take_step
from upsampling_artifacts.upsamplers.fused import (
    IMPLEMENTATIONS,
    NO_CHOICE,
    layers_with_choice,
    set_implementation,
)

logger = logging.getLogger(__name__)

SECONDS_PER_RUN = 1.0

COLUMNS = [
    "system", "implementation", "device", "precision", "batch", "segment_seconds",
    "median_step_seconds", "ratio_to_transposed", "peak_bytes", "tflop_per_step",
    "fraction_of_peak", "epoch_seconds", "low_quartile", "high_quartile", "ratio_low_quartile",
    "ratio_high_quartile", "peak_tflop_per_second", "repeats", "threads", "cores", "load_average",
]  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """What is to be trained, and how.

    Attributes:
        system: How it is built, as for :func:`models.build.build_model`.
        options: The keys of ``training`` in config.
        n_sources: Number of stems that it separates.
        rate_hz: Sampling rate.
    """

    system: dict
    options: dict
    n_sources: int
    rate_hz: int

    @property
    def batch_size(self) -> int:
        """Segments in a step of one device: several share a batch."""
        return self.options["batch_size"] // self.options["devices"]

    def build(self) -> nn.Module:
        return build_model(
            **self.system, n_sources=self.n_sources, audio_channels=AUDIO_CHANNELS, seed=0
        )

    def random_batch(self) -> Batch:
        """Noise in place of music, of its range."""
        samples = round(self.options["segment_seconds"] * self.rate_hz)
        shape = (self.batch_size, self.n_sources)
        noise = torch.randint(-10_000, 10_000, (*shape, AUDIO_CHANNELS, samples), dtype=torch.int16)
        return noise, torch.full((*shape, 1, 1), 1e-4)


@dataclass(frozen=True, eq=False)
class Trainee:
    """A model in training, with a batch to take steps on.

    Attributes:
        fabric: Its device and precision.
        model: As :func:`training.step.prepare` gives it.
        optimizer: Likewise.
        batch: On the device.
        configured: The implementation that config asks for.
        gradient_accumulation: In how many parts the batch goes through the model.
    """

    fabric: Fabric
    model: nn.Module
    optimizer: Optimizer
    batch: Batch
    configured: str
    gradient_accumulation: int

    def step(self, implementation: str | None = None) -> Tensor:
        """The loss of one step of training, by an implementation; None: the configured one."""
        set_implementation(self.model, implementation or self.configured)
        return take_step(
            self.fabric, self.model, self.optimizer, self.batch, self.gradient_accumulation
        )


def measure_steps(
    csv_path: str | Path,
    systems: dict[str, dict],
    references: dict[str, str],
    training: dict[str, dict],
    steps_per_epoch: dict[str, int],
    n_sources: int,
    rate_hz: int,
    seconds_per_run: float = SECONDS_PER_RUN,
) -> None:
    """Time a training step of each system and write what came out.

    Args:
        csv_path: Where to; a row per system and implementation with the columns ``COLUMNS``. What
            does not fit into a GPU's memory has no numbers. See :func:`memory.peak_bytes`, and
            :mod:`models.flops` for ``tflop_per_step``.
        systems: How each is built, as for :func:`models.build.build_model`.
        references: The reference that each system's steps are compared with; the first of
            ``systems`` stands in for one that is not among them.
        training: The keys of ``training`` in config, for each system.
        steps_per_epoch: Of each system.
        n_sources: Number of stems that the systems separate.
        rate_hz: Sampling rate.
        seconds_per_run: In the turns of a system, so much time for each run.
    """
    reference_names = measured_references(systems, references)
    # Each reference comes right before the systems compared with it, and alone stays in memory.
    order = [
        (first, name)
        for first in dict.fromkeys(reference_names.values())
        for name in dict.fromkeys([first, *(n for n in systems if reference_names[n] == first)])
    ]
    progress = Progress(len(order), "timing steps", unit="systems")
    reference, rows = None, {}
    for first, name in order:
        setting = Setting(systems[name], training[name], n_sources, rate_hz)
        tflop = count(setting, name)
        trainee, measured, peak = None, {}, np.nan
        try:
            trainee = start(setting)
            reference = trainee if name == first else reference
            measured = measure(trainee, reference, list(tflop), seconds_per_run)
            peak = peak_tflop_per_second(
                **{key: setting.options[key] for key in ("accelerator", "precision", "threads")}
            )
        except torch.OutOfMemoryError as error:
            logger.warning(f"{name}: not measured: {str(error).splitlines()[0]}")
            reference = None if name == first else reference
        measured_rows = [
            {
                "system": name,
                "implementation": implementation,
                "precision": setting.options["precision"],
                "batch": setting.batch_size,
                "segment_seconds": setting.options["segment_seconds"],
                "tflop_per_step": tflop[implementation],
                "peak_tflop_per_second": peak,
                **measured.get(implementation, {}),
            }
            for implementation in tflop
        ]
        if reference_names[name] == first:
            rows[name] = measured_rows
        trainee = None
        free_memory()
        progress.step(name)
    table = pd.DataFrame([row for name in systems for row in rows[name]]).reindex(columns=COLUMNS)
    seconds = table["median_step_seconds"]
    table["fraction_of_peak"] = table["tflop_per_step"] / seconds / table["peak_tflop_per_second"]
    table["epoch_seconds"] = seconds * table["system"].map(steps_per_epoch)
    with atomic_write(csv_path) as unfinished:
        table.astype({"peak_bytes": "Int64"}).to_csv(unfinished, index=False, float_format="%.4g")


def start(setting: Setting) -> Trainee:
    """Build a model on its device, as a training does."""
    options = setting.options
    fabric = launch(options["accelerator"], 1, options["precision"], options["threads"])
    model = setting.build()
    layers = layers_with_choice(model)
    configured = layers[0].implementation if layers else NO_CHOICE
    model, optimizer = prepare(
        fabric,
        model,
        options["learning_rate"],
        options["weight_decay"],
        options["activation_checkpointing"],
    )
    batch = fabric.to_device(setting.random_batch())
    return Trainee(fabric, model, optimizer, batch, configured, options["gradient_accumulation"])


def measure(
    trainee: Trainee, reference: Trainee | None, implementations: list[str], seconds_per_run: float
) -> dict[str, dict[str, object]]:
    """Time a system's implementations and its reference in turns.

    Args:
        trainee: The system.
        reference: Its reference, which may be itself; None: there is none.
        implementations: Of the system.
        seconds_per_run: In the turns, so much time for each run.

    Returns:
        For each implementation, the columns that are measured.
    """
    runs = {which: partial(trainee.step, which) for which in implementations}
    if reference not in (None, trainee):
        runs["reference"] = reference.step
    seconds = time_interleaved(runs, seconds_per_run * len(runs))
    against = seconds.get("reference", seconds[trainee.configured] if reference else np.nan)
    measured = {}
    for which in implementations:
        low, median, high = quartiles(seconds[which])
        ratio_low, ratio, ratio_high = quartiles(seconds[which] / against)
        measured[which] = {
            "median_step_seconds": median,
            "low_quartile": low,
            "high_quartile": high,
            "ratio_to_transposed": ratio,
            "ratio_low_quartile": ratio_low,
            "ratio_high_quartile": ratio_high,
            "peak_bytes": peak_bytes(runs[which], trainee.model, trainee.optimizer, trainee.batch),
            "repeats": len(seconds[which]),
            **surroundings(trainee.fabric.device),
        }
    return measured


def count(setting: Setting, name: str) -> dict[str, float]:
    """TFLOP of a step, for each implementation that a system can choose from."""
    with torch.device("meta"):
        model, batch = setting.build(), setting.random_batch()
    tflop = {}
    for which in IMPLEMENTATIONS if layers_with_choice(model) else [NO_CHOICE]:
        set_implementation(model, which)
        tflop[which] = tflop_per_step(model, batch, name)
    return tflop


def free_memory() -> None:
    """Give back what nobody refers to any more; models refer to themselves."""
    gc.collect()
    torch.cuda.empty_cache()
