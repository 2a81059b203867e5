"""Benchmark of upsampling layers: every layer and direction, consistent columns."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from upsampling_artifacts import registry
from upsampling_artifacts.benchmarks.upsamplers import (
    COLUMNS,
    DIRECTIONS,
    LAYERS,
    LENGTHS,
    PAPER_SHAPES,
    measure_upsamplers,
    saved_bytes,
)

SHAPES = [(8, 6, 50, 3), (4, 4, 500, 4)]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    path: Path = tmp_path_factory.mktemp("benchmarks") / "new" / "upsamplers.csv"
    measure_upsamplers(path, repeats=3, shapes=SHAPES, device="cpu")
    return pd.read_csv(path)


def test_the_table_has_a_row_per_layer_shape_and_direction(table: pd.DataFrame) -> None:
    assert list(table.columns) == COLUMNS
    keys = ["upsampler", "implementation", "c_in", "c_out", "time", "batch", "direction"]
    assert not table.duplicated(keys).any()
    assert len(table) == len(LAYERS) * len(SHAPES) * len(DIRECTIONS)
    assert {name for name, _ in LAYERS} <= set(registry.UPSAMPLERS)
    assert table["device"].eq("cpu").all() and table["threads"].eq(1).all()
    assert table["repeats"].eq(3).all()


def test_times_and_ratios_are_consistent(table: pd.DataFrame) -> None:
    assert (table["low_quartile"] > 0).all()
    assert table["low_quartile"].le(table["median_seconds"]).all()
    assert table["median_seconds"].le(table["high_quartile"]).all()
    reference = table[table["upsampler"] == "transposed"]
    assert reference["ratio_to_transposed"].eq(1).all()
    assert table[table["implementation"] == "plain"]["ratio_to_plain"].eq(1).all()
    assert table[table["implementation"] == "fused"]["ratio_to_plain"].ne(1).any()


def test_auto_chooses_one_of_the_two_implementations(table: pd.DataFrame) -> None:
    both = table[table["upsampler"].isin(["nearest", "linear"])]
    shape = ["upsampler", "c_in", "time", "direction"]
    assert both.groupby(shape)["chosen"].sum().eq(1).all()


def test_a_fused_layer_keeps_a_quarter_of_the_activations(table: pd.DataFrame) -> None:
    kept = table[table["direction"] == "step"].set_index(["upsampler", "implementation", "time"])
    kept = kept["saved_bytes_per_example"]
    for time, channels in ((50, 8), (500, 4)):
        x = 4 * channels * time
        assert kept["transposed", "plain", time] == kept["nearest", "fused", time] == x
        assert kept["nearest", "plain", time] == kept["linear", "plain", time] == 4 * x
        assert kept["linear", "fused", time] == pytest.approx(x, abs=8 * channels)


def test_saved_bytes_exclude_parameters() -> None:
    convolution = torch.nn.Conv1d(3, 4, 5)
    x = torch.zeros(2, 3, 9, requires_grad=True)
    assert saved_bytes(convolution, x) == x.nbytes
    double = torch.nn.Sequential(convolution, torch.nn.Conv1d(4, 1, 1))
    assert saved_bytes(double, x) == x.nbytes + 2 * 4 * 5 * 4


def test_the_paper_shapes_are_those_of_its_decoder() -> None:
    assert [shape[:2] for shape in PAPER_SHAPES] == [
        (3200, 1600), (1600, 800), (800, 400), (400, 200), (200, 100), (100, 8),
    ]  # fmt: skip
    assert PAPER_SHAPES[-1][2:] == (110_250, 32)


def test_the_benchmark_covers_the_upsamplers_of_the_paper() -> None:
    """The fingerprint of its job covers exactly these (workflow/rules/benchmarks.smk)."""
    assert set(LENGTHS) == set(registry.PAPER_UPSAMPLERS)
