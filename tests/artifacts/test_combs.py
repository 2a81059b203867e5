"""Combs among lines whose spacing is known."""

import numpy as np
from upsampling_artifacts.artifacts.combs import find_combs

RATE_HZ = 22_050


def test_lines_of_a_layer_and_of_a_source_are_two_combs() -> None:
    layer = RATE_HZ / 256 * np.arange(1, 60)
    source = 220.3 * np.arange(1, 9)
    lines = np.concatenate([layer, source, [1234.5]])
    lines += np.random.default_rng(0).uniform(-0.1, 0.1, len(lines))
    first, second = find_combs(lines, np.zeros(len(lines)), RATE_HZ)
    assert (first.period, first.multiples) == (256, tuple(range(1, 60)))
    assert second.period is None
    assert abs(second.spacing_hz - 220.3) < 0.05


def test_random_lines_are_hardly_ever_a_comb() -> None:
    rng = np.random.default_rng(0)
    found = sum(
        bool(find_combs(rng.uniform(50, RATE_HZ / 2, 30), np.zeros(30), RATE_HZ)) for _ in range(40)
    )
    assert found <= 1
