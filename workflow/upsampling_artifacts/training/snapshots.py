"""Snapshots: the weights after some steps of a training run, for what is measured over training."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from torch import Tensor

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.saved import save_model


def snapshot_steps(n_steps: int, n_snapshots: int) -> list[int]:
    """Choose the steps after which to take snapshots, equally spaced on a logarithmic scale.

    Most of what happens to a tone happens in the first steps. All seeds of a system have snapshots
    after the same steps.

    Args:
        n_steps: Number of steps of the training run, or an upper limit.
        n_snapshots: How many to take; steps that coincide when rounded are taken once.

    Returns:
        The steps, rising to ``n_steps``.

    Example:
        >>> snapshot_steps(1000, 4), snapshot_steps(3, 8), snapshot_steps(1000, 1)
        ([1, 10, 100, 1000], [1, 2, 3], [1000])
    """
    intervals = max(1, n_snapshots - 1)
    return sorted({round(n_steps ** (1 - i / intervals)) for i in range(n_snapshots)})


class Snapshots:
    """The snapshots of one training run: model files, each named after its step.

    Until training has finished, they are in a folder beside their own: Snakemake deletes the
    outputs of a job that fails, but training that resumes from its checkpoint repeats no step.

    Args:
        folder: Where they are in the end.
        steps: The steps after which to take one (:func:`snapshot_steps`).
        about: Describes the model (:mod:`models.saved`); each file adds its ``step``.
    """

    def __init__(self, folder: str | Path, steps: list[int], about: dict[str, Any]):
        self.folder = Path(folder)
        self.unfinished = self.folder.with_name(f"unfinished_{self.folder.name}")
        self.steps, self.about = frozenset(steps), about

    def start(self, model_bytes: int) -> None:
        """Delete what an earlier training run has left; call it unless training resumes.

        Args:
            model_bytes: Size of the model's weights.

        Raises:
            InputError: The disk has no room for the snapshots.
        """
        shutil.rmtree(self.unfinished, ignore_errors=True)
        if not self.steps:
            return
        self.unfinished.mkdir(parents=True)
        needed, free = len(self.steps) * model_bytes, shutil.disk_usage(self.unfinished).free
        if needed > free:
            raise InputError(
                f"training.n_snapshots: {len(self.steps)} snapshots need {needed / 1e9:.3g} GB, "
                f"but {free / 1e9:.3g} GB are free in {self.folder.parent}; free space, or take "
                "fewer"
            )

    def due(self, step: int) -> bool:
        """Whether to take a snapshot after this step."""
        return step in self.steps

    def save(self, step: int, weights: dict[str, Tensor]) -> None:
        """Write a snapshot atomically.

        A checkpoint of this step or a later one must be written afterwards: then a run that resumes
        from it has all snapshots up to its step.

        Args:
            step: Number of steps taken.
            weights: A state dict.

        Raises:
            OSError: The disk is full or not writable; training can resume from its checkpoint.
        """
        path = self.unfinished / f"step-{step:07d}.safetensors"
        try:
            save_model(path, weights, {**self.about, "step": step})
        except OSError as error:
            remedy = "training can resume, with a lower training.n_snapshots to save space"
            raise OSError(error.errno, f"{error.strerror}; {remedy}") from error

    def publish(self) -> None:
        """Move the folder to its final place, at the end of training."""
        self.unfinished.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.unfinished.replace(self.folder)
