"""How a training is run: the keys of ``training`` in config."""

from __future__ import annotations

import math
from dataclasses import dataclass

from upsampling_artifacts.errors import InputError

# These keys change results by rounding only, so a checkpoint fits whatever their values. The
# exception is batch normalization (Open-Unmix), which sees each part of a batch that devices or
# gradient_accumulation make. They are listed all the same: the batch that is learned from is the
# same, and a training must be able to go on with less memory.
NOT_IN_CHECKPOINT = (
    "epochs",
    "minutes",
    "checkpoint_minutes",
    "num_workers",
    "devices",
    "gradient_accumulation",
    "activation_checkpointing",
)


@dataclass(frozen=True)
class TrainingOptions:
    """The keys of ``training`` in config; their meaning stands in the schema there."""

    epochs: int
    batch_size: int
    segment_seconds: float
    stride_seconds: float
    shift_seconds: float
    remix_group: int
    learning_rate: float
    validate_every_epochs: int
    checkpoint_minutes: float
    accelerator: str
    precision: str
    num_workers: int
    devices: int = 1
    gradient_accumulation: int = 1
    activation_checkpointing: bool = False
    weight_decay: float = 0.0
    gain_db: float = 0.0
    minutes: float | None = None

    @property
    def seconds(self) -> float:
        """Training time after which no further epoch begins."""
        return math.inf if self.minutes is None else 60 * self.minutes

    @property
    def part_size(self) -> int:
        """Segments that go through the model at once.

        Raises:
            InputError: The batch cannot be divided evenly.
        """
        if self.batch_size % (self.devices * self.gradient_accumulation):
            raise InputError(
                f"training.batch_size: {self.batch_size} segments cannot be divided evenly over "
                f"training.devices: {self.devices} times training.gradient_accumulation: "
                f"{self.gradient_accumulation}; change one of them"
            )
        return self.batch_size // (self.devices * self.gradient_accumulation)
