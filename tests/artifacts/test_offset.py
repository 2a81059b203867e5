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


@pytest.mark.parametrize(("standard_errors", "significant"), [(5.9, False), (6.1, True)])
def test_a_mean_of_six_standard_errors_is_significant(
    standard_errors: float, significant: bool
) -> None:
    """Twenty pieces of alternating sign: the standard error of their mean is 1 / sqrt(19)."""
    signal = np.repeat(np.tile([1.0, -1.0], 10), 400) + standard_errors / np.sqrt(19)
    assert measure_offset(signal[None]).significant == significant


def test_rounding_is_no_offset() -> None:
    """The last bit of float32 is 2**-24 of the largest sample, whatever the level."""
    alternating = np.tile([1.0, -1.0], 4000)[None]
    for level in (1e-6, 1.0, 1e6):
        for last_bits, significant in ((0.9, False), (1.1, True)):
            signal = level * (alternating + last_bits * 2.0**-24)
            assert measure_offset(signal).significant == significant


@pytest.mark.parametrize(("rest_db", "constant"), [(-61, True), (-59, False)])
def test_a_constant_has_all_else_60_db_below_it(rest_db: float, constant: bool) -> None:
    signal = 0.1 + 0.1 * 10 ** (rest_db / 20) * np.tile([1.0, -1.0], 4000)
    assert measure_offset(signal[None]).constant == constant
