"""Small training runs: three songs for training, one for validation."""

import csv
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from upsampling_artifacts.progress import Progress
from upsampling_artifacts.training import checkpoint, step
from upsampling_artifacts.training.loop import train
from upsampling_artifacts.training.options import TrainingFiles, TrainingOptions

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
)
STEPS_PER_EPOCH = 6
SYSTEM = {
    "architecture": "demucs",
    "options": {"channels": 4, "depth": 2},
    "upsampler": {"name": "nearest", "length": 5},
}
# The first lines of programs that train in a process of their own; their arguments are JSON.
TRAIN_FROM_JSON = """
import json, sys
from upsampling_artifacts.training import loop
from upsampling_artifacts.training.options import TrainingFiles, TrainingOptions

arguments = json.loads(sys.argv[1])

def train():
    options, files = TrainingOptions(**arguments["options"]), TrainingFiles(**arguments["files"])
    loop.train(arguments["system"], options, 0, files)
"""


def stems(seed: int, seconds: float = 4.0) -> np.ndarray:
    """A low tone and bright noise: two sources that are easy to separate."""
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
    """A function that trains on three songs, validates on the fourth, and reads the results."""

    def run(
        folder: str = "run",
        options: TrainingOptions = OPTIONS,
        *,
        system: dict = SYSTEM,
        seed: int = 0,
        train_songs: list[str] = songs[:3],
        **arguments: object,
    ) -> SimpleNamespace:
        files = files_in(tmp_path / folder, train_songs, songs[3:])
        train(system, options, seed, files, **arguments)
        return results_in(tmp_path / folder)

    return run


def files_in(
    folder: Path, train_songs: list[str] = (), valid_songs: list[str] = ()
) -> TrainingFiles:
    return TrainingFiles(
        train_songs=train_songs,
        valid_songs=valid_songs,
        model=str(folder / "model.safetensors"),
        log=str(folder / "training.csv"),
        checkpoint=str(folder / "checkpoint.pt"),
        snapshots=str(folder / "snapshots"),
    )


def results_in(folder: Path) -> SimpleNamespace:
    """The rows of the log, the losses in it, the weights, the snapshots, and the paths of files."""
    model, log, checkpoint = (
        folder / name for name in ("model.safetensors", "training.csv", "checkpoint.pt")
    )
    with log.open() as file:
        rows = list(csv.DictReader(file))
    losses = [(row["step"], row["train_loss"], row["valid_loss"]) for row in rows]
    return SimpleNamespace(
        model=model,
        checkpoint=checkpoint,
        rows=rows,
        losses=losses,
        weights=load_file(model),
        snapshots={
            path.name: path.read_bytes() for path in sorted((folder / "snapshots").iterdir())
        },
    )


def same_weights(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


@pytest.fixture(autouse=True)
def frequent_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save as often as configured: lift the limit on the cost, which such short runs exceed."""
    monkeypatch.setattr(checkpoint, "MAX_SAVING_SHARE", float("inf"))


@pytest.fixture
def run_with(run: Callable, monkeypatch: pytest.MonkeyPatch) -> Callable[..., SimpleNamespace]:
    """A function that trains like ``run``, and calls ``event()`` within step ``at``."""
    loss_function = step.loss_function

    def run_with(event: Callable[[], None], at: int, **changes: object) -> SimpleNamespace:
        steps = 0

        def loss_and_event(
            model: torch.nn.Module, batch: object, *criterion: object
        ) -> torch.Tensor:
            nonlocal steps
            steps += torch.is_grad_enabled()
            if steps == at and torch.is_grad_enabled():
                event()
            return loss_function(model, batch, *criterion)

        with monkeypatch.context() as patch:
            patch.setattr(step, "loss_function", loss_and_event)
            return run(**changes)

    return run_with


class Interrupted(Exception):
    pass


@pytest.fixture
def run_until(run: Callable, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that trains like ``run``, and fails in step ``last`` before its checkpoint."""
    progress_step = Progress.step

    def run_until(last: int, folder: str = "run", **changes: object) -> None:
        def fail(progress: Progress, note: str = "") -> None:
            progress_step(progress, note)
            if progress.done == last:
                raise Interrupted

        with monkeypatch.context() as patch, pytest.raises(Interrupted):
            patch.setattr(Progress, "step", fail)
            run(folder, **changes)

    return run_until
