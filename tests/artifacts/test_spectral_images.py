"""Spectral images: known frequencies, and known levels after zero insertion and a filter."""

import warnings

import numpy as np
import pytest
from upsampling_artifacts.artifacts.filtering import interpolation_response_db
from upsampling_artifacts.artifacts.spectral_images import (
    image_frequencies,
    image_levels_db,
    offset_level_db,
    replica_level_db,
)
from upsampling_artifacts.errors import InputError


def insert_zeros(signal: np.ndarray, stride: int) -> np.ndarray:
    upsampled = np.zeros((len(signal), signal.shape[-1] * stride))
    upsampled[:, ::stride] = signal
    return upsampled


def noise(channels: int, time: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((channels, time))


@pytest.mark.parametrize("stride", [2, 3, 4, 8])
@pytest.mark.parametrize("rate_hz", [1.0, 44_100.0])
def test_zero_inserted_noise_has_equal_density_above_and_below(stride, rate_hz) -> None:
    signal = insert_zeros(noise(4, 60_000 // stride), stride)
    assert replica_level_db(signal, rate_hz, stride) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("stride", [2, 4])
def test_nearest_interpolation_attenuates_the_images_as_theory_says(stride: int) -> None:
    signal = np.repeat(noise(4, 60_000 // stride), stride, axis=1)
    frequencies_hz = np.linspace(0, 4000, 4001)
    gain = 10 ** (interpolation_response_db("nearest", stride, frequencies_hz, 8000) / 10)
    above = frequencies_hz > 4000 / stride
    expected_db = 10 * np.log10(gain[above].mean() / gain[~above].mean())
    assert replica_level_db(signal, 8000, stride) == pytest.approx(expected_db, abs=0.1)
    assert expected_db < -6


def test_tones_count_in_the_band_in_which_they_lie() -> None:
    n = np.arange(16_000)
    low, high = np.sin(2 * np.pi * 500 / 8000 * n)[None], np.sin(2 * np.pi * 3000 / 8000 * n)[None]
    assert replica_level_db(low, 8000, 2) < -90
    assert replica_level_db(high, 8000, 2) > 90
    assert replica_level_db(low + 0.1 * high, 8000, 2) == pytest.approx(-20, abs=0.01)
    # The upper band is three times as wide, so the density is a third.
    assert replica_level_db(low + 0.1 * high, 8000, 4) == pytest.approx(-24.77, abs=0.01)


def test_silence_and_a_stride_of_1_have_no_replica_level() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(replica_level_db(np.zeros((1, 1000)), 8000, 2))
    with pytest.raises(InputError, match=r"^stride: 1 leaves no band above .*; use 2 or more$"):
        replica_level_db(noise(1, 1000), 8000, 1)


@pytest.mark.parametrize(
    ("frequency_hz", "old_rate_hz", "rate_hz", "expected"),
    [
        (0, 4000, 32_000, [4000, 8000, 12_000, 16_000]),
        (1000, 4000, 16_000, [3000, 5000, 7000]),
        (2000, 4000, 16_000, [6000]),
        (1000, 4000, 8000, [3000]),
        (1000, 4000, 4000, []),
        (0, 44_100 / 64, 44_100, 44_100 / 64 * np.arange(1, 33)),
        (0, 22_050 / 3, 22_050, [7350]),
        (1000, 8000, 32_000, [7000, 9000, 15_000]),
        # Rounding errors put some of these above Nyquist and separate equal ones.
        (0, 16_000 / 30, 16_000, 16_000 / 30 * np.arange(1, 16)),
        (0, 44_100 / 8192, 44_100 / 4096, [44_100 / 8192]),
        (24_000 / 7, 48_000 / 7, 48_000, 24_000 / 7 * np.array([3, 5, 7])),
    ],
)
def test_images_lie_where_the_input_spectrum_repeats(
    frequency_hz, old_rate_hz, rate_hz, expected
) -> None:
    images_hz = image_frequencies(frequency_hz, old_rate_hz, rate_hz)
    np.testing.assert_allclose(images_hz, expected, atol=1e-5)


@pytest.mark.parametrize("frequency_hz", [-1, 2001])
def test_a_frequency_outside_the_input_band_is_an_input_error(frequency_hz: float) -> None:
    with pytest.raises(InputError, match=r"^frequency_hz: .* outside .*; use 0 to 2000 Hz$"):
        image_frequencies(frequency_hz, 4000, 8000)


def test_images_of_a_tone_have_the_level_of_the_filter_response() -> None:
    tone = np.stack([np.sin(2 * np.pi * 1000 / 4000 * np.arange(8000) + p) for p in (0.3, 1)])
    levels_db = image_levels_db(insert_zeros(tone, 4), 16_000, 4000, 1000)
    assert list(levels_db) == [3000, 5000, 7000]
    np.testing.assert_allclose(list(levels_db.values()), 0, atol=0.01)
    levels_db = image_levels_db(np.repeat(tone, 4, axis=1), 16_000, 4000, 1000)
    theory_db = interpolation_response_db("nearest", 4, np.array([3000, 5000, 7000]), 16_000)
    own_db = interpolation_response_db("nearest", 4, np.array([1000]), 16_000)
    np.testing.assert_allclose(list(levels_db.values()), theory_db - own_db, atol=0.01)


def test_images_of_a_dc_offset_are_compared_by_mean_square() -> None:
    """Zero insertion by 4 of a constant c: c / 4 at 0 Hz and Nyquist, amplitude c / 2 between."""
    levels_db = image_levels_db(insert_zeros(np.full((2, 4000), 0.3), 4), 16_000, 4000, 0)
    assert levels_db[4000] == pytest.approx(10 * np.log10(2), abs=0.01)
    assert levels_db[8000] == pytest.approx(0, abs=0.01)
    held = np.full((2, 16_000), np.float32(0.3))
    assert max(image_levels_db(held, 16_000, 4000, 0).values()) < -200


def test_images_of_silence_are_nan() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(list(image_levels_db(np.zeros((1, 4000)), 16_000, 4000, 0).values())).all()


def test_offsets_of_opposite_channels_do_not_cancel() -> None:
    assert offset_level_db(np.array([[0.1] * 10, [-0.1] * 10])) == pytest.approx(-20)
    assert offset_level_db(np.full((3, 66_150), 1e-3, np.float32)) == pytest.approx(-60, abs=1e-4)
    assert offset_level_db(np.array([[1.0, -1.0]])) == -np.inf
    assert offset_level_db(noise(400, 1000)) == pytest.approx(-30, abs=1)
