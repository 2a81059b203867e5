"""Polyphase imbalance of patterns with known phases."""

import warnings

import numpy as np
import pytest
from upsampling_artifacts.artifacts.lines import measure_lines, predicted_frequencies
from upsampling_artifacts.artifacts.polyphase import polyphase_imbalance
from upsampling_artifacts.errors import InputError


def noise(channels: int, time: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((channels, time))


def test_zero_insertion_by_4_moves_three_quarters_of_a_dc_offset_into_lines() -> None:
    signal = np.resize([1.0, 0, 0, 0], (2, 4000))
    imbalance = polyphase_imbalance(signal, 4)
    assert imbalance.mean_spread_db == pytest.approx(10 * np.log10(3 / 4))
    assert imbalance.power_spread_db == np.inf


def test_the_spread_of_the_means_is_the_power_in_the_lines() -> None:
    rng = np.random.default_rng(1)
    for stride in (2, 3, 4, 5, 8):
        signal = np.tile(rng.standard_normal((3, stride)), 9600 // stride)
        lines = measure_lines(signal, 8000, predicted_frequencies(8000, stride))
        share = sum(10 ** (line.level_db / 10) for line in lines) / np.mean(signal**2)
        measured_db = polyphase_imbalance(signal, stride).mean_spread_db
        assert measured_db == pytest.approx(10 * np.log10(share), abs=0.4)


def test_opposite_channels_do_not_cancel() -> None:
    pattern = np.resize([1.0, -1.0], 1000)
    imbalance = polyphase_imbalance(np.stack([pattern, -pattern]), 2)
    assert imbalance.mean_spread_db == pytest.approx(0)
    assert imbalance.power_spread_db == pytest.approx(0)


def test_the_power_spread_is_that_of_the_phase_gains() -> None:
    signal = noise(4, 40_000) * np.resize([1, 0.5, 2, 1], 40_000)
    assert polyphase_imbalance(signal, 4).power_spread_db == pytest.approx(12.04, abs=0.3)


@pytest.mark.parametrize("stride", [2, 4, 8])
def test_white_noise_has_the_mean_spread_expected_by_chance(stride: int) -> None:
    time = 48_000
    spreads = [polyphase_imbalance(noise(8, time, s), stride).mean_spread_db for s in range(20)]
    assert np.mean(spreads) == pytest.approx(10 * np.log10((stride - 1) / time), abs=1)
    assert polyphase_imbalance(noise(8, time), stride).power_spread_db < 0.3


@pytest.mark.parametrize("constant", [0.1, 1 / 3, 1e-6, 1e6])
@pytest.mark.parametrize("stride", [4, 7, 49])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_constant_has_exactly_zero_mean_spread_despite_rounding(constant, stride, kind) -> None:
    imbalance = polyphase_imbalance(np.full((2, 66_150), constant, kind), stride)
    assert imbalance.mean_spread_db == -np.inf
    assert imbalance.power_spread_db == pytest.approx(0, abs=1e-9)


def test_silence_is_nan_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        imbalance = polyphase_imbalance(np.zeros((2, 100), np.float32), 4)
    assert np.isnan(imbalance.mean_spread_db)
    assert np.isnan(imbalance.power_spread_db)


def test_samples_after_the_last_complete_stride_are_ignored() -> None:
    signal = noise(1, 1000)
    longer = np.concatenate([signal, np.full((1, 3), 99.0)], axis=1)
    assert polyphase_imbalance(longer, 4) == polyphase_imbalance(signal, 4)


def test_a_stride_below_2_and_too_few_samples_are_input_errors() -> None:
    with pytest.raises(InputError, match=r"^stride: 1 has no phases to compare; use 2 or more$"):
        polyphase_imbalance(noise(1, 100), 1)
    message = "^signal: 3 samples are fewer than one stride; use at least 4$"
    with pytest.raises(InputError, match=message):
        polyphase_imbalance(noise(1, 3), 4)
