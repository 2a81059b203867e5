"""Folded-back aliasing: sines through nonlinearities whose harmonics are known."""

import math

import numpy as np
import pytest
from upsampling_artifacts.artifacts.aliasing import (
    SineResponse,
    dft_length,
    measure_sine_response,
    sine_cycles,
)
from upsampling_artifacts.artifacts.filtering import interpolation_response_db
from upsampling_artifacts.errors import InputError

LENGTH = 8191


def sine(cycles: int, length: int = LENGTH) -> np.ndarray:
    return np.sin(2 * np.pi * cycles * np.arange(2 * length) / length + 0.1)


def respond(output: np.ndarray, cycles: int, period: int = 1) -> SineResponse:
    windows = output.reshape(1, 2, -1).transpose(1, 0, 2)
    return measure_sine_response(windows, cycles, period)


def test_the_length_is_the_period_times_a_prime() -> None:
    assert dft_length(8192) == 8191  # a Mersenne prime
    assert dft_length(100, period=3) == 3 * 31
    with pytest.raises(InputError, match=r"^samples: 100 are too few .* of 64; use at least 704$"):
        dft_length(100, period=64)


def test_cycles_are_no_multiple_of_the_prime() -> None:
    assert sine_cycles(0.25, 4 * 31, 4) == 30
    assert sine_cycles(1e-9, LENGTH) == 1


@pytest.mark.parametrize("cycles", [700, 1500, 3001])
def test_the_cube_of_a_sine_folds_its_third_harmonic(cycles: int) -> None:
    """sin^3 = (3 sin - sin 3) / 4: below a sixth of the rate, the third harmonic is not folded."""
    response = respond(sine(cycles) ** 3, cycles)
    if 3 * cycles < LENGTH / 2:
        assert response.aliasing_db == -math.inf
    else:
        assert response.aliasing_db == pytest.approx(10 * np.log10(1 / 9), abs=1e-6)
        assert response.strongest_db == pytest.approx(10 * np.log10(1 / 9), abs=1e-6)
        folded = 3 * cycles % LENGTH
        assert response.strongest_bin == min(folded, LENGTH - folded)


def test_the_square_of_a_sine_folds_its_second_harmonic() -> None:
    """sin + sin^2 = sin + 1/2 - cos 2 / 2."""
    response = respond(sine(3001) + sine(3001) ** 2, 3001)
    assert response.aliasing_db == pytest.approx(10 * np.log10(1 / 4), abs=1e-6)
    assert response.strongest_bin == LENGTH - 2 * 3001


def test_a_clipped_sine_has_the_aliasing_of_a_square_wave() -> None:
    """Odd harmonics of amplitude 1/m: energy pi^2 / 8 in all, 1 + 1/9 + 1/25 below Nyquist."""
    response = respond(np.sign(sine(800)), 800)
    on = 1 + 1 / 9 + 1 / 25
    assert response.aliasing_db == pytest.approx(10 * np.log10((np.pi**2 / 8 - on) / on), abs=0.02)


def test_an_offset_is_not_aliasing() -> None:
    assert respond(sine(700) + 10, 700).aliasing_db == -math.inf
    assert respond(sine(700) ** 2, 700).aliasing_db == -math.inf


def test_a_linear_filter_in_float32_has_no_aliasing() -> None:
    filtered = np.convolve(np.tile(sine(700), 2), np.random.default_rng(0).standard_normal(31))
    steady = filtered[2 * LENGTH :][: 2 * LENGTH].astype(np.float32) + np.float32(3)
    assert respond(steady, 700).aliasing_db == -math.inf


def test_silence_and_constants_have_no_ratio() -> None:
    for level in (0, 1):
        response = respond(np.full(2 * LENGTH, level, np.float32), 700)
        assert math.isnan(response.aliasing_db)
        assert response.strongest_bin == 0


def test_noise_adds_little_and_is_seen() -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(2 * LENGTH)
    clean, noisy = respond(sine(1500) ** 3, 1500), respond(sine(1500) ** 3 + noise, 1500)
    assert noisy.aliasing_db == pytest.approx(clean.aliasing_db, abs=0.1)
    assert clean.repeats == pytest.approx(1) and noisy.repeats < 0.9
    assert respond(sine(700) + noise, 700).repeats < 0.2


@pytest.mark.parametrize("stride", [2, 3, 4, 8])
def test_images_of_the_sine_are_told_from_aliasing(stride: int) -> None:
    """Nearest-neighbor interpolation is linear: images with its known response, no aliasing."""
    length = dft_length(LENGTH, stride)
    cycles = sine_cycles(0.03, length, stride)
    held = np.repeat(sine(cycles, length)[::stride], stride)
    frequency = cycles / length
    images = [abs(k / stride - sign * frequency) for k in range(1, stride) for sign in (1, -1)]
    images = np.unique(np.round([f for f in images if f <= 0.5], 12))
    gain = 10 ** (
        interpolation_response_db("nearest", stride, np.array([*images, frequency]), 1) / 10
    )
    response = respond(held, cycles, stride)
    assert response.images_db == pytest.approx(10 * np.log10(gain[:-1].sum() / gain[-1]), abs=1e-6)
    assert response.aliasing_db == -math.inf


def test_tones_of_a_network_are_not_aliasing() -> None:
    length = dft_length(LENGTH, 4)
    cycles = sine_cycles(0.03, length, 4)
    output = sine(cycles, length) + np.resize([1.0, 0.5, -1.0, 0.2], 2 * length)
    response = respond(output, cycles, 4)
    assert response.aliasing_db == response.images_db == -math.inf


def test_aliasing_behind_an_upsampler_is_found_beside_images() -> None:
    length = dft_length(LENGTH, 2)
    cycles = sine_cycles(0.2, length, 2)
    held = np.repeat(sine(cycles, length)[::2], 2)
    assert -15 < respond(held**3, cycles, 2).aliasing_db < 0
