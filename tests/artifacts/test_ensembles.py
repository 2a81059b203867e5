"""Periodic patterns are found in the mean or in the power of noise, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from upsampling_artifacts.artifacts.ensembles import mean_pattern, measure_pattern, power_pattern

RATE_HZ, TIME, EXAMPLES = 8000, 16000, 16
TONE_HZ = np.array([1000.0, 2000.0, 4000.0])


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((EXAMPLES, TIME))


def measure(pattern: np.ndarray) -> dict[str, np.ndarray]:
    measures = measure_pattern(pattern, RATE_HZ, TONE_HZ, strides=[8])
    return {name: np.array(values) for name, values in measures.items()}


@pytest.mark.parametrize("pattern_of", [mean_pattern, power_pattern])
def test_white_noise_has_no_pattern(pattern_of) -> None:
    chances = []
    for seed in range(20):
        measures = measure(pattern_of(noise(seed)))
        assert (measures["level"] < -30).all()
        chances += list(measures["chance"][:-1])  # at Nyquist, noise is less prominent
    # The rank of a line among its controls is uniform.
    assert 0.35 < np.mean(chances) < 0.65
    assert np.mean(np.array(chances) < 0.1) < 0.25


def test_a_tone_is_in_the_mean_and_hardly_in_the_power() -> None:
    tone = 0.1 * np.sqrt(2) * np.cos(2 * np.pi * 2000 / RATE_HZ * np.arange(TIME))
    examples = noise() + tone
    measures = measure(mean_pattern(examples))
    assert measures["level"][1] == pytest.approx(-20 - 10 * np.log10(1.01), abs=0.3)
    assert measures["chance"][1] < 0.02
    assert measures["chance"][0] > 0.02
    # The square of the tone has a tone of its own at twice the frequency, 40 dB lower.
    assert (measure(power_pattern(examples))["level"] < -30).all()


def test_a_louder_phase_is_in_the_power_and_not_in_the_mean() -> None:
    """Powers 1, 1, 1, 2: the fundamental has an RMS of sqrt(2) / 4 re the mean power, 5/4."""
    examples = noise() * np.tile([1, 1, 1, np.sqrt(2)], TIME // 4)
    measures = measure(power_pattern(examples))
    assert measures["level"][1] == pytest.approx(20 * np.log10(np.sqrt(2) / 5), abs=0.4)
    assert measures["level"][2] == pytest.approx(20 * np.log10(1 / 5), abs=0.4)
    assert (measures["chance"][1:] < 0.02).all() and measures["chance"][0] > 0.02
    assert (measure(mean_pattern(examples))["level"] < -35).all()


def test_a_power_that_is_constant_is_exactly_zero() -> None:
    measures = measure(power_pattern(0.3 * np.sign(noise())))
    assert (measures["level"] == -np.inf).all()
    assert np.isnan(measures["prominence"]).all() and np.isnan(measures["chance"]).all()
