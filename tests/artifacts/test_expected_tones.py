"""Weak tones at given frequencies: levels and chances that can be derived."""

import numpy as np
import pytest
from upsampling_artifacts.artifacts.expected_tones import FALSE_ALARMS, find_expected

RATE_HZ = 8000
SAMPLES = 4 * RATE_HZ
TONES_HZ = np.arange(500.0, 3600, 10)


def sine(frequency_hz: float, rms: float) -> np.ndarray:
    phase = 2 * np.pi * frequency_hz / RATE_HZ * np.arange(SAMPLES) + 0.3
    return rms * np.sqrt(2) * np.sin(phase)


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(SAMPLES)


def rms_at_threshold(n_tones: int) -> float:
    """RMS of a tone whose power is that of the threshold, in noise of RMS 1.

    With a Hann window, the power of the noise in a bin is ``2 sum(w^2) / sum(w)^2 = 3 / N``, and it
    exceeds ``t`` times that with the probability ``exp(-t)``.
    """
    return float(np.sqrt(np.log(n_tones / FALSE_ALARMS) * 3 / SAMPLES))


@pytest.mark.parametrize("rms", [0.5, 1e-3])
def test_level_and_prominence_are_those_that_follow_from_the_window(rms: float) -> None:
    background = rms / 30
    [(hz, level_db, prominence_db)] = find_expected(
        sine(2000, rms) + background * noise(), RATE_HZ, [1000, 2000, 3000]
    )
    assert hz == 2000
    assert level_db == pytest.approx(20 * np.log10(rms), abs=0.05)
    median = np.log(2) * 3 * background**2 / SAMPLES
    assert prominence_db == pytest.approx(10 * np.log10(rms**2 / median), abs=0.7)


def test_half_way_between_two_bins_the_level_is_that_of_the_hann_window() -> None:
    """20 lg(8 / (3 pi)) = -1.42 dB."""
    between_hz = 2000 + RATE_HZ / SAMPLES / 2
    [(_, level_db, _)] = find_expected(sine(between_hz, 0.1), RATE_HZ, [between_hz])
    assert level_db == pytest.approx(-20 + 20 * np.log10(8 / (3 * np.pi)), abs=0.02)


def test_noise_has_a_tone_in_one_of_a_thousand_signals() -> None:
    assert sum(bool(find_expected(noise(seed), RATE_HZ, TONES_HZ)) for seed in range(60)) == 0


@pytest.mark.parametrize(("over_db", "least", "most"), [(4.0, 18, 20), (-4.0, 0, 2)])
def test_tones_are_found_from_the_threshold_on(over_db: float, least: int, most: int) -> None:
    rms = rms_at_threshold(len(TONES_HZ)) * 10 ** (over_db / 20)
    found = [find_expected(noise(seed) + sine(2000, rms), RATE_HZ, TONES_HZ) for seed in range(20)]
    assert least <= sum(2000 in [tone[0] for tone in tones] for tones in found) <= most
    assert not {tone[0] for tones in found for tone in tones} - {2000}


def test_a_tone_that_is_not_there_all_the_time_is_left_out() -> None:
    tone = sine(2000, 0.1)
    tone[SAMPLES // 2 :] = 0
    assert find_expected(0.1 * noise() + tone, RATE_HZ, [2000]) == []
    assert find_expected(0.1 * noise() + sine(2000, 0.1), RATE_HZ, [2000]) != []


def test_a_tone_beside_the_frequency_is_left_out() -> None:
    """Five bins away, 1.25 Hz."""
    assert find_expected(0.1 * noise() + sine(2001.25, 0.1), RATE_HZ, [2000]) == []


def test_the_ends_of_the_spectrum_are_left_out() -> None:
    signal = 0.1 * noise() + sine(150, 0.1) + sine(3998, 0.1)
    assert find_expected(signal, RATE_HZ, [150, 3998]) == []


def test_the_ends_of_the_spectrum_are_not_searched() -> None:
    """Beside 0 Hz and the Nyquist frequency, a tone has no surroundings on one side."""
    alternating = np.resize([1.0, -1.0], SAMPLES)
    low = sine(150, 1.0)
    assert find_expected(alternating + low + 0.01 * noise(), RATE_HZ, [150, 4000, 4100]) == []
