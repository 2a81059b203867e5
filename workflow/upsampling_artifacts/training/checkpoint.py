"""What an interrupted training goes on from."""

from __future__ import annotations

import time
from pathlib import Path

import torch
from torch import Tensor, nn

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.files import atomic_write

# Saving never takes a larger share of the time: on a slow disk, checkpoints are rarer.
LARGEST_SHARE = 0.02
# Assumed until a checkpoint has been written: a slow disk.
BYTES_PER_SECOND = 200e6
# The weights, the best weights so far, and Adam's two means.
COPIES = 4


class Checkpoint:
    """The checkpoint file of one training: when to write it, and whether one fits.

    It holds all that the next step depends on: weights, optimizer, the scaler of mixed
    precision, random numbers, and the training's own state.

    Args:
        path: Where it lies.
        configuration: What makes the training what it is, as plain values.
        minutes: How often to write it, unless :data:`LARGEST_SHARE` makes it rarer.
    """

    def __init__(self, path: str | Path, configuration: dict, minutes: float):
        self.path, self.configuration = Path(path), configuration
        self.seconds = 60 * minutes
        self.saved_at = time.monotonic()
        self.measured_seconds: float | None = None
        self.estimated_seconds = 0.0

    def read(self) -> dict | None:
        """The checkpoint, if there is one.

        Raises:
            InputError: It is another configuration's, or no checkpoint at all.
        """
        if not self.path.exists():
            return None
        try:
            # On the CPU, wherever it was saved: a job may go on where there is no GPU. Mapped,
            # so that the processes of several devices do not each hold all of it.
            saved = torch.load(self.path, map_location="cpu", weights_only=True, mmap=True)
            theirs = dict(saved["configuration"])
        except (OSError, MemoryError):
            raise
        except Exception as error:  # what a foreign file makes of the unpickler is anyone's guess
            kind = type(error).__name__
            raise InputError(
                f"{self.path}: not a checkpoint of this program ({kind}); delete it to train afresh"
            ) from error
        ours = self.configuration
        differing = [key for key in ours if theirs.get(key) != ours[key]]
        if differing:
            details = "; ".join(f"{k}: {theirs.get(k)}, now {ours[k]}" for k in differing)
            raise InputError(
                f"{self.path}: a checkpoint from another configuration ({details}); "
                "delete it to train afresh, or restore the setting to go on"
            )
        return saved

    def start(self, model: nn.Module) -> None:
        """Count the time to the first checkpoint from now."""
        self.saved_at = time.monotonic()
        size = sum(weight.numel() * weight.element_size() for weight in model.parameters())
        self.estimated_seconds = COPIES * size / BYTES_PER_SECOND

    @property
    def saving_seconds(self) -> float:
        """How long saving takes: as the last time, or a guess."""
        known = self.measured_seconds
        return self.estimated_seconds if known is None else known

    def due(self) -> bool:
        """Whether it is time to write the next one."""
        wait = max(self.seconds, (self.measured_seconds or 0) / LARGEST_SHARE)
        return time.monotonic() - self.saved_at > wait

    def save(self, state: dict, model: nn.Module, optimizer, precision) -> None:
        """Write it, whole or not at all, and measure how long that takes."""
        started = time.monotonic()
        with atomic_write(self.path) as unfinished:
            torch.save(
                {
                    "configuration": self.configuration,
                    "state": state,
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "precision": precision.state_dict(),
                    "random": _random_state(),
                },
                unfinished,
            )
        self.saved_at = time.monotonic()
        self.measured_seconds = self.saved_at - started

    def remove(self) -> None:
        """Nothing is left to go on with."""
        self.path.unlink(missing_ok=True)


def restore(saved: dict, model: nn.Module, optimizer, precision) -> dict:
    """Put back what :meth:`Checkpoint.save` saved, and return the training's own state."""
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    precision.load_state_dict(saved["precision"])
    torch.set_rng_state(saved["random"]["cpu"])
    if torch.cuda.is_available() and "cuda" in saved["random"]:
        torch.cuda.set_rng_state(saved["random"]["cuda"])
    return saved["state"]


def _random_state() -> dict[str, Tensor]:
    """All devices of a training draw the same numbers: those of this one stand for all."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state
