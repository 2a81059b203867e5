"""Tones that last a second, at known places and levels, are found there."""

import numpy as np
import pytest
from upsampling_artifacts.artifacts.hearing import threshold_in_quiet_db_spl
from upsampling_artifacts.artifacts.seconds import cut_second, margins_by_second, second_starts

RATE_HZ = 8000
TONE_HZ = 2000
PLAYBACK_DB_SPL = 70.0


def add_tone(signal: np.ndarray, channel: int, start_seconds: float, level_db: float) -> None:
    """Add a second of the tone to a channel."""
    second = cut_second(signal[channel], RATE_HZ, round(start_seconds * RATE_HZ))
    tone = np.sqrt(2) * np.sin(2 * np.pi * TONE_HZ / RATE_HZ * np.arange(len(second)) + 0.3)
    second += 10 ** (level_db / 20) * tone


def test_the_loudest_second_is_where_the_tone_is() -> None:
    signal = 0.001 * np.random.default_rng(0).standard_normal((3, 4 * RATE_HZ))
    add_tone(signal, channel=2, start_seconds=1.5, level_db=-40)
    add_tone(signal, channel=0, start_seconds=0, level_db=-50)
    margins_db = margins_by_second(signal, RATE_HZ, TONE_HZ, PLAYBACK_DB_SPL)
    starts_seconds = second_starts(signal.shape[-1], RATE_HZ) / RATE_HZ
    assert starts_seconds.tolist() == [0, 0.5, 1, 1.5, 2, 2.5, 3]
    assert np.unravel_index(margins_db.argmax(), margins_db.shape) == (2, 3)
    assert margins_db[0].argmax() == 0
    assert margins_db[2, 3] - margins_db[0, 0] == pytest.approx(10, abs=2)
    assert (margins_db[1] < 0).all()


def test_a_second_that_holds_half_of_the_tone_has_less_of_it() -> None:
    """Half of its energy, of which the onset spreads some over the band."""
    signal = np.zeros((1, 3 * RATE_HZ))
    add_tone(signal, channel=0, start_seconds=1, level_db=-30)
    margins_db = margins_by_second(signal, RATE_HZ, TONE_HZ, PLAYBACK_DB_SPL)[0]
    assert margins_db.argmax() == 2
    assert np.isneginf(margins_db[[0, 4]]).all()
    assert (margins_db[2] - margins_db[[1, 3]] > 3).all()


def test_where_nothing_masks_the_margin_is_the_level_over_the_threshold_in_quiet() -> None:
    signal = np.zeros((1, 2 * RATE_HZ))
    add_tone(signal, channel=0, start_seconds=1, level_db=-50)
    margin_db = margins_by_second(signal, RATE_HZ, TONE_HZ, PLAYBACK_DB_SPL).max()
    expected_db = -50 + PLAYBACK_DB_SPL - threshold_in_quiet_db_spl(TONE_HZ)
    assert margin_db == pytest.approx(expected_db, abs=0.5)


@pytest.mark.parametrize(
    ("time", "starts"), [(11_999, [0]), (12_000, [0, 4000]), (15_999, [0, 4000])]
)
def test_the_last_second_ends_within_the_signal(time: int, starts: list[int]) -> None:
    assert second_starts(time, RATE_HZ).tolist() == starts
