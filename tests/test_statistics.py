"""Means of a few runs and their confidence intervals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from upsampling_artifacts.statistics import crossed_mean_interval, mean_interval


def test_three_values_have_the_textbook_interval() -> None:
    """Their deviation is 1, and the t quantile for two degrees of freedom is 4.303."""
    mean, low, high = mean_interval([4.0, 5.0, 6.0])
    assert mean == 5
    assert (mean - low, high - mean) == pytest.approx([4.3027 / np.sqrt(3)] * 2, abs=1e-4)
    _, low, high = mean_interval([4.0, 5.0, 6.0], confidence=0.9)
    assert (low, high) == pytest.approx((5 - 2.92 / np.sqrt(3), 5 + 2.92 / np.sqrt(3)), abs=1e-4)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=9, unique_by=lambda x: round(x, 2)))
def test_the_interval_is_scipys(values: list[float]) -> None:
    mean, low, high = mean_interval(np.array(values))
    expected = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    assert mean == pytest.approx(np.mean(values))
    assert (low, high) == pytest.approx(expected)


def test_equal_values_have_an_interval_of_zero_width() -> None:
    assert mean_interval([2.5, 2.5, 2.5]) == (2.5, 2.5, 2.5)


def test_one_value_has_no_interval_and_no_values_have_no_mean() -> None:
    assert mean_interval([5.0]) == pytest.approx((5, np.nan, np.nan), nan_ok=True)
    assert np.isnan(mean_interval([])).all()


def test_half_widths_over_rows_and_over_columns_add_in_quadrature() -> None:
    values = np.random.default_rng(0).normal(size=(3, 5))
    half_widths = []
    for axis in (0, 1):
        mean, _, high = mean_interval(values.mean(axis=axis), 0.9)
        half_widths.append(high - mean)
    mean, low, high = crossed_mean_interval(values, 0.9)
    assert mean == pytest.approx(values.mean())
    assert (mean - low, high - mean) == pytest.approx([np.hypot(*half_widths)] * 2)


def test_a_single_row_or_column_gives_the_interval_over_the_other_factor() -> None:
    values = np.array([[1.0, 2.0, 4.0]])
    for table in (values, values.T):
        assert crossed_mean_interval(table) == pytest.approx(mean_interval(values[0]))
    assert crossed_mean_interval(values[:, :1]) == pytest.approx((1, np.nan, np.nan), nan_ok=True)


@pytest.mark.parametrize("shape", [(3, 3), (3, 50), (5, 50)])
@pytest.mark.parametrize("row_sd, column_sd, rest_sd", [(1, 0, 0.5), (0.2, 1, 0.5), (1, 1, 1)])
def test_the_interval_over_both_covers_at_least_as_often_as_it_claims(
    shape: tuple[int, int], row_sd: float, column_sd: float, rest_sd: float
) -> None:
    """Of 2000 intervals of 95 % about 1900 or more cover the true mean; 1870 is 3 sd lower."""
    rng, (rows, columns) = np.random.default_rng(0), shape
    covered = 0
    for _ in range(2000):
        values = row_sd * rng.standard_normal((rows, 1)) + column_sd * rng.standard_normal(columns)
        _, low, high = crossed_mean_interval(values + rest_sd * rng.standard_normal(shape))
        covered += low <= 0 <= high
    assert covered >= 1870
