"""Control frequencies avoid all tones, and a rank among them is a probability."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from upsampling_artifacts.artifacts.chance import (
    CONTROLS_PER_OCTAVE,
    chances,
    control_frequencies_hz,
    excesses_db,
)


@given(
    st.sampled_from([8000, 24_000, 44_100]),
    st.sampled_from([[2], [3], [4], [4, 16], [3, 9], [2, 10, 60], [4, 6], [4, 16, 64, 256]]),
    st.floats(1, 15),
)
def test_controls_keep_their_distance_from_all_tones_and_each_other(
    rate_hz, strides, resolution_hz
):
    controls_hz = control_frequencies_hz(rate_hz, strides, resolution_hz)
    for stride in strides:
        spacing_hz = rate_hz / stride
        distance_hz = np.abs(controls_hz - np.rint(controls_hz / spacing_hz) * spacing_hz)
        assert np.all(distance_hz >= resolution_hz * (1 - 1e-9))
    assert np.all(np.diff(controls_hz) >= resolution_hz * (1 - 1e-9))
    assert np.all(controls_hz <= rate_hz / 2 - resolution_hz)
    np.testing.assert_array_equal(
        controls_hz, control_frequencies_hz(rate_hz, strides, resolution_hz)
    )


def test_an_octave_has_as_many_controls_as_fit() -> None:
    controls_hz = control_frequencies_hz(44_100, [4], 7)
    octave = controls_hz[(controls_hz >= 11_025 / 2**0.5) & (controls_hz <= 11_025 * 2**0.5)]
    assert len(octave) == pytest.approx(CONTROLS_PER_OCTAVE, abs=2)
    # 14 Hz of each 31.25 Hz are free: room for two if they are 14 Hz apart, as at the octave's
    # lower end, and for one if 28 Hz, as at its upper end.
    dense_hz = control_frequencies_hz(8000, [4, 16, 64, 256], 8)
    octave = dense_hz[(dense_hz >= 1414) & (dense_hz <= 2828)]
    assert 1414 / 31.25 < len(octave) < 1414 / 31.25 * 2


def test_tones_too_close_together_leave_no_controls() -> None:
    assert len(control_frequencies_hz(8000, [4, 1024], 4)) == 0
    assert len(control_frequencies_hz(8000, [], 4)) == 0
    assert np.isnan(chances(np.array([2000.0]), [1.0], np.empty(0), [], 8000)).all()


def test_the_chance_is_the_share_of_controls_at_or_above_the_tone_with_the_tone_itself() -> None:
    controls_hz = np.linspace(1500, 2500, 99)
    ranks = np.arange(99.0)
    assert chances(np.array([2000.0] * 4), [98.5, 98, 49, -1], controls_hz, ranks, 8000) == [
        0.01, 0.02, 0.51, 1,
    ]  # fmt: skip


def test_only_controls_of_the_octave_around_the_tone_count() -> None:
    controls_hz = np.array([900.0, 1420.0, 2820.0, 2840.0, 3900.0])
    values = [9.0, 0.0, 0.0, 9.0, 0.0]
    tones_hz = np.array([2000.0, 4000.0])
    assert chances(tones_hz, [5, 5], controls_hz, values, 8000) == [1 / 3, 2 / 4]


@given(st.integers(1, 150), st.integers(0, 2**32))
@example(20, 15109647)  # exactly 5 % of the controls reach the tone
def test_an_excess_is_positive_if_and_only_if_few_controls_reach_the_tone(
    count: int, seed: int
) -> None:
    values = np.random.default_rng(seed).standard_normal(count + 1)
    controls_hz, tone_hz = np.linspace(1500, 2500, count), np.array([2000.0])
    [excess] = excesses_db(tone_hz, values[:1], controls_hz, values[1:], 8000)
    assert (excess > 0) == (np.mean(values[1:] >= values[0]) <= 0.05)
    [shifted] = excesses_db(tone_hz, values[:1] + 3, controls_hz, values[1:], 8000)
    assert shifted == pytest.approx(excess + 3)


def test_an_excess_without_controls_is_undefined() -> None:
    assert np.isnan(excesses_db(np.array([2000.0]), [1.0], np.empty(0), [], 8000)).all()
    controls_hz = np.array([1900.0, 2100.0])
    assert excesses_db(np.array([2000.0]), [5.0], controls_hz, [np.nan, 1.0], 8000) == [4]


def test_undefined_measures_do_not_count() -> None:
    controls_hz = np.array([1900.0, 2100.0])
    tone_hz = np.array([2000.0])
    assert chances(tone_hz, [5], controls_hz, [np.nan, 1], 8000) == [1 / 2]
    assert np.isnan(chances(tone_hz, [np.nan], controls_hz, [0, 1], 8000)).all()
    assert np.isnan(chances(tone_hz, [5], controls_hz, [np.nan, np.nan], 8000)).all()
    assert chances(tone_hz, [np.inf], controls_hz, [np.inf, 1], 8000) == [2 / 3]
