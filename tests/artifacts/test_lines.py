"""Predicted lines: tones of known level in noise of known level."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal.windows import kaiser
from upsampling_artifacts.artifacts.lines import measure_line, predicted_frequencies
from upsampling_artifacts.artifacts.spectra import KAISER_BETA, line_spectrum

RATE_HZ = 8000


def tone(frequency_hz: float, rms: float, time: int, phase: float = 0.3) -> np.ndarray:
    n = np.arange(time)
    return rms * np.sqrt(2) * np.sin(2 * np.pi * frequency_hz * n / RATE_HZ + phase)


def noise(rms: float, time: int, channels: int = 2) -> np.ndarray:
    return rms * np.random.default_rng(0).standard_normal((channels, time))


@pytest.mark.parametrize("time", [48_000, 44_000])
@pytest.mark.parametrize("frequency_hz", [2000, 1000])
@pytest.mark.parametrize("rms", [1.0, 1e-4])
def test_the_level_is_the_rms_of_the_tone(time: int, frequency_hz: float, rms: float) -> None:
    signal = np.stack([tone(frequency_hz, rms, time), tone(frequency_hz, rms, time, phase=1)])
    line = measure_line(signal, RATE_HZ, frequency_hz)
    assert line.frequency_hz == frequency_hz
    assert line.level_db == pytest.approx(20 * np.log10(rms), abs=0.1)
    assert line.prominence_db > 140


@given(st.floats(200, 3800), st.integers(9_000, 10_000))
def test_between_two_bins_the_level_drops_by_at_most_0_36_db(frequency_hz, time) -> None:
    line = measure_line(tone(frequency_hz, 1, time)[None], RATE_HZ, frequency_hz)
    assert -0.36 < line.level_db < 0.01


def test_the_level_is_the_mean_power_over_channels() -> None:
    signal = np.stack([tone(2000, 1, 48_000), np.zeros(48_000)])
    assert measure_line(signal, RATE_HZ, 2000).level_db == pytest.approx(-3.01, abs=0.05)


@pytest.mark.parametrize(("time", "lost_db"), [(48_000, 0), (48_001, 0.35)])
def test_the_level_is_right_at_the_nyquist_frequency(time: int, lost_db: float) -> None:
    """An odd length has no bin at Nyquist: the nearest one is half a bin away."""
    signal = 0.1 * np.resize([1.0, -1.0], (1, time))
    line = measure_line(signal, RATE_HZ, RATE_HZ / 2)
    assert line.level_db == pytest.approx(-20 - lost_db, abs=0.1)


@pytest.mark.parametrize("noise_db", [-20, -40])
def test_prominence_is_the_tone_re_the_noise_in_one_bin(noise_db: float) -> None:
    time, rms = 48_000, 10 ** (noise_db / 20)
    signal = tone(2000, 1, time) + noise(rms, time, channels=1)
    line = measure_line(signal, RATE_HZ, 2000)
    assert line.level_db == pytest.approx(0, abs=0.1)
    window = kaiser(time, KAISER_BETA)
    peak = window.sum() ** 2 / 2  # a sine of RMS 1 has amplitude sqrt(2), half at each of +-f
    floor = rms**2 * np.sum(window**2) * np.log(2)  # the median of an exponential distribution
    assert line.prominence_db == pytest.approx(10 * np.log10(peak / floor), abs=1)


@pytest.mark.parametrize("time", [48_000, 48_001])
def test_a_tone_is_as_prominent_at_the_nyquist_frequency_as_elsewhere(time: int) -> None:
    """Tones of RMS 0.1 in white noise of RMS 1: means of 20 signals of two channels each."""
    rng, n = np.random.default_rng(0), np.arange(time)
    prominences_db = {2000: [], 4000: []}
    for phase in np.linspace(0, 3, 20):
        signal = rng.standard_normal((2, time)) + tone(2000, 0.1, time, phase) + 0.1 * (-1.0) ** n
        for frequency_hz, values in prominences_db.items():
            values.append(measure_line(signal, RATE_HZ, frequency_hz).prominence_db)
    elsewhere_db, nyquist_db = (np.mean(values) for values in prominences_db.values())
    assert nyquist_db == pytest.approx(elsewhere_db, abs=0.5)


def test_noise_is_no_more_prominent_at_the_nyquist_frequency_than_elsewhere() -> None:
    rng = np.random.default_rng(0)
    prominences_db = {2000: [], 4000: []}
    for _ in range(300):
        signal = rng.standard_normal((1, 8000))
        for frequency_hz, values in prominences_db.items():
            values.append(measure_line(signal, RATE_HZ, frequency_hz).prominence_db)
    elsewhere_db, nyquist_db = (np.quantile(values, 0.95) for values in prominences_db.values())
    assert nyquist_db < elsewhere_db


@pytest.mark.parametrize("channels", [1, 2, 8])
def test_noise_has_no_prominent_line(channels: int) -> None:
    line = measure_line(noise(1, 48_000, channels), RATE_HZ, 2000)
    assert 0 < line.prominence_db < 12


def test_a_tone_nearby_is_not_mistaken_for_the_line() -> None:
    for elsewhere_hz in (2010, 2050, 1500):
        signal = noise(1e-6, 48_000) + tone(elsewhere_hz, 1, 48_000)
        line = measure_line(signal, RATE_HZ, 2000)
        assert line.level_db < -100
        assert line.prominence_db < 12


@pytest.mark.parametrize("frequency_hz", [2000, 4000])
def test_silence_has_no_level_no_prominence_and_no_warning(frequency_hz) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        line = measure_line(np.zeros((2, 8000), np.float32), RATE_HZ, frequency_hz)
    assert line.level_db == -np.inf
    assert np.isnan(line.prominence_db)


def test_a_signal_too_short_for_its_surroundings_is_an_input_error() -> None:
    measure_line(noise(1, 3200), RATE_HZ, 2000)
    message = "3199 samples are too few to measure a line; use at least 3200"
    with pytest.raises(ValueError, match=message):
        measure_line(noise(1, 3199), RATE_HZ, 2000)
    measure_line(noise(1, 1600), RATE_HZ, 2000, neighborhood_hz=200)


@pytest.mark.parametrize(
    ("stride", "expected"),
    [(2, [4000]), (3, [8000 / 3]), (4, [2000, 4000]), (5, [1600, 3200]),
     (8, [1000, 2000, 3000, 4000])],
)  # fmt: skip
def test_tones_are_predicted_at_multiples_of_the_rate_over_the_stride(stride, expected) -> None:
    np.testing.assert_allclose(predicted_frequencies(RATE_HZ, stride), expected)


@pytest.mark.parametrize(("below_db", "prominence_db"), [(-148, 2), (-152, 0)])
def test_what_lies_below_the_last_bit_of_float32_is_not_prominent(
    below_db: float, prominence_db: float
) -> None:
    """The floor is 150 dB below the sum of the spectrum, here that of an offset."""
    offset = np.ones((1, 16_000))
    power = 10 ** (below_db / 10) * line_spectrum(offset).sum()
    sine = np.sqrt(2 * power) * np.sin(2 * np.pi * 1000 / 8000 * np.arange(16_000))
    line = measure_line(offset + sine, 8000, 1000)
    assert line.prominence_db == pytest.approx(prominence_db, abs=0.01)
