"""The cost of checkpoints: sizes match real checkpoints, shares add up."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from lightning_fabric import Fabric
from upsampling_artifacts.benchmarks.checkpointing import (
    COLUMNS,
    checkpoint_cost,
    measure_checkpointing,
    write_speed,
)
from upsampling_artifacts.training.checkpoint import Checkpoint
from upsampling_artifacts.training.options import TrainingOptions
from upsampling_artifacts.training.step import Trainer

SYSTEM = {
    "architecture": "demucs",
    "options": {"channels": 4, "depth": 2},
    "upsampler": {"name": "nearest", "length": 5},
}
OPTIONS = TrainingOptions(
    epochs=1, batch_size=1, segment_seconds=1.0, stride_seconds=1.0, shift_seconds=0.0,
    remix_group=1, learning_rate=0.1, validate_every_epochs=1, accelerator="cpu",
    precision="32-true",
)  # fmt: skip


def test_the_computed_size_is_that_of_a_real_checkpoint(tmp_path: Path) -> None:
    model = torch.nn.Linear(1000, 1000, bias=False)
    trainer = Trainer(Fabric(accelerator="cpu", devices=1), model, OPTIONS)
    model(torch.ones(1, 1000)).sum().backward()
    trainer.optimizer.step()
    best_weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    Checkpoint(tmp_path / "checkpoint.pt", {}, minutes=5).save(
        {"best_weights": best_weights}, trainer
    )
    size = (tmp_path / "checkpoint.pt").stat().st_size
    assert size == pytest.approx(1e9 * checkpoint_cost(10**6, 1, 5)["checkpoint_gigabytes"], 1e-3)


def test_the_share_is_saving_time_over_total_time() -> None:
    fast = checkpoint_cost(730_000_000, 4 * 730e6, minutes=5)
    assert fast["saving_seconds"] == pytest.approx(4)
    assert fast["interval_minutes"] == 5
    assert fast["share_percent"] == pytest.approx(100 * 4 / 304)
    slow = checkpoint_cost(730_000_000, 100e6, minutes=5)
    assert slow["interval_minutes"] > 5
    assert slow["share_percent"] == pytest.approx(2, rel=0.03) and slow["share_percent"] < 2


def test_measuring_the_disk_leaves_no_file(tmp_path: Path) -> None:
    assert 1e5 < write_speed(tmp_path, megabytes=2) < 1e12
    assert not list(tmp_path.iterdir())


def test_the_table_has_a_row_per_system(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks" / "checkpointing.csv"
    larger = {**SYSTEM, "options": {"channels": 8, "depth": 2}}
    measure_checkpointing(path, {"a": SYSTEM, "b": larger}, 5, n_sources=4, megabytes=2)
    table = pd.read_csv(path)
    assert list(table.columns) == COLUMNS
    assert list(table["system"]) == ["a", "b"]
    assert table["parameters"].is_monotonic_increasing and len(list(path.parent.iterdir())) == 1
