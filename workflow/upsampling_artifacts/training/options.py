"""Training options, and the files that training reads and writes.

The workflow imports this module, so it must not load torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from upsampling_artifacts.errors import InputError

RUNTIME_KEYS = (
    "threads",
    "devices",
    "gradient_accumulation",
    "activation_checkpointing",
    "cuda_graphs",
    "checkpoint_minutes",
    "n_snapshots",
    "num_workers",
)
"""Keys of ``training`` that decide how training runs, not what the model learns.

They change a result by rounding only, so a new value retrains nothing. The exceptions are batch
normalization (Open-Unmix) and losses that are no mean over segments (multi_resolution_stft, whose
spectral convergence is one ratio): they see the parts that ``devices`` or ``gradient_accumulation``
make of a batch. These two are listed all the same: the batch that a step learns from stays the
same, and interrupted training must be able to resume with less memory.
``n_snapshots`` counts for training runs that have not finished; finished ones keep what they have.
"""

RESUMABLE_KEYS = (*RUNTIME_KEYS, "epochs", "minutes")
"""Keys that may change between an interruption of training and its resumption."""


AUTO = "auto"
"""What is chosen where training runs: the precision (:func:`training.step.choose_precision`), and
whether to use CUDA graphs (:func:`training.cuda_graphs.step_function`)."""


def learning_options(training: Mapping[str, Any]) -> dict[str, Any]:
    """Select the options that decide what a model learns.

    Args:
        training: The keys of ``training`` in config.

    Returns:
        All but :data:`RUNTIME_KEYS`. On a CPU, ``auto`` and ``32-true`` are one precision, so
        writing either retrains nothing.

    Example:
        >>> learning_options({"threads": 2, "accelerator": "cpu", "precision": "auto"})
        {'accelerator': 'cpu', 'precision': '32-true'}
    """
    options = {key: value for key, value in training.items() if key not in RUNTIME_KEYS}
    if options["accelerator"] == "cpu" and options["precision"] == AUTO:
        options["precision"] = "32-true"
    return options


@dataclass(frozen=True)
class TrainingOptions:
    """The keys of ``training`` in config; ``workflow/schemas/config.schema.yaml`` documents each.

    ``threads`` counts the CPU threads of one device.
    """

    epochs: int
    batch_size: int
    segment_seconds: float
    stride_seconds: float
    shift_seconds: float
    remix_group: int
    learning_rate: float
    validate_every_epochs: int
    accelerator: str
    precision: str
    weight_decay: float = 0.0
    gain_db: float = 0.0
    silent_share: float = 0.0
    minutes: float | None = None
    threads: int = 1
    devices: int = 1
    gradient_accumulation: int = 1
    activation_checkpointing: bool = False
    cuda_graphs: bool | str = "auto"
    checkpoint_minutes: float = 5.0
    n_snapshots: int = 0
    num_workers: int = 0
    loss: dict[str, Any] = field(default_factory=lambda: {"name": "l1"})

    @property
    def time_limit_seconds(self) -> float:
        """Training time after which no further epoch begins; infinite without ``minutes``."""
        return math.inf if self.minutes is None else 60 * self.minutes

    @property
    def part_size(self) -> int:
        """Number of segments that go through the model at once.

        Raises:
            InputError: The batch cannot be divided evenly.
        """
        parts = self.devices * self.gradient_accumulation
        if self.batch_size % parts:
            raise InputError(
                f"training.batch_size: {self.batch_size} segments cannot be divided evenly over "
                f"training.devices: {self.devices} times training.gradient_accumulation: "
                f"{self.gradient_accumulation}; change one of them"
            )
        return self.batch_size // parts


@dataclass(frozen=True)
class TrainingFiles:
    """The files that one training run reads and writes.

    Attributes:
        train_songs: Cached training songs (``.npy``).
        valid_songs: Cached validation songs (``.npy``).
        model: The best weights (``.safetensors``); the header describes the model that they fit
            (:mod:`models.saved`).
        log: One row per epoch, with the columns :data:`training.loop.COLUMNS`.
        checkpoint: What interrupted training resumes from; removed at the end.
        snapshots: The folder of the snapshots (:mod:`training.snapshots`).
    """

    train_songs: Sequence[str | Path]
    valid_songs: Sequence[str | Path]
    model: str | Path
    log: str | Path
    checkpoint: str | Path
    snapshots: str | Path
