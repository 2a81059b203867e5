"""All measures of one output: signals whose numbers are known give these rows and no others."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from upsampling_artifacts.artifacts.filtering import (
    flatness_db,
    interpolation_response_db,
    power_density,
)
from upsampling_artifacts.artifacts.measures import (
    measure_input,
    measure_output,
    predicted_tones,
)

RATE_HZ = 8000
TIME = 2 * RATE_HZ

BY_TONE = {"line_level", "line_prominence", "prominence_ratio", "masking_margin", "valley_depth"}
OF_ALL = {"offset_level", "flatness"}
OF_STRIDES = {"polyphase_mean_spread", "polyphase_power_spread", "aperiodic_level", "replica_level"}


def noise(channels: int = 2, time: int = TIME) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((channels, time))


def every_fourth(time: int = TIME) -> np.ndarray:
    """A tone of RMS 0.01 at a quarter of the rate."""
    return np.tile([0.01, 0.01, -0.01, -0.01], time // 4)[None]


def values(measure: str, *arguments: object) -> dict[float, float] | float:
    """The values of a measure by frequency; one number if it has none."""
    rows = [row for row in measure_output(*arguments) if row[0] == measure]
    assert all(unit == "dB" for *_, unit in rows)
    if len(rows) == 1 and np.isnan(rows[0][1]):
        return rows[0][2]
    return {frequency_hz: value for _, frequency_hz, value, _ in rows}


def test_predicted_tones_are_those_of_all_layers_each_once_and_rising() -> None:
    assert predicted_tones(8000, [2, 4]).tolist() == [2000, 4000]
    assert predicted_tones(44100, [4, 16]).tolist() == [44100 / 16 * k for k in range(1, 9)]
    assert predicted_tones(8000, []).tolist() == []


def test_every_measure_is_taken_once_at_each_frequency_that_it_has() -> None:
    rows = measure_output(noise(), RATE_HZ, [4, 16], noise())
    at_tones = {(row[0], row[1]) for row in rows if row[0] in BY_TONE}
    assert at_tones == {(measure, 500.0 * k) for measure in BY_TONE for k in range(1, 9)}
    others = [row[0] for row in rows if row[0] not in BY_TONE]
    assert sorted(others) == sorted(OF_ALL | OF_STRIDES | {"response_flatness"})
    assert {row[3] for row in rows} == {"dB"}


def test_without_upsampling_and_without_an_input_less_can_be_said() -> None:
    assert {row[0] for row in measure_output(noise(), RATE_HZ, [])} == OF_ALL


def test_a_tone_at_a_quarter_of_the_rate_has_its_level_there_and_none_elsewhere() -> None:
    levels_db = values("line_level", every_fourth(), RATE_HZ, [2, 4])
    assert levels_db[2000] == pytest.approx(-40, abs=0.05)
    assert levels_db[4000] < -140
    prominences_db = values("line_prominence", every_fourth(), RATE_HZ, [2, 4])
    assert prominences_db[2000] > 100 and prominences_db[4000] < 20
    assert list(values("found_line_level", every_fourth(), RATE_HZ, [2, 4])) == [2000]


def test_what_the_input_has_of_its_own_is_measured_like_the_output() -> None:
    rows = measure_input(every_fourth(), RATE_HZ, [2, 4])
    lines = ("line_level", "line_prominence")
    ours = [row for row in measure_output(every_fourth(), RATE_HZ, [2, 4]) if row[0] in lines]
    assert rows == ours and len(rows) == 4
    assert measure_input(every_fourth(), RATE_HZ, []) == []


def test_a_tone_that_nobody_predicted_is_found_where_it_stands() -> None:
    whistle = 0.5 * np.sqrt(2) * np.sin(2 * np.pi * 1234 / RATE_HZ * np.arange(TIME))
    found = values("found_line_level", noise() * 0.01 + whistle, RATE_HZ, [4])
    [(frequency_hz, level_db)] = found.items()
    assert frequency_hz == pytest.approx(1234, abs=0.5)
    assert level_db == pytest.approx(20 * np.log10(0.5), abs=0.2)
    [prominence_db] = values("found_line_prominence", noise() * 0.01 + whistle, RATE_HZ, [4])
    assert prominence_db == frequency_hz


def test_noise_has_neither_lines_nor_valleys_nor_loud_phases() -> None:
    arguments = noise(), RATE_HZ, [4]
    assert all(value < 12 for value in values("line_prominence", *arguments).values())
    assert values("found_line_level", *arguments) == {}
    assert all(abs(value) < 2 for value in values("valley_depth", *arguments).values())
    # Of the middle half: time / 2 samples.
    assert values("polyphase_mean_spread", *arguments) < 10 * np.log10(3 / (TIME / 2)) + 10
    assert values("polyphase_power_spread", *arguments) < 0.5
    assert values("aperiodic_level", *arguments) == pytest.approx(0, abs=0.1)
    assert values("replica_level", *arguments) == pytest.approx(0, abs=0.3)
    assert values("flatness", *arguments) < 0.2
    assert values("offset_level", *arguments) < -30


def test_silence_is_nothing_without_a_warning() -> None:
    silence = np.zeros((1, TIME), np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = measure_output(silence, RATE_HZ, [2, 4], silence)
    for measure, _, value, _ in rows:
        nothing = measure in {"line_level", "offset_level"}
        assert value == -np.inf if nothing else np.isnan(value), measure
    assert "found_line_level" not in {row[0] for row in rows}


def test_a_pattern_of_the_stride_repeats_and_its_phases_differ() -> None:
    """1 and 3 by turns: mean 2, variance 1, mean square 5."""
    signal = np.tile([1.0, 3.0], TIME // 2)[None]
    arguments = signal, RATE_HZ, [2, 4]
    assert values("offset_level", *arguments) == pytest.approx(20 * np.log10(2))
    assert values("polyphase_mean_spread", *arguments) == pytest.approx(10 * np.log10(1 / 5))
    assert values("polyphase_power_spread", *arguments) == pytest.approx(10 * np.log10(9))
    assert values("aperiodic_level", *arguments) < -290


@pytest.mark.parametrize("strides", [[2], [2, 4, 8], [3, 9]])
@pytest.mark.parametrize("time", [TIME, TIME + 5])
def test_the_ends_do_not_count_as_an_imbalance(strides: list[int], time: int) -> None:
    """Without them, a constant repeats and has no tone."""
    signal = np.ones((1, time))
    signal[:, :100] = signal[:, -100:] = 0.0
    arguments = signal, RATE_HZ, strides
    assert values("polyphase_mean_spread", *arguments) == -np.inf
    assert values("polyphase_power_spread", *arguments) == pytest.approx(0, abs=1e-9)
    assert values("aperiodic_level", *arguments) == -np.inf


def test_a_period_need_not_divide_the_signal() -> None:
    pattern = np.tile(np.arange(9.0), 1800)[None, : TIME + 1]
    assert values("aperiodic_level", pattern, RATE_HZ, [9]) < -250


def test_a_valley_is_deep_where_interpolation_cancels() -> None:
    nearest = np.repeat(noise(1, TIME // 2), 2, axis=1)
    depths_db = values("valley_depth", nearest, RATE_HZ, [2, 4])
    assert depths_db[4000] > 20 and abs(depths_db[2000]) < 2


def test_the_response_of_nearest_interpolation_is_as_uneven_as_theory_says() -> None:
    input = noise(8, TIME // 2)
    output = np.repeat(input, 2, axis=1)
    frequencies_hz, _ = power_density(output, RATE_HZ)
    theory_db = interpolation_response_db("nearest", 2, frequencies_hz[:-1], RATE_HZ)
    expected_db = flatness_db(10 ** (theory_db / 10))
    measured_db = values("response_flatness", output, RATE_HZ, [2], input)
    assert measured_db == pytest.approx(expected_db, abs=0.25)


def test_the_response_of_a_gain_is_flat_whatever_goes_in() -> None:
    coloured = np.cumsum(noise(), axis=1)
    assert values("response_flatness", 3 * coloured, RATE_HZ, [4], coloured) < 1e-9


@pytest.mark.parametrize(("level_db", "heard"), [(-40, False), (0, True)])
def test_a_tone_is_masked_by_the_noise_or_heard_through_it(level_db: float, heard: bool) -> None:
    signal = noise(1) + every_fourth() * 10 ** ((40 + level_db) / 20)
    assert (values("masking_margin", signal, RATE_HZ, [4])[2000] > 0) is heard
    ratio_db = values("prominence_ratio", signal, RATE_HZ, [4])[2000]
    assert (ratio_db > 5) is heard
