"""Boundary artifacts of convolutions with filters of known length."""

import numpy as np
import pytest
from upsampling_artifacts.artifacts.boundary import boundary_samples
from upsampling_artifacts.errors import InputError


def convolved(signal: np.ndarray, length: int) -> np.ndarray:
    return np.stack([np.convolve(channel, np.ones(length), "same") for channel in signal])


@pytest.mark.parametrize("length", [1, 3, 9])
def test_zero_padding_changes_half_the_filter_length_at_both_ends(length: int) -> None:
    signal = np.random.default_rng(0).standard_normal((2, 3000))
    inside = convolved(signal, length)[:, 1000:2000]
    alone = convolved(signal[:, 1000:2000], length)
    assert boundary_samples(alone, inside) == (length // 2, length // 2)


def test_each_end_reaches_to_its_innermost_differing_sample() -> None:
    reference = np.ones((2, 100))
    output = reference.copy()
    output[1, [0, 7]] = 2
    output[0, 90] = 0
    assert boundary_samples(output, reference) == (8, 10)


def test_differences_below_the_tolerance_do_not_count() -> None:
    reference = np.ones((1, 100))
    output = reference.copy()
    output[:, :5] += 1.1e-3
    output[:, :9] += 0.9e-3
    assert boundary_samples(output, reference) == (5, 0)
    assert boundary_samples(output, reference, tolerance_db=-62) == (9, 0)
    assert boundary_samples(output, 10 * reference / 10, tolerance_db=-50) == (0, 0)


def test_the_tolerance_is_relative_to_the_reference() -> None:
    reference = np.random.default_rng(0).standard_normal((2, 100))
    output = reference.copy()
    output[:, :5] += 1e-2
    assert boundary_samples(1e-6 * output, 1e-6 * reference) == (5, 0)


@pytest.mark.parametrize("time", [10, 11])
def test_if_all_samples_differ_both_ends_add_up_to_the_length(time: int) -> None:
    assert sum(boundary_samples(np.ones((1, time)), np.zeros((1, time)))) == time


def test_silence_has_no_boundary_artifacts() -> None:
    assert boundary_samples(np.zeros((2, 10)), np.zeros((2, 10))) == (0, 0)


def test_different_shapes_are_an_input_error() -> None:
    with pytest.raises(InputError, match=r"^output: shape \(1, 9\) differs from .* \(1, 10\)$"):
        boundary_samples(np.zeros((1, 9)), np.zeros((1, 10)))
