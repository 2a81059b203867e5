"""The benchmark of switches: each alone beside the plain step, the same but for rounding."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from upsampling_artifacts.benchmarks import steps
from upsampling_artifacts.benchmarks.step_options import COLUMNS, RUNS, measure_switches

SYSTEM = {
    "architecture": "demucs",
    "options": {"channels": 8, "depth": 2},
    "upsampler": {"name": "transposed", "length": 8},
}
OPTIONS = {
    "batch_size": 4, "segment_seconds": 0.512, "learning_rate": 0.01, "weight_decay": 0.0,
    "accelerator": "cpu", "precision": "bf16-mixed", "devices": 1, "threads": 1,
}  # fmt: skip


def measured(folder: Path, **changes: object) -> pd.DataFrame:
    path = folder / "benchmarks/switches.csv"
    measure_switches(
        path, "mine", SYSTEM, OPTIONS | changes, n_sources=2, rate_hz=1000, seconds_per_run=0.0
    )
    return pd.read_csv(path).set_index("switch")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return measured(tmp_path_factory.mktemp("results"))


def test_a_row_for_each_switch(table: pd.DataFrame) -> None:
    assert ["switch", *table.columns] == COLUMNS
    assert list(table.index) == list(RUNS)
    assert table.notna().all(axis=None)
    # The plain step is plain whatever config says.
    assert table["precision"].eq("bf16-mixed").to_dict() == {
        switch: switch == "bf16-mixed" for switch in RUNS
    }
    for name, median in (("", "median_step_seconds"), ("ratio_", "ratio_to_plain")):
        assert table[f"{name}low_quartile"].le(table[median]).all()
        assert table[median].le(table[f"{name}high_quartile"]).all()
    assert table["ratio_to_plain"]["plain"] == 1


def test_they_take_less_memory_and_learn_the_same(table: pd.DataFrame) -> None:
    peaks, losses = table["peak_bytes"], table["loss_difference"]
    assert (
        peaks["gradient_accumulation_4"] < peaks["gradient_accumulation_2"] < 0.8 * peaks["plain"]
    )
    assert peaks["activation_checkpointing"] < 0.95 * peaks["plain"]
    assert losses["activation_checkpointing"] == losses["plain"] == 0
    assert losses.drop("bf16-mixed").lt(1e-4).all()
    assert 1e-5 < losses["bf16-mixed"] < 0.02


def test_a_batch_of_one_has_no_parts(tmp_path: Path) -> None:
    assert not {"gradient_accumulation_2", "gradient_accumulation_4"} & set(
        measured(tmp_path, batch_size=1).index
    )


def test_what_has_no_memory_has_no_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take_step = steps.take_step

    def short(*arguments: object) -> torch.Tensor:
        if arguments[-1] < 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return take_step(*arguments)

    monkeypatch.setattr(steps, "take_step", short)
    table = measured(tmp_path)
    assert table["median_step_seconds"].notna().to_dict() == {
        switch: switch == "gradient_accumulation_4" for switch in RUNS
    }
    assert table["ratio_to_plain"].isna().all()
