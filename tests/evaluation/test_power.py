"""The power of paired comparisons, from spreads that are known."""

import numpy as np
import pytest

from .power import Spread, power, spread


def test_the_spread_of_many_tables_is_that_with_which_they_were_drawn() -> None:
    rng = np.random.default_rng(0)
    tables = [
        0.2 * rng.standard_normal((3, 1)) + 0.1 * rng.standard_normal(4)
        + 0.3 * rng.standard_normal((3, 4))
        for _ in range(2000)
    ]  # fmt: skip
    assert spread(tables) == pytest.approx((0.2, 0.1, 0.3), abs=0.02)


def test_one_seed_says_nothing_of_seeds() -> None:
    seeds, songs, rest = spread([np.array([[0.0, 2.0]])])
    assert np.isnan([seeds, rest]).all() and songs == pytest.approx(np.sqrt(2))


def test_without_effects_the_half_width_is_that_of_the_rest() -> None:
    resolved, half = power(Spread(0.0, 0.0, 1e-6), 3, 4, 1, simulated=50)
    assert resolved == 1 and half < 1e-5


def test_seeds_limit_the_power_however_many_songs_there_are() -> None:
    effects = Spread(seeds=0.1, songs=0.05, rest=0.1)
    few, _ = power(effects, 3, 50, 3, simulated=100)
    more, _ = power(effects, 6, 6, 3, simulated=100)
    assert few < 0.6 and more > 0.8
