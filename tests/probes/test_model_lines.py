"""The lines in a model's output: chance, tones of layers, sources."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.artifacts.lines import measure_lines
from upsampling_artifacts.probes.model_lines import (
    chance_prominence_db,
    find_source,
    predicted_lines,
    tone_groups,
    unpredicted_lines,
)

from .model_tables import RATE_HZ, measures, table, tones, up


def test_noise_reaches_the_prominence_of_chance_as_often_as_promised() -> None:
    """100 lines in each of 200 noises: 1 % of the noises have one above the threshold."""
    rng = np.random.default_rng(0)
    frequencies_hz = 120 + 38 * np.arange(100)
    largest = [
        max(line.prominence_db for line in measure_lines(noise, RATE_HZ, frequencies_hz))
        for noise in rng.standard_normal((200, 1, 16_000))
    ]
    above = np.array(largest) > chance_prominence_db(100)
    assert 0 <= above.sum() <= 6
    assert np.mean(np.array(largest) > chance_prominence_db(100) - 1.5) > 0.1  # no higher than due


def test_each_tone_is_tied_to_all_layers_that_can_make_it() -> None:
    layers = up("a", 5, 60), up("b", 3, 12), up("c", 4, 4, "istft"), up("side", 2, 6)
    groups = tone_groups(table(*layers), tones(*layers), RATE_HZ)
    assert [group.period for group in groups] == [4, 6, 12, 60]
    assert [group.can_make for group in groups] == [
        ["a", "b", "c"], ["a", "b", "side"], ["a", "b"], ["a"],
    ]  # fmt: skip
    np.testing.assert_allclose(groups[0].tones_hz, [2000, 4000])
    np.testing.assert_allclose(groups[1].tones_hz, RATE_HZ / 6 * np.array([1, 2]))
    np.testing.assert_allclose(groups[2].tones_hz, RATE_HZ / 12 * np.array([1, 5]))
    assert sum(len(group.tones_hz) for group in groups) == 30


@pytest.mark.parametrize(
    "layer", [up("x", 2, 6, reaches_output=False), up("x", 2, 1), up("x", 2, 4096)]
)
def test_a_layer_without_tones_has_no_group(layer) -> None:
    layers = table(layer, up("b", 4, 4))
    assert [group.period for group in tone_groups(layers, tones(up("b", 4, 4)), RATE_HZ)] == [4]


@pytest.mark.parametrize(
    ("level_db", "prominence_db", "stands_out"),
    [(-119, 40, True), (-121, 40, False), (-30, 11, True), (-30, 10, False)],
)  # fmt: skip
def test_a_tone_stands_out_by_prominence_within_100_db_of_the_loudest(
    level_db: float, prominence_db: float, stands_out: bool
) -> None:
    lines = [("noise", 4000.0, -20.0, 5.0), ("silence", 2000.0, level_db, prominence_db)]
    found = predicted_lines(measures(lines)).set_index("frequency_hz")["stands_out"]
    assert found.to_dict() == {4000.0: False, 2000.0: stands_out}


def test_a_tone_stands_out_if_it_does_in_most_seeds() -> None:
    seeds = [measures([("noise", 2000.0, -20.0, p)], seed=n) for n, p in enumerate((5, 30, 40))]
    (line,) = predicted_lines(pd.concat(seeds)).to_dict("records")
    assert (line["stands_out"], line["prominence"]) == (True, 25.0)
    seeds[1] = measures([("noise", 2000.0, -20.0, 6.0)], seed=1)
    assert not predicted_lines(pd.concat(seeds))["stands_out"].any()


def test_music_and_sweeps_have_lines_of_their_own() -> None:
    lines = [("music", 2000.0, -20.0, 60.0), ("sweep", 2000.0, -20.0, 60.0)]
    assert predicted_lines(measures(lines)).empty
    assert unpredicted_lines(measures([], lines), [], RATE_HZ).empty


def test_lines_at_predicted_tones_are_explained() -> None:
    found = [("noise", hz, -20.0, 20.0) for hz in (2000.6, 4000.0, 1234.0)]
    lines = unpredicted_lines(measures([], found), [2000.0, 4000.0], RATE_HZ)
    assert lines["frequency_hz"].tolist() == [1234.0]


@pytest.mark.parametrize(("spacing_hz", "n_left"), [(20.0, 0), (20.7, 9)])
def test_dense_tones_explain_lines_only_if_more_fit_than_by_chance(
    spacing_hz: float, n_left: int
) -> None:
    """Ten lines on a grid of 20 Hz; one of them is at 20.7 Hz times an integer by chance."""
    found = [("noise", 20.0 * n, -20.0, 20.0) for n in (7, 19, 32, 45, 58, 77, 90, 111, 140)]
    dense_hz = np.arange(spacing_hz, 4000, spacing_hz)
    assert len(unpredicted_lines(measures([], found), dense_hz, RATE_HZ)) == n_left


def test_a_source_explains_its_harmonics_and_their_sidebands() -> None:
    """220 Hz and two harmonics in a model whose layers have the periods 4 and 20."""
    harmonics = 220.0 * np.arange(1, 4)
    sidebands = [abs(k * 400 + s * h) for k in range(1, 9) for s in (1, -1) for h in harmonics]
    lines = np.unique([*harmonics, *sidebands, 1111.0, 2345.0])
    levels = np.where(lines == 220, 0.0, -40.0 - lines / 1000)
    source = find_source(lines, levels, RATE_HZ, [4, 20])
    assert source is not None
    assert (source.fundamental_hz, source.period) == (220.0, 20)
    explained = source.is_harmonic | source.is_sideband
    assert sorted(lines[~explained]) == [1111.0, 2345.0]
    assert set(harmonics) <= set(lines[source.is_harmonic])


def test_random_lines_are_no_source() -> None:
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(40):
        source = find_source(rng.uniform(50, 4000, 12), rng.uniform(-60, 0, 12), RATE_HZ, [4, 16])
        found += source is not None
    assert found <= 2


def test_without_layers_no_source_has_sidebands() -> None:
    assert find_source(np.array([220.0, 440.0]), np.zeros(2), RATE_HZ, []) is None
