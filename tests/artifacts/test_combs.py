"""Combs are found with their spacing, and unrelated lines make none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom
from upsampling_artifacts.artifacts.combs import Comb, find_combs

RATE_HZ = 24000


def teeth(spacing_hz: float, share: float = 1.0, error_hz: float = 0.2) -> np.ndarray:
    """Some of a comb's lines, with errors of measurement."""
    rng = np.random.default_rng(0)
    frequencies = np.arange(1, int(RATE_HZ / 2 / spacing_hz) + 1) * spacing_hz
    frequencies = frequencies[rng.random(len(frequencies)) < share]
    return frequencies + error_hz * rng.uniform(-1, 1, len(frequencies))


def found(frequencies: np.ndarray, **options: object) -> list[Comb]:
    return find_combs(frequencies, np.zeros(len(frequencies)), RATE_HZ, **options)


@pytest.mark.parametrize("period", [5, 12, 60, 480, 960, 1024, 1920, 2048])
def test_a_comb_is_found_with_its_largest_spacing(period: int) -> None:
    lines = teeth(RATE_HZ / period, share=0.8 if period > 12 else 1.0)
    (comb,) = found(lines)
    assert comb.period == period
    assert comb.spacing_hz == pytest.approx(RATE_HZ / period)
    assert len(comb.lines) == len(lines)
    assert np.abs(lines - np.multiply(comb.multiples, comb.spacing_hz)).max() <= 0.2


def test_odd_multiples_alone_need_the_spacing_of_all() -> None:
    """Lines at rate/8 and 3 rate/8 are no comb of rate/4."""
    (comb,) = found(np.array([3000.0, 9000.0]))
    assert (comb.period, comb.multiples) == (8, (1, 3))


def test_harmonics_of_a_voice_have_a_spacing_of_their_own() -> None:
    voice, hop = teeth(221.37)[:20], teeth(RATE_HZ / 256)
    first, second = found(np.concatenate([hop, voice, [5432.1]]))
    assert (first.period, len(first.lines)) == (256, len(hop))
    assert second.period is None
    assert second.spacing_hz == pytest.approx(221.37, abs=0.05)
    # Harmonics that coincide with the hop's lines have been taken for those.
    assert len(second.lines) >= 18


def test_unrelated_lines_make_no_comb() -> None:
    """A comb is reported with a chance of at most 1 in 1000; three times that are allowed here."""
    rng = np.random.default_rng(1)
    sets = [rng.uniform(50, RATE_HZ / 2, rng.integers(2, 100)) for _ in range(1000)]
    assert sum(bool(found(lines)) for lines in sets) <= 3


@pytest.mark.parametrize("n_lines", [0, 1])
def test_one_line_is_no_comb(n_lines: int) -> None:
    assert found(np.full(n_lines, 6000.0)) == []


def test_given_periods_are_the_only_ones() -> None:
    lines = np.concatenate([teeth(RATE_HZ / 60), teeth(221.37)])
    assert [comb.period for comb in found(lines, periods=[4, 60, 480])] == [60]
    assert found(teeth(221.37), periods=[4, 60]) == []
    assert found(lines, periods=[]) == []


@pytest.mark.parametrize(("rate_hz", "period"), [(24_000, 960), (16_000, 1024)])
def test_a_long_comb_among_as_many_other_lines_stays_whole(rate_hz: int, period: int) -> None:
    """Its chance is below the smallest number of float64, as are those of half its period."""
    lines = np.arange(3, period // 2) * rate_hz / period
    others = np.random.default_rng(1).uniform(40, rate_hz / 2, 380)
    frequencies = np.concatenate([lines, others])
    combs = find_combs(frequencies, np.zeros(len(frequencies)), rate_hz, tolerance_hz=0.1)
    assert [comb.period for comb in combs] == [period]
    assert set(range(3, period // 2)) <= set(combs[0].multiples)


def test_strides_that_divide_one_another_are_one_comb() -> None:
    """rate/12, rate/60 and 49 rate/240: the last alone would fit by chance."""
    (comb,) = found(np.array([2000.02, 400.0, 4899.97]), tolerance_hz=0.1)
    assert (comb.period, comb.multiples) == (240, (4, 20, 49))


def test_the_frequency_of_a_strong_line_counts_for_more() -> None:
    errors_hz = np.where(np.arange(30) % 2, 0.0, 0.08)
    levels_db = np.where(np.arange(30) % 2, -20.0, -90.0)
    frequencies = 313.37 * np.arange(1, 31) + errors_hz
    (comb,) = find_combs(frequencies, levels_db, RATE_HZ, tolerance_hz=0.1)
    (equal,) = find_combs(frequencies, np.zeros(30), RATE_HZ, tolerance_hz=0.1)
    assert abs(comb.spacing_hz - 313.37) < 0.0005 < abs(equal.spacing_hz - 313.37)


def test_the_spacing_is_that_of_least_squares_weighted_by_amplitude() -> None:
    multiples = np.arange(1, 31)
    levels_db = np.where(multiples % 2, -10.0, 0.0)
    frequencies = 313.37 * multiples + np.where(multiples % 2, 0.08, 0.0)
    (comb,) = find_combs(frequencies, levels_db, RATE_HZ, tolerance_hz=0.1)
    roots = np.sqrt(10 ** (levels_db / 20))
    (spacing_hz,), *_ = np.linalg.lstsq((roots * multiples)[:, None], roots * frequencies)
    assert comb.spacing_hz == pytest.approx(spacing_hz, rel=1e-9)


@pytest.mark.parametrize("count", [4, 8, 12])
def test_the_chance_is_a_close_bound_of_the_binomial_tail(count: int) -> None:
    """Of forty lines, each is within 1 Hz of a multiple of 1 kHz with a probability of 0.002."""
    beside = 300 + 10 * np.arange(40 - count)
    (comb,) = found(np.concatenate([1000.0 * np.arange(1, count + 1), beside]), periods=[24])
    tail = binom.sf(count - 1, 40, 0.002)
    assert tail <= comb.chance <= 10 * tail
