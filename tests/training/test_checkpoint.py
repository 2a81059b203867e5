"""When checkpoints are written; tests/training/test_resuming.py tests what they contain."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from lightning_fabric import Fabric
from upsampling_artifacts.training import checkpoint
from upsampling_artifacts.training.checkpoint import BYTES_PER_SECOND, MAX_SAVING_SHARE, Checkpoint
from upsampling_artifacts.training.step import Trainer

from .conftest import OPTIONS

MODEL = torch.nn.Linear(3, 1, bias=False)


@pytest.fixture(autouse=True)
def frequent_checkpoints() -> None:
    """Override the fixture of ``conftest.py``: these tests need the limit on their cost."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock whose ``now`` a test sets; saving takes ``saving`` seconds."""
    clock = SimpleNamespace(now=1000.0, saving=0.0)

    def save(content: object, path: Path) -> None:
        clock.now += clock.saving
        Path(path).write_bytes(b"saved")

    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(checkpoint.torch, "save", save)
    return clock


def save(file: Checkpoint) -> None:
    file.save({}, Trainer(Fabric(accelerator="cpu", devices=1), MODEL, OPTIONS))


@pytest.fixture
def file(clock: SimpleNamespace, tmp_path: Path) -> Checkpoint:
    file = Checkpoint(tmp_path / "checkpoint.pt", {}, minutes=5)
    clock.now += 200  # reading songs, building the model
    file.start(MODEL)
    return file


def test_a_checkpoint_is_due_once_per_interval(file: Checkpoint, clock: SimpleNamespace) -> None:
    for _ in range(2):
        clock.now += 299
        assert not file.due()
        clock.now += 2
        assert file.due()
        save(file)


def test_on_a_slow_disk_saving_takes_two_percent_of_the_time(
    file: Checkpoint, clock: SimpleNamespace
) -> None:
    clock.saving = 30
    save(file)
    clock.now += 30 / MAX_SAVING_SHARE - 1
    assert not file.due()
    clock.now += 2
    assert file.due()
    assert MAX_SAVING_SHARE == 0.02


def test_the_saving_time_is_estimated_first_and_measured_later(
    file: Checkpoint, clock: SimpleNamespace
) -> None:
    assert file.saving_seconds == pytest.approx(4 * 3 * 4 / BYTES_PER_SECOND)
    clock.now += 301
    assert file.due()  # an estimate delays nothing
    clock.saving = 7
    save(file)
    assert file.saving_seconds == 7
