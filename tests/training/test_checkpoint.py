"""When checkpoints are written. What they hold is told by tests/training/test_resuming.py."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from upsampling_artifacts.training import checkpoint
from upsampling_artifacts.training.checkpoint import BYTES_PER_SECOND, LARGEST_SHARE, Checkpoint

MODEL = torch.nn.Linear(3, 1, bias=False)


@pytest.fixture(autouse=True)
def checkpoints_whatever_they_cost() -> None:
    """Not here: their cost is what these tests are about."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock whose ``now`` can be set; saving takes ``saving`` seconds."""
    clock = SimpleNamespace(now=1000.0, saving=0.0)

    def save(what: object, path: Path) -> None:
        clock.now += clock.saving
        Path(path).write_bytes(b"saved")

    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(checkpoint.torch, "save", save)
    return clock


def saved(file: Checkpoint) -> None:
    optimizer = torch.optim.Adam(MODEL.parameters())
    file.save({}, MODEL, optimizer, torch.amp.GradScaler("cpu"))


@pytest.fixture
def file(clock: SimpleNamespace, tmp_path: Path) -> Checkpoint:
    file = Checkpoint(tmp_path / "checkpoint.pt", {}, minutes=5)
    clock.now += 200  # reading songs, building the model
    file.start(MODEL)
    return file


def test_it_is_due_every_so_many_minutes(file: Checkpoint, clock: SimpleNamespace) -> None:
    for _ in range(2):
        clock.now += 299
        assert not file.due()
        clock.now += 2
        assert file.due()
        saved(file)


def test_on_a_slow_disk_it_is_rarer_and_takes_two_percent(
    file: Checkpoint, clock: SimpleNamespace
) -> None:
    clock.saving = 30
    saved(file)
    clock.now += 30 / LARGEST_SHARE - 1
    assert not file.due()
    clock.now += 2
    assert file.due()
    assert LARGEST_SHARE == 0.02


def test_how_long_saving_takes_is_guessed_then_measured(
    file: Checkpoint, clock: SimpleNamespace
) -> None:
    assert file.saving_seconds == pytest.approx(4 * 3 * 4 / BYTES_PER_SECOND)
    clock.now += 301
    assert file.due()  # a guess delays nothing
    clock.saving = 7
    saved(file)
    assert file.saving_seconds == 7
