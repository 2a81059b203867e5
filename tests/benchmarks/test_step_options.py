"""Benchmark of step options: each option alone against the plain step, equal up to rounding."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from upsampling_artifacts.benchmarks.step_options import (
    COLUMNS,
    STEP_OPTIONS,
    measure_step_options,
)
from upsampling_artifacts.training.options import TrainingOptions
from upsampling_artifacts.training.step import Trainer

SYSTEM = {
    "architecture": "demucs",
    "options": {"channels": 8, "depth": 2},
    "upsampler": {"name": "transposed", "length": 8},
}
OPTIONS = TrainingOptions(
    epochs=1, batch_size=4, segment_seconds=0.512, stride_seconds=1.0, shift_seconds=0.0,
    remix_group=1, learning_rate=0.01, validate_every_epochs=1, accelerator="cpu",
    precision="bf16-mixed",
)  # fmt: skip


ON_A_CPU = [name for name, options in STEP_OPTIONS.items() if not options.cuda_graphs]


def measured(folder: Path, **changes: object) -> pd.DataFrame:
    path = folder / "benchmarks/switches.csv"
    measure_step_options(
        path, "mine", SYSTEM, replace(OPTIONS, **changes), n_sources=2, rate_hz=1000,
        seconds_per_run=0.0,
    )  # fmt: skip
    return pd.read_csv(path).set_index("switch")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return measured(tmp_path_factory.mktemp("results"))


def test_the_table_has_a_row_per_option(table: pd.DataFrame) -> None:
    assert ["switch", *table.columns] == COLUMNS
    assert list(table.index) == ON_A_CPU
    assert table.notna().all(axis=None)
    # The plain step is in single precision, whatever the training options.
    assert table["precision"].eq("bf16-mixed").to_dict() == {
        option: option == "bf16-mixed" for option in ON_A_CPU
    }
    for name, median in (("", "median_step_seconds"), ("ratio_", "ratio_to_plain")):
        assert table[f"{name}low_quartile"].le(table[median]).all()
        assert table[median].le(table[f"{name}high_quartile"]).all()
    assert table["ratio_to_plain"]["plain"] == 1


def test_options_that_save_memory_give_the_same_loss_up_to_rounding(table: pd.DataFrame) -> None:
    peaks, losses = table["peak_bytes"], table["loss_difference"]
    assert (
        peaks["gradient_accumulation_4"] < peaks["gradient_accumulation_2"] < 0.8 * peaks["plain"]
    )
    assert peaks["activation_checkpointing"] < 0.95 * peaks["plain"]
    assert losses["activation_checkpointing"] == losses["plain"] == 0
    assert losses.drop("bf16-mixed").lt(1e-4).all()
    assert 1e-5 < losses["bf16-mixed"] < 0.02


def test_a_batch_of_one_is_not_divided(tmp_path: Path) -> None:
    assert not {"gradient_accumulation_2", "gradient_accumulation_4"} & set(
        measured(tmp_path, batch_size=1).index
    )


def test_an_option_that_does_not_fit_into_memory_has_no_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Trainer.step

    def fail_on_large_parts(trainer: Trainer, batch: tuple) -> torch.Tensor:
        if trainer.gradient_accumulation < 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return step(trainer, batch)

    monkeypatch.setattr(Trainer, "step", fail_on_large_parts)
    table = measured(tmp_path)
    assert table["median_step_seconds"].notna().to_dict() == {
        option: option == "gradient_accumulation_4" for option in ON_A_CPU
    }
    assert table["ratio_to_plain"].isna().all()
