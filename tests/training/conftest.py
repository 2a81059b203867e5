"""Small trainings: three songs to learn from, one to validate on."""

import csv
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from upsampling_artifacts.training import checkpoint, loop, step
from upsampling_artifacts.training.loop import train
from upsampling_artifacts.training.options import TrainingOptions

RATE_HZ = 1000
OPTIONS = TrainingOptions(
    epochs=3,
    batch_size=4,
    segment_seconds=0.128,
    stride_seconds=0.5,
    shift_seconds=0.1,
    remix_group=2,
    learning_rate=0.003,
    validate_every_epochs=1,
    checkpoint_minutes=1e-9,
    accelerator="cpu",
    precision="32-true",
    num_workers=0,
)
STEPS_PER_EPOCH = 6
SYSTEM = {
    "architecture": "demucs",
    "options": {"channels": 4, "depth": 2},
    "upsampler": {"name": "nearest", "length": 5},
}


def stems(seed: int, seconds: float = 4.0) -> np.ndarray:
    """A low tone and bright noise: two sources that are easy to tell apart."""
    rng = np.random.default_rng(seed)
    n = np.arange(round(seconds * RATE_HZ))
    tone = 0.2 * np.sin(2 * np.pi * (30 + 5 * seed) * n / RATE_HZ)
    noise = 0.05 * np.diff(rng.standard_normal((2, len(n) + 1)))
    return np.stack([np.stack([tone, tone]), noise])


@pytest.fixture
def songs(cache_song: Callable[..., Path]) -> list[str]:
    return [str(cache_song(f"song {seed}", stems(seed))) for seed in range(4)]


@pytest.fixture
def run(songs: list[str], tmp_path: Path) -> Callable[..., SimpleNamespace]:
    """A function that trains on three songs, validates on the fourth, and reads what it wrote."""

    def run(folder: str = "run", options: TrainingOptions = OPTIONS, **changes: object) -> object:
        paths = paths_in(tmp_path / folder)
        arguments = {
            "system": SYSTEM,
            "options": options,
            "seed": 0,
            "train_songs": songs[:3],
            "valid_songs": songs[3:],
            "model_path": paths.model,
            "log_path": paths.log,
            "checkpoint_path": paths.checkpoint,
        }
        train(**arguments | changes)
        return results_in(tmp_path / folder)

    return run


def paths_in(folder: Path) -> SimpleNamespace:
    return SimpleNamespace(
        model=folder / "model.safetensors",
        log=folder / "training.csv",
        checkpoint=folder / "checkpoint.pt",
    )


def results_in(folder: Path) -> SimpleNamespace:
    paths = paths_in(folder)
    with paths.log.open() as file:
        rows = list(csv.DictReader(file))
    losses = [(row["step"], row["train_loss"], row["valid_loss"]) for row in rows]
    return SimpleNamespace(paths=paths, rows=rows, losses=losses, weights=load_file(paths.model))


def same_weights(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


@pytest.fixture(autouse=True)
def checkpoints_whatever_they_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the smallest of intervals would be longer than these trainings."""
    monkeypatch.setattr(checkpoint, "LARGEST_SHARE", float("inf"))


@pytest.fixture
def run_with(run: Callable, monkeypatch: pytest.MonkeyPatch) -> Callable[..., SimpleNamespace]:
    """A function that trains like ``run``, and has ``happening()`` happen in the given step."""
    loss_function = step.loss_function

    def run_with(happening: Callable[[], None], at: int, **changes: object) -> SimpleNamespace:
        steps = 0

        def loss_and_more(model: torch.nn.Module, batch: object) -> torch.Tensor:
            nonlocal steps
            steps += torch.is_grad_enabled()
            if steps == at and torch.is_grad_enabled():
                happening()
            return loss_function(model, batch)

        with monkeypatch.context() as patch:
            patch.setattr(step, "loss_function", loss_and_more)
            return run(**changes)

    return run_with


class Interrupted(Exception):
    pass


@pytest.fixture
def run_until(run: Callable, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that trains like ``run``, and fails at the end of the given step."""
    step = loop.Progress.step

    def until(last: int, folder: str = "run", **changes: object) -> None:
        def fail(progress: loop.Progress, note: str = "") -> None:
            step(progress, note)
            if progress.done == last:
                raise Interrupted

        with monkeypatch.context() as patch, pytest.raises(Interrupted):
            patch.setattr(loop.Progress, "step", fail)
            run(folder, **changes)

    return until
