"""DC offsets: found where they are, not in noise, low notes or speech-like bursts."""

import numpy as np
import pytest
from upsampling_artifacts.artifacts.offset import measure_offset


@pytest.mark.parametrize("level_db", [-20, -60, -90])
def test_the_level_is_that_of_the_mean(level_db: float) -> None:
    offset = measure_offset(np.full((1, 8000), 10 ** (level_db / 20)))
    assert offset.level_db == pytest.approx(level_db)
    assert offset.significant and offset.constant


def test_the_channel_with_the_largest_offset_counts() -> None:
    noise = 0.01 * np.random.default_rng(0).standard_normal((6, 48_000))
    noise[4] -= 0.1
    offset = measure_offset(noise)
    assert offset.channel == 4 and offset.level_db == pytest.approx(-20, abs=0.1)
    assert not offset.constant


def test_noise_has_no_offset() -> None:
    found = [
        measure_offset(np.random.default_rng(seed).standard_normal((1, 8000))).significant
        for seed in range(400)
    ]
    assert sum(found) == 0


@pytest.mark.parametrize("hz", [27.5, 41.2, 110])
def test_a_low_note_has_no_offset(hz: float) -> None:
    note = np.sin(2 * np.pi * hz * np.arange(24_000 * 3) / 24_000 + 0.4)
    assert not measure_offset(note[None]).significant


def test_silence_has_no_offset() -> None:
    offset = measure_offset(np.zeros((2, 1000)))
    assert not offset.significant and offset.level_db == -np.inf
