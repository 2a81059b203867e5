"""The identities hold to rounding, and a wrong side is detected."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from upsampling_artifacts.artifacts import identities
from upsampling_artifacts.artifacts.identities import (
    frequency_response_error,
    interpolation_kernel,
    overlap,
    overlap_error,
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


@pytest.mark.parametrize(
    ("length", "stride", "filters"),
    [
        (2, 2, [1, 1, 1, 1, 1, 1, 1, 1]),  # no overlap
        (3, 2, [1, 1, 2, 1, 2, 1, 2, 1, 1]),  # partial
        (4, 2, [1, 1, 2, 2, 2, 2, 2, 2, 1, 1]),  # full
        (3, 1, [1, 2, 3, 3, 2, 1]),  # full: figure 4 of the paper
        (1, 2, [1, 0, 1, 0, 1, 0, 1]),  # gaps
    ],
)
def test_filters_overlap_as_in_the_papers_figures(length, stride, filters) -> None:
    assert overlap(4, length, stride).tolist() == filters


@pytest.mark.parametrize("stride", [2, 3, 4, 8])
@pytest.mark.parametrize("more", [-1, 0, 1, 2, 8])
def test_the_response_to_ones_counts_the_filters(stride: int, more: int) -> None:
    assert overlap_error(seed=1, length=stride + more, stride=stride) < 1e-14


def test_a_wrong_number_of_filters_is_an_error(monkeypatch) -> None:
    monkeypatch.setattr(identities, "overlap", lambda time, length, stride: 2.0)
    assert overlap_error(seed=0, length=4, stride=2) == pytest.approx(1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stride", [2, 3, 4, 5, 8])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_response_equals_its_closed_form(kind: str, stride: int, layers: int) -> None:
    assert frequency_response_error(kind, stride, layers) < 1e-14


def test_another_interpolations_closed_form_is_an_error(monkeypatch) -> None:
    right = identities.stack_response_db
    monkeypatch.setattr(
        identities,
        "stack_response_db",
        lambda kinds, *args, **options: right(["linear"], *args, **options),
    )
    # At a quarter of the rate: cos(45 degrees) and its third power.
    assert 0.35 < frequency_response_error("nearest", stride=2) < 0.39


def test_the_table_lists_the_largest_error_of_each_identity_and_seed(tmp_path: Path) -> None:
    measure_identities([4, 7], tmp_path / "identities.csv")
    table = pd.read_csv(tmp_path / "identities.csv")
    assert list(table.columns) == MEASURES_COLUMNS
    assert (table["unit"].astype(str) == "1").all()
    errors = table.set_index(["measure", "model", "layer", "seed"])["value"]
    assert errors.index.is_unique
    assert sorted(errors.groupby(level="measure").size().items()) == [
        ("frequency_response_error", 8), ("overlap_error", 4), ("zero_insertion_error", 4),
    ]  # fmt: skip
    for kind in KINDS:
        for seed in (4, 7):
            expected = max(zero_insertion_error(kind, seed, stride) for stride in probed.STRIDES)
            error = errors["zero_insertion_error", f"{kind}_interpolation", "output", seed]
            assert error == pytest.approx(expected, rel=1e-5)
    assert (errors < 1e-12).all()
