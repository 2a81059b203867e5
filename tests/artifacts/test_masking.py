"""Masking: tones in noise of known density at the thresholds of the standards."""

import warnings

import numpy as np
import pytest
from upsampling_artifacts.artifacts.masking import (
    critical_band_hz,
    critical_bandwidth_hz,
    masking_margin_db,
    masking_margins_db,
    prominence_ratio_db,
    prominence_ratios_db,
)
from upsampling_artifacts.errors import InputError

RATE_HZ = 44_100


def noise(seconds: float = 4, channels: int = 2, rate_hz: int = RATE_HZ) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.standard_normal((channels, round(seconds * rate_hz)), np.float32)


def tone(frequency_hz: float, rms: float, seconds: float = 4, rate_hz: int = RATE_HZ) -> np.ndarray:
    n = np.arange(round(seconds * rate_hz))
    return rms * np.sqrt(2) * np.sin(2 * np.pi * frequency_hz / rate_hz * n + 0.3)[None]


@pytest.mark.parametrize(
    ("frequency_hz", "width_hz"), [(150, 100), (1000, 160), (4000, 700), (10_500, 2500)]
)
def test_critical_bands_are_as_wide_as_in_zwickers_table(frequency_hz, width_hz) -> None:
    assert critical_bandwidth_hz(frequency_hz) == pytest.approx(width_hz, rel=0.03)
    low_hz, high_hz = critical_band_hz(frequency_hz)
    assert high_hz - low_hz == pytest.approx(critical_bandwidth_hz(frequency_hz))
    assert np.sqrt(low_hz * high_hz) == pytest.approx(frequency_hz)


@pytest.mark.parametrize("frequency_hz", [200, 1000, 5512.5, 11_025])
@pytest.mark.parametrize("margin_db", [30, 0])
def test_a_tone_at_the_masking_index_has_no_margin(frequency_hz, margin_db) -> None:
    density = 1 / (RATE_HZ / 2)
    masker_db = 10 * np.log10(density * critical_bandwidth_hz(frequency_hz))
    index_db = -2 - np.log10(1 + (frequency_hz / 502) ** 2.5)
    level_db = masker_db + index_db + margin_db
    signal = noise() + tone(frequency_hz, 10 ** (level_db / 20))
    assert masking_margin_db(signal, RATE_HZ, frequency_hz) == pytest.approx(margin_db, abs=1.5)


def test_noise_has_no_audible_tone() -> None:
    frequencies_hz = [689, 2756, 5512, 11_025]
    assert max(masking_margins_db(noise(), RATE_HZ, frequencies_hz)) < -5


def test_only_sound_in_the_same_critical_band_masks() -> None:
    signal = 1e-4 * noise() + tone(4000, 0.1)
    alone_db = masking_margin_db(signal, RATE_HZ, 4000)
    elsewhere_db = masking_margin_db(signal + tone(6000, 1), RATE_HZ, 4000)
    assert elsewhere_db == pytest.approx(alone_db, abs=1)
    masked_db = masking_margin_db(signal + tone(4200, 1), RATE_HZ, 4000)
    assert masked_db == pytest.approx(-20 + 2 + np.log10(1 + (4000 / 502) ** 2.5), abs=0.5)


@pytest.mark.parametrize(("frequency_hz", "defined"), [(3000, True), (3800, True), (4000, False)])
def test_the_margin_is_defined_if_three_quarters_of_the_band_are_below_nyquist(
    frequency_hz, defined
):
    signal = noise(rate_hz=8000) + tone(frequency_hz, 1, rate_hz=8000)
    assert np.isfinite(masking_margin_db(signal, 8000, frequency_hz)) == defined


def test_silence_has_no_margin_and_no_ratio() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(masking_margin_db(np.zeros((2, 44_100)), RATE_HZ, 4000))
        assert np.isnan(prominence_ratio_db(np.zeros((2, 44_100)), RATE_HZ, 4000))


def test_a_signal_too_short_for_a_critical_band_is_an_input_error() -> None:
    message = r"^signal: 4410 samples are too few .* at 500 Hz; use at least \d+$"
    with pytest.raises(InputError, match=message):
        masking_margin_db(noise(0.1), RATE_HZ, 500)


@pytest.mark.parametrize("frequency_hz", [1000, 4000, 7000])
@pytest.mark.parametrize("tone_to_band_db", [10, 20])
def test_the_prominence_ratio_compares_the_band_of_the_tone_with_its_neighbors(
    frequency_hz, tone_to_band_db
):
    """In white noise: tone plus band over the mean of the neighbor bands, by their widths."""
    f, width_hz = frequency_hz, critical_bandwidth_hz(frequency_hz)
    band_power = width_hz / (RATE_HZ / 2)
    signal = noise() + tone(f, np.sqrt(band_power * 10 ** (tone_to_band_db / 10)))
    low_hz, high_hz = critical_band_hz(f)
    # The neighbor bands are about as wide. Their outer edges follow the standard's formulas.
    if f <= 1600:
        lowest_hz = -149.5 + 1.001 * f - 6.9e-5 * f**2
        highest_hz = 149.5 + 1.035 * f + 7.7e-5 * f**2
    else:
        lowest_hz = 6.8 + 0.806 * f - 8.2e-6 * f**2
        highest_hz = 3.3 + 1.215 * f + 2.16e-5 * f**2
    beside = ((low_hz - lowest_hz) + (highest_hz - high_hz)) / 2 / width_hz
    assert beside == pytest.approx(1, abs=0.1)
    expected_db = 10 * np.log10((10 ** (tone_to_band_db / 10) + 1) / beside)
    assert prominence_ratio_db(signal, RATE_HZ, f) == pytest.approx(expected_db, abs=0.5)


def test_the_ratio_is_zero_where_no_tone_is_detected() -> None:
    signal = 0.1 * noise() + tone(1000, 0.1) + tone(4000, 1)
    at_1000, at_4000, at_2000, beside = prominence_ratios_db(
        signal, RATE_HZ, [1000, 4000, 2000, 4003]
    )
    assert 9 < at_1000 < at_4000 - 10
    assert at_2000 == 0
    assert beside == 0
    assert prominence_ratios_db(noise(), RATE_HZ, [1000, 3000, 5000]) == [0, 0, 0]


def test_the_ratio_does_not_depend_on_the_level() -> None:
    signal = noise() + tone(4000, 1)
    loud_db = prominence_ratio_db(signal, RATE_HZ, 4000)
    assert prominence_ratio_db(1e-7 * signal, RATE_HZ, 4000) == pytest.approx(loud_db, abs=0.01)


@pytest.mark.parametrize(
    ("frequency_hz", "rate_hz", "defined"),
    [
        (200, 44_100, False),
        (500, 44_100, True),
        (8000, 44_100, True),
        (8200, 44_100, False),
        (11_025, 44_100, False),
        (22_050, 44_100, False),
        (2000, 8000, True),
        (3500, 8000, False),
    ],
)
def test_the_ratio_is_defined_if_all_three_bands_are_in_range(frequency_hz, rate_hz, defined):
    signal = noise(2, rate_hz=rate_hz) + tone(frequency_hz, 1, 2, rate_hz)
    ratio_db = prominence_ratio_db(signal, rate_hz, frequency_hz)
    assert (ratio_db > 9) if defined else np.isnan(ratio_db)
