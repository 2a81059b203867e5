"""What each way to run a training step does to its time, its memory and its loss.

One system is trained on one random batch: plainly (single precision, the whole batch at once,
activations kept), and with one thing told otherwise at a time. Each takes turns with the plain
step.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from upsampling_artifacts.benchmarks import steps
from upsampling_artifacts.benchmarks.interleaved import quartiles, surroundings, time_interleaved
from upsampling_artifacts.benchmarks.memory import peak_bytes
from upsampling_artifacts.benchmarks.steps import Setting, Trainee, free_memory
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.progress import Progress

logger = logging.getLogger(__name__)

PLAIN = "plain"
COMPARED_STEPS = 5
SECONDS_PER_RUN = 2.0

COLUMNS = [
    "switch", "system", "device", "precision", "batch", "segment_seconds", "median_step_seconds",
    "ratio_to_plain", "peak_bytes", "loss_difference", "low_quartile", "high_quartile",
    "ratio_low_quartile", "ratio_high_quartile", "repeats", "threads", "cores", "load_average",
]  # fmt: skip


@dataclass(frozen=True)
class Switches:
    """How a step is run: keys of ``training``, and whether Adam updates all weights in one go."""

    precision: str = "32-true"
    gradient_accumulation: int = 1
    activation_checkpointing: bool = False
    fused_adam: bool = True


RUNS = {
    PLAIN: Switches(),
    "unfused_adam": Switches(fused_adam=False),
    "gradient_accumulation_2": Switches(gradient_accumulation=2),
    "gradient_accumulation_4": Switches(gradient_accumulation=4),
    "activation_checkpointing": Switches(activation_checkpointing=True),
    "bf16-mixed": Switches(precision="bf16-mixed"),
}


def measure_switches(
    csv_path: str | Path,
    name: str,
    system: dict,
    training: dict,
    n_sources: int,
    rate_hz: int,
    seconds_per_run: float = SECONDS_PER_RUN,
) -> None:
    """Time a training step of one system with each switch and write what came out.

    Args:
        csv_path: Where to; a row per switch with the columns ``COLUMNS``. What does not fit into a
            GPU's memory has no numbers. ``loss_difference`` is relative to the plain loss, after
            :data:`COMPARED_STEPS` steps on the same batch.
        name: Of the system.
        system: How it is built, as for :func:`models.build.build_model`.
        training: Its keys of ``training`` in config; those that are switched do not count.
        n_sources: Number of stems that it separates.
        rate_hz: Sampling rate.
        seconds_per_run: In the turns of a switch, so much time for each run.
    """
    setting = Setting(system, training, n_sources, rate_hz)
    chosen = {k: v for k, v in RUNS.items() if setting.batch_size % v.gradient_accumulation == 0}
    progress = Progress(len(chosen), "timing switches", unit="switches")
    plain, plain_loss, rows = None, np.nan, []
    for switch, switches in chosen.items():
        trainee, measured = None, {}
        try:
            trainee, loss = start(setting, switches)
            plain, plain_loss = (trainee, loss) if switch == PLAIN else (plain, plain_loss)
            measured = measure(trainee, plain, seconds_per_run)
            measured["loss_difference"] = abs(loss / plain_loss - 1)
        except torch.OutOfMemoryError as error:
            logger.warning(f"{switch}: not measured: {str(error).splitlines()[0]}")
            plain = None if switch == PLAIN else plain
        rows.append(
            {
                "switch": switch,
                "system": name,
                "precision": switches.precision,
                "batch": setting.batch_size,
                "segment_seconds": training["segment_seconds"],
                **measured,
            }
        )
        trainee = None
        free_memory()
        progress.step(switch)
    table = pd.DataFrame(rows).reindex(columns=COLUMNS)
    with atomic_write(csv_path) as unfinished:
        table.astype({"peak_bytes": "Int64"}).to_csv(unfinished, index=False, float_format="%.4g")


def start(setting: Setting, switches: Switches) -> tuple[Trainee, float]:
    """Build a model on its device and take the first steps; the same ones, but for the switches.

    Returns:
        It, and the loss of the last of these :data:`COMPARED_STEPS` steps.
    """
    torch.manual_seed(0)
    switched = {k: v for k, v in asdict(switches).items() if k != "fused_adam"}
    trainee = steps.start(replace(setting, options={**setting.options, **switched}))
    for group in trainee.optimizer.param_groups:
        group["fused"] = switches.fused_adam
    for _ in range(COMPARED_STEPS):
        loss = trainee.step()
    return trainee, loss.item()


def measure(trainee: Trainee, plain: Trainee | None, seconds_per_run: float) -> dict[str, object]:
    """Time a trainee and the plain one, if that had memory, in turns; the columns measured."""
    runs = {id(each): each.step for each in (plain, trainee) if each}
    seconds = time_interleaved(runs, seconds_per_run * len(runs))
    own = seconds[id(trainee)]
    low, median, high = quartiles(own)
    ratio_low, ratio, ratio_high = quartiles(own / seconds[id(plain)] if plain else own * np.nan)
    return {
        "median_step_seconds": median,
        "low_quartile": low,
        "high_quartile": high,
        "ratio_to_plain": ratio,
        "ratio_low_quartile": ratio_low,
        "ratio_high_quartile": ratio_high,
        "peak_bytes": peak_bytes(trainee.step, trainee.model, trainee.optimizer, trainee.batch),
        "repeats": len(own),
        **surroundings(trainee.fabric.device),
    }
