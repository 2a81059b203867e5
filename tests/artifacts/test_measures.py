"""All measures of one output: the rows of signals with known values."""

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
    measure_sources,
    predicted_tones,
)

RATE_HZ = 8000
TIME = 2 * RATE_HZ

BY_TONE = {"line_level", "line_prominence", "prominence_ratio", "masking_margin", "valley_depth"}
CHANCES = {"line_prominence_chance", "masking_margin_chance"}
OF_SOURCES = {"line_level", "line_prominence", "masking_margin", "audibility_margin"}
ALWAYS = {"offset_level", "flatness"}
WITH_STRIDES = {
    "polyphase_mean_spread",
    "polyphase_power_spread",
    "aperiodic_level",
    "replica_level",
}


def noise(channels: int = 2, time: int = TIME) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((channels, time))


def quarter_rate_tone(time: int = TIME) -> np.ndarray:
    """A tone of RMS 0.01 at a quarter of the rate."""
    return np.tile([0.01, 0.01, -0.01, -0.01], time // 4)[None]


def values(measure: str, *arguments: object) -> dict[float, float] | float:
    """Values of a measure by frequency, or its value if it has no frequency."""
    rows = [row for row in measure_output(*arguments) if row[0] == measure]
    assert all(unit == "dB" for *_, unit in rows)
    if len(rows) == 1 and np.isnan(rows[0][1]):
        return rows[0][2]
    return {frequency_hz: value for _, frequency_hz, value, _ in rows}


def of_sources(
    measure: str, strides: list[int], source: str = "", **sources: np.ndarray
) -> dict[float, float]:
    """Values of a measure in one source, or in all of them, by frequency."""
    rows = measure_sources(sources, RATE_HZ, strides, unit_rms_db_spl=70)[source]
    return {frequency_hz: value for name, frequency_hz, value, _ in rows if name == measure}


def test_predicted_tones_of_all_layers_are_listed_once_in_ascending_order() -> None:
    assert predicted_tones(8000, [2, 4]).tolist() == [2000, 4000]
    assert predicted_tones(44100, [4, 16]).tolist() == [44100 / 16 * k for k in range(1, 9)]
    assert predicted_tones(8000, []).tolist() == []


def test_every_measure_has_one_row_per_frequency() -> None:
    rows = measure_output(noise(), RATE_HZ, [4, 16], noise())
    at_tones = {(row[0], row[1]) for row in rows if row[0] in BY_TONE}
    assert at_tones == {(measure, 500.0 * k) for measure in BY_TONE for k in range(1, 9)}
    others = [row[0] for row in rows if row[0] not in BY_TONE]
    assert sorted(others) == sorted(ALWAYS | WITH_STRIDES | {"response_flatness"})
    assert all(row[3] == "dB" for row in rows)
    fewer = measure_output(noise(), RATE_HZ, [4, 16], noise(), prominence_ratio=False)
    np.testing.assert_equal(fewer, [row for row in rows if row[0] != "prominence_ratio"])


def test_measures_that_need_strides_or_an_input_are_omitted_without_them() -> None:
    assert {row[0] for row in measure_output(noise(), RATE_HZ, [])} == ALWAYS


def test_a_tone_at_a_quarter_of_the_rate_has_a_level_only_there() -> None:
    levels_db = values("line_level", quarter_rate_tone(), RATE_HZ, [2, 4])
    assert levels_db[2000] == pytest.approx(-40, abs=0.05)
    assert levels_db[4000] < -140
    prominences_db = values("line_prominence", quarter_rate_tone(), RATE_HZ, [2, 4])
    assert prominences_db[2000] > 100 and prominences_db[4000] < 20
    assert list(values("found_line_level", quarter_rate_tone(), RATE_HZ, [2, 4])) == [2000]


def test_lines_of_the_input_are_measured_like_those_of_the_output() -> None:
    rows = measure_input(quarter_rate_tone(), RATE_HZ, [2, 4])
    lines = ("line_level", "line_prominence", "masking_margin")
    ours = [row for row in measure_output(quarter_rate_tone(), RATE_HZ, [2, 4]) if row[0] in lines]
    np.testing.assert_equal(sorted(rows), sorted(ours))
    assert [row[0] for row in rows[::2]] == list(lines)
    assert measure_input(quarter_rate_tone(), RATE_HZ, []) == []


def test_the_tones_of_the_last_layer_are_measured_source_by_source() -> None:
    sources = {"drums": noise(), "bass": noise() + 20 * quarter_rate_tone()}
    rows = measure_sources(sources, RATE_HZ, [4, 16], unit_rms_db_spl=70)
    assert list(rows) == ["drums", "bass", ""]
    for source in sources:
        assert {row[:2] for row in rows[source]} == {
            (measure, tone_hz)
            for measure in OF_SOURCES | CHANCES | {"tone_margin"}
            for tone_hz in (2000, 4000)
        }
        assert all(row[3] == ("1" if row[0] in CHANCES else "dB") for row in rows[source])
    assert {row[0] for row in rows[""]} == CHANCES | {"tone_margin"}
    # Each as the same source alone, and as any output.
    for source, signal in sources.items():
        alone = measure_sources({source: signal}, RATE_HZ, [4, 16], unit_rms_db_spl=70)
        np.testing.assert_equal(alone[source], rows[source])
        for measure in ("line_level", "line_prominence", "masking_margin"):
            ours = {row[1]: row[2] for row in rows[source] if row[0] == measure}
            others = values(measure, signal, RATE_HZ, [4, 16])
            assert ours == pytest.approx({hz: others[hz] for hz in ours}, nan_ok=True)
    without = measure_sources(sources, RATE_HZ, [4, 16], unit_rms_db_spl=70, chance=False)
    assert list(without) == list(sources)
    assert {row[0] for row in without["bass"]} == OF_SOURCES


@pytest.mark.parametrize(
    ("strides", "tones_hz"),
    [([4, 16], [2000, 4000]), ([2, 4, 8], [2000, 4000]), ([2], [4000]), ([8], [1000, 2000, 3000])],
)
def test_tones_at_a_quarter_of_the_rate_belong_to_the_last_layer_or_the_last_two(
    strides: list[int], tones_hz: list[int]
) -> None:
    assert list(of_sources("line_level", strides, "drums", drums=noise()))[:3] == tones_hz


def test_a_tone_has_a_small_chance_and_noise_any() -> None:
    """Of 384 tones that are not there, a tenth has a chance of a tenth."""
    with_tone = noise() + quarter_rate_tone() * 20
    for measure in CHANCES:
        assert of_sources(measure, [4], drums=with_tone)[2000] < 0.02
    chances = []
    for seed in range(12):
        signal = np.random.default_rng(seed).standard_normal((2, 2 * TIME))
        chances += of_sources("line_prominence_chance", [64], drums=signal).values()
    assert np.mean(np.array(chances) <= 0.1) == pytest.approx(0.1, abs=0.05)
    assert np.mean(chances) == pytest.approx(0.5, abs=0.05)


def test_the_chance_of_the_largest_of_four_sources_is_that_of_a_largest_of_four() -> None:
    """The smallest of four chances would be a tenth or less in a third of the cases."""
    joint, smallest = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        sources = {str(n): rng.standard_normal((2, TIME)) for n in range(4)}
        rows = measure_sources(sources, RATE_HZ, [64], unit_rms_db_spl=70)
        chances = {
            source: np.array([row[2] for row in found if row[0] == "line_prominence_chance"])
            for source, found in rows.items()
        }
        joint += [*chances.pop("")]
        smallest += [*np.min([*chances.values()], axis=0)]
    assert np.mean(np.array(joint) <= 0.1) == pytest.approx(0.1, abs=0.05)
    assert np.mean(np.array(smallest) <= 0.1) == pytest.approx(1 - 0.9**4, abs=0.1)


def test_a_tone_in_one_of_the_sources_stands_out_of_all() -> None:
    sources = {"drums": noise(), "bass": noise() + 20 * quarter_rate_tone()}
    assert of_sources("line_prominence_chance", [4], **sources)[2000] < 0.02
    assert of_sources("line_prominence_chance", [4], "drums", **sources)[2000] > 0.1


def test_partials_of_music_at_a_predicted_frequency_have_a_large_chance() -> None:
    """A chord of a hundred partials, one of which happens to lie at a quarter of the rate."""
    signal = 0.1 * noise() + chord()
    assert values("line_prominence", signal, RATE_HZ, [4])[2000] > 20
    assert of_sources("line_prominence_chance", [4], drums=signal)[2000] > 0.1
    with_tone = noise() + quarter_rate_tone() * 20
    assert of_sources("line_prominence_chance", [4], drums=with_tone)[2000] < 0.02


def chord() -> np.ndarray:
    n, rng = np.arange(TIME), np.random.default_rng(1)
    partials_hz = np.append(rng.uniform(1420, 2820, 99), 2000)
    return sum(np.sin(2 * np.pi * hz * n / RATE_HZ + rng.uniform(0, 6)) for hz in partials_hz)


def test_a_tone_margin_is_positive_only_for_a_tone_that_is_audible_and_not_chance() -> None:
    audible = noise() + 20 * quarter_rate_tone()
    margin_db = of_sources("audibility_margin", [4], "drums", drums=audible)[2000]
    assert of_sources("tone_margin", [4], drums=audible)[2000] == margin_db > 0
    # A partial among many is audible, too, but no more so than the others.
    partial = 0.01 * noise() + chord()
    assert of_sources("audibility_margin", [4], "drums", drums=partial)[2000] > 0
    assert of_sources("tone_margin", [4], drums=partial)[2000] < 0
    # At -10 dB SPL: 10 dB below the threshold in quiet, but far above the rounding errors.
    soft = 0.01 * quarter_rate_tone()
    assert of_sources("tone_margin", [4], drums=soft)[2000] == pytest.approx(-10, abs=1)
    silence = np.zeros((2, TIME))
    assert of_sources("tone_margin", [4], drums=silence)[2000] == -np.inf


def test_the_playback_level_decides_the_audibility_in_silence_and_masking_that_in_noise() -> None:
    tone = quarter_rate_tone()
    for signal, difference_db in ((tone, 60), (noise() + tone, 0)):
        loud, soft = (
            values("audibility_margin", signal, RATE_HZ, [4], None, level)[2000]
            for level in (80, 20)
        )
        assert loud == pytest.approx(soft + difference_db)
    assert values("audibility_margin", tone, RATE_HZ, [4]) == {}
    masked = values("masking_margin", noise() + tone, RATE_HZ, [4], None, 80)[2000]
    assert loud == pytest.approx(masked)


def test_an_unpredicted_tone_is_detected() -> None:
    whistle = 0.5 * np.sqrt(2) * np.sin(2 * np.pi * 1234 / RATE_HZ * np.arange(TIME))
    found = values("found_line_level", noise() * 0.01 + whistle, RATE_HZ, [4])
    [(frequency_hz, level_db)] = found.items()
    assert frequency_hz == pytest.approx(1234, abs=0.5)
    assert level_db == pytest.approx(20 * np.log10(0.5), abs=0.2)
    [prominence_db] = values("found_line_prominence", noise() * 0.01 + whistle, RATE_HZ, [4])
    assert prominence_db == frequency_hz


def test_noise_has_no_lines_no_valleys_and_balanced_phases() -> None:
    arguments = noise(), RATE_HZ, [4]
    assert all(value < 12 for value in values("line_prominence", *arguments).values())
    assert values("found_line_level", *arguments) == {}
    assert all(abs(value) < 2 for value in values("valley_depth", *arguments).values())
    # Measured in the middle half: time / 2 samples.
    assert values("polyphase_mean_spread", *arguments) < 10 * np.log10(3 / (TIME / 2)) + 10
    assert values("polyphase_power_spread", *arguments) < 0.5
    assert values("aperiodic_level", *arguments) == pytest.approx(0, abs=0.1)
    assert values("replica_level", *arguments) == pytest.approx(0, abs=0.3)
    assert values("flatness", *arguments) < 0.2
    assert values("offset_level", *arguments) < -30


def test_silence_is_minus_infinity_or_nan_without_a_warning() -> None:
    silence = np.zeros((1, TIME), np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = measure_output(silence, RATE_HZ, [2, 4], silence)
        measure_sources({"drums": silence}, RATE_HZ, [2, 4], unit_rms_db_spl=70)
    for measure, _, value, _ in rows:
        nothing = measure in {"line_level", "offset_level"}
        assert value == -np.inf if nothing else np.isnan(value), measure
    assert "found_line_level" not in {row[0] for row in rows}


def test_a_pattern_with_the_period_of_the_stride_has_known_spreads() -> None:
    """Samples alternate between 1 and 3: mean 2, variance 1, mean square 5."""
    signal = np.tile([1.0, 3.0], TIME // 2)[None]
    arguments = signal, RATE_HZ, [2, 4]
    assert values("offset_level", *arguments) == pytest.approx(20 * np.log10(2))
    assert values("polyphase_mean_spread", *arguments) == pytest.approx(10 * np.log10(1 / 5))
    assert values("polyphase_power_spread", *arguments) == pytest.approx(10 * np.log10(9))
    assert values("aperiodic_level", *arguments) < -290


@pytest.mark.parametrize("strides", [[2], [2, 4, 8], [3, 9]])
@pytest.mark.parametrize("time", [TIME, TIME + 5])
def test_boundary_artifacts_do_not_count_as_an_imbalance(strides: list[int], time: int) -> None:
    """Without its ends, the signal is constant and has no tone."""
    signal = np.ones((1, time))
    signal[:, :100] = signal[:, -100:] = 0.0
    arguments = signal, RATE_HZ, strides
    assert values("polyphase_mean_spread", *arguments) == -np.inf
    assert values("polyphase_power_spread", *arguments) == pytest.approx(0, abs=1e-9)
    assert values("aperiodic_level", *arguments) == -np.inf


def test_the_period_need_not_divide_the_length_of_the_signal() -> None:
    pattern = np.tile(np.arange(9.0), 1800)[None, : TIME + 1]
    assert values("aperiodic_level", pattern, RATE_HZ, [9]) < -250


def test_interpolation_leaves_a_valley_at_half_the_rate() -> None:
    nearest = np.repeat(noise(1, TIME // 2), 2, axis=1)
    depths_db = values("valley_depth", nearest, RATE_HZ, [2, 4])
    assert depths_db[4000] > 20 and abs(depths_db[2000]) < 2


def test_the_flatness_of_nearest_interpolation_agrees_with_theory() -> None:
    input = noise(8, TIME // 2)
    output = np.repeat(input, 2, axis=1)
    frequencies_hz, _ = power_density(output, RATE_HZ)
    theory_db = interpolation_response_db("nearest", 2, frequencies_hz[:-1], RATE_HZ)
    expected_db = flatness_db(10 ** (theory_db / 10))
    measured_db = values("response_flatness", output, RATE_HZ, [2], input)
    assert measured_db == pytest.approx(expected_db, abs=0.25)


def test_the_response_of_a_gain_is_flat_for_any_input() -> None:
    brown = np.cumsum(noise(), axis=1)
    assert values("response_flatness", 3 * brown, RATE_HZ, [4], brown) < 1e-9


@pytest.mark.parametrize(("level_db", "audible"), [(-40, False), (0, True)])
def test_noise_masks_a_weak_tone_but_not_a_strong_one(level_db: float, audible: bool) -> None:
    signal = noise(1) + quarter_rate_tone() * 10 ** ((40 + level_db) / 20)
    assert (values("masking_margin", signal, RATE_HZ, [4])[2000] > 0) is audible
    ratio_db = values("prominence_ratio", signal, RATE_HZ, [4])[2000]
    assert (ratio_db > 5) is audible


@pytest.mark.parametrize("strides", [[4, 16], [2, 8, 40], [8, 64]])
def test_sources_are_measured_at_a_quarter_of_the_rate_if_any_layer_has_a_tone_there(
    strides: list[int],
) -> None:
    """The last layers of codecs and vocoders often have a stride of 2, and 8 before it."""
    noise = np.random.default_rng(0).standard_normal((1, TIME))
    rows = measure_sources({"drums": noise}, RATE_HZ, strides, unit_rms_db_spl=70)["drums"]
    levels_hz = {hz for name, hz, _, _ in rows if name == "line_level"}
    assert {RATE_HZ / 4, RATE_HZ / 2} <= levels_hz
    assert levels_hz <= set(predicted_tones(RATE_HZ, [8]))
