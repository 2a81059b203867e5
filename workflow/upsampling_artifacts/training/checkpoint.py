"""Checkpoints, from which interrupted training resumes: when to write one, and whether it fits."""

from __future__ import annotations

import errno
import logging
import time
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from upsampling_artifacts.data.cached_song import CachedSong
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.pipeline.fingerprint import data_fingerprint
from upsampling_artifacts.training.options import RESUMABLE_KEYS, TrainingOptions
from upsampling_artifacts.training.step import Trainer

logger = logging.getLogger(__name__)

# Maximum share of the training time spent on saving: checkpoints are rarer on a slow disk.
MAX_SAVING_SHARE = 0.02
# Speed of a slow disk, assumed until the first checkpoint is written.
BYTES_PER_SECOND = 200e6
# A checkpoint holds the weights, the best weights so far, and Adam's two moments.
COPIES = 4


def run_identity(
    about: Mapping[str, Any],
    options: TrainingOptions,
    code: str,
    train_songs: list[CachedSong],
    valid_songs: list[CachedSong],
) -> dict[str, Any]:
    """Everything that defines a training run, as plain values.

    A checkpoint with another identity is refused.

    Args:
        about: Describes the model (:mod:`models.saved`).
        options: Training options, of which :data:`RESUMABLE_KEYS` may change.
        code: Fingerprint of the code that decides the result.
        train_songs: Training songs.
        valid_songs: Validation songs.

    Returns:
        Values by name: the description of the model, the options, the code and the songs.
    """
    audio = [
        [song.name, list(song.stems.shape), song.scale] for song in [*train_songs, *valid_songs]
    ]
    return {
        **about,
        **{key: value for key, value in asdict(options).items() if key not in RESUMABLE_KEYS},
        "code": code,
        "songs": [song.name for song in train_songs],
        # Songs with the same names may sound different: another synthetic_songs.seed, or data set.
        "audio": data_fingerprint(audio),
    }


class Checkpoint:
    """The checkpoint file of one training run.

    It holds all that the next step depends on: weights, optimizer, the loss scaler of mixed
    precision, random state, and the state of the loop.

    Args:
        path: The file.
        identity: What defines the training run (:func:`run_identity`).
        minutes: Time between checkpoints, longer if :data:`MAX_SAVING_SHARE` demands it.
    """

    def __init__(self, path: str | Path, identity: dict[str, Any], minutes: float):
        self.path, self.identity = Path(path), identity
        self.interval_seconds = 60 * minutes
        self.saved_at = time.monotonic()
        self.measured_seconds: float | None = None
        self.estimated_seconds = 0.0

    def read(self) -> dict[str, Any] | None:
        """Read the checkpoint; None if the file does not exist.

        Raises:
            InputError: The checkpoint belongs to another training run, or is damaged, or the file
                is not one.
        """
        if not self.path.exists():
            return None
        try:
            # torch.load checks no checksums, but torch.save writes those of a zip archive.
            with zipfile.ZipFile(self.path) as archive:
                damaged = archive.testzip()
            # Onto the CPU: a job may resume on a machine without a GPU. Memory-mapped, so
            # that the processes of several devices share one copy.
            saved = torch.load(self.path, map_location="cpu", weights_only=True, mmap=True)
            saved_identity = dict(saved["configuration"])
        except Exception as error:  # a foreign file can raise anything in the unpickler
            is_disk = isinstance(error, OSError) and error.errno != errno.EINVAL  # mapping nothing
            if is_disk or isinstance(error, MemoryError):
                raise
            kind = type(error).__name__
            raise InputError(
                f"{self.path}: not a checkpoint of this program ({kind}); delete it to start over"
            ) from error
        if damaged:
            raise InputError(
                f"{self.path}: damaged: '{damaged}' in it does not fit its checksum; delete it to "
                "start over"
            )
        differing = [
            key for key, value in self.identity.items() if saved_identity.get(key) != value
        ]
        if differing:
            details = "; ".join(
                f"{key}: {saved_identity.get(key)}, now {self.identity[key]}" for key in differing
            )
            raise InputError(
                f"{self.path}: a checkpoint from another configuration ({details}); "
                "delete it to start over, or restore the setting to resume"
            )
        return saved

    def start(self, model: nn.Module) -> None:
        """Start the interval before the first checkpoint, and estimate how long saving takes."""
        self.saved_at = time.monotonic()
        size = sum(weight.numel() * weight.element_size() for weight in model.parameters())
        self.estimated_seconds = COPIES * size / BYTES_PER_SECOND

    @property
    def saving_seconds(self) -> float:
        """How long saving takes: as measured the last time, or an estimate before that."""
        measured = self.measured_seconds
        return self.estimated_seconds if measured is None else measured

    def due(self) -> bool:
        """Whether it is time for the next checkpoint."""
        interval = max(self.interval_seconds, (self.measured_seconds or 0) / MAX_SAVING_SHARE)
        return time.monotonic() - self.saved_at > interval

    def save(self, state: dict[str, Any], trainer: Trainer) -> None:
        """Write the checkpoint atomically, and measure how long that takes.

        Args:
            state: The state of the loop: plain values and tensors.
            trainer: Model, optimizer and precision.
        """
        started = time.monotonic()
        with atomic_write(self.path) as unfinished:
            torch.save(
                {
                    "configuration": self.identity,
                    "state": state,
                    "model": trainer.model.state_dict(),
                    "optimizer": trainer.optimizer.state_dict(),
                    "precision": trainer.precision.state_dict(),
                    "random": _random_state(),
                },
                unfinished,
            )
        self.saved_at = time.monotonic()
        self.measured_seconds = self.saved_at - started

    def restore(self, saved: dict[str, Any], trainer: Trainer) -> dict[str, Any]:
        """Restore what :meth:`save` wrote.

        Args:
            saved: What :meth:`read` returned.
            trainer: Its weights, optimizer and precision are restored; so is the global random
                state.

        Returns:
            The state of the loop.
        """
        trainer.model.load_state_dict(saved["model"])
        trainer.optimizer.load_state_dict(saved["optimizer"])
        trainer.precision.load_state_dict(saved["precision"])
        torch.set_rng_state(saved["random"]["cpu"])
        if torch.cuda.is_available() and "cuda" in saved["random"]:
            torch.cuda.set_rng_state(saved["random"]["cuda"])
        logger.info(f"resuming from {self.path} at step {saved['state']['step']}")
        return saved["state"]

    def remove(self) -> None:
        """Remove the file: once training has finished, nothing is left to resume."""
        self.path.unlink(missing_ok=True)


def _random_state() -> dict[str, Tensor]:
    """The random state of this process; the processes of all devices draw the same numbers."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state
