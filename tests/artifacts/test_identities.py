"""Interpolation equals zero insertion and a fixed filter, and a wrong filter is detected."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from upsampling_artifacts.artifacts import identities
from upsampling_artifacts.artifacts.identities import (
    interpolation_kernel,
    zero_insertion_error,
)
from upsampling_artifacts.probes import identities as probed
from upsampling_artifacts.probes.identities import measure_identities
from upsampling_artifacts.probes.measures_table import MEASURES_COLUMNS

KINDS = ("nearest", "linear")


@pytest.mark.parametrize(
    ("kind", "stride", "kernel"),
    [
        ("nearest", 3, [1, 1, 1]),
        ("linear", 2, [1 / 4, 3 / 4, 3 / 4, 1 / 4]),
        ("linear", 3, [0, 1 / 3, 2 / 3, 1, 2 / 3, 1 / 3]),
    ],
)
def test_the_filters_are_a_rectangle_and_a_triangle(kind, stride, kernel) -> None:
    assert interpolation_kernel(kind, stride).tolist() == pytest.approx(kernel)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stride", [2, 3, 4, 5, 8])
def test_all_phases_of_a_filter_have_gain_one(kind: str, stride: int) -> None:
    """A constant stays constant: no tone at rate / stride."""
    phases = interpolation_kernel(kind, stride).reshape(-1, stride).sum(dim=0)
    np.testing.assert_allclose(phases, 1, atol=1e-15)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stride", [2, 3, 4, 5, 7, 8])
def test_both_sides_agree_to_float64_rounding(kind: str, stride: int) -> None:
    assert zero_insertion_error(kind, seed=0, stride=stride) < 1e-12


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("deviation", [1e-9, 1.0])
def test_a_wrong_filter_raises_the_error_by_its_deviation(kind, deviation, monkeypatch) -> None:
    def wrong(kind: str, stride: int) -> torch.Tensor:
        kernel = interpolation_kernel(kind, stride)
        kernel[0] += deviation
        return kernel

    monkeypatch.setattr(identities, "interpolation_kernel", wrong)
    # The wrong weight multiplies noise samples, of which the largest of 200 is between 2 and 5.
    assert 2 * deviation < zero_insertion_error(kind, seed=0, stride=4) < 5 * deviation


def test_the_table_lists_the_largest_error_per_kind_and_seed(tmp_path: Path) -> None:
    measure_identities([4, 7], tmp_path / "identities.csv")
    table = pd.read_csv(tmp_path / "identities.csv")
    assert list(table.columns) == MEASURES_COLUMNS
    assert list(zip(table["model"], table["seed"], strict=True)) == [
        ("nearest_interpolation", 4), ("nearest_interpolation", 7),
        ("linear_interpolation", 4), ("linear_interpolation", 7),
    ]  # fmt: skip
    expected = [
        max(zero_insertion_error(kind, seed, stride) for stride in probed.STRIDES)
        for kind in KINDS
        for seed in (4, 7)
    ]
    np.testing.assert_allclose(table["value"], expected, rtol=1e-5)
    assert (table["measure"] == "zero_insertion_error").all()
    assert (table["unit"].astype(str) == "1").all()
