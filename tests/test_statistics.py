"""Means of a few runs and their confidence intervals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from upsampling_artifacts.statistics import mean_interval


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
