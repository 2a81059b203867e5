"""Filtering artifacts: interpolations measured on known signals agree with theory."""

import warnings

import numpy as np
import pytest
import torch
from scipy.signal import chirp
from torch.nn import functional as F
from upsampling_artifacts.artifacts.filtering import (
    flatness_db,
    interpolation_response_db,
    power_density,
    response_db,
    response_error_db,
    stack_response_db,
    valley_depth_db,
)
from upsampling_artifacts.artifacts.lines import predicted_frequencies
from upsampling_artifacts.errors import InputError

KINDS = ["nearest", "linear"]
RATE_HZ = 32_000


def noise(channels: int, time: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((channels, time))


def interpolate(signal: np.ndarray, kind: str, stride: int) -> np.ndarray:
    options = {"align_corners": False} if kind == "linear" else {}
    tensor = torch.from_numpy(signal)[None]
    return F.interpolate(tensor, scale_factor=stride, mode=kind, **options)[0].numpy()


@pytest.mark.parametrize("rate_hz", [4000, 22_050, 44_100])
def test_the_density_of_white_noise_is_its_variance_over_the_bandwidth(rate_hz: int) -> None:
    frequencies_hz, power = power_density(0.5 * noise(8, 4 * rate_hz), rate_hz)
    assert (frequencies_hz[0], frequencies_hz[-1]) == (0, rate_hz / 2)
    np.testing.assert_allclose(power[5:-5], 0.25 / (rate_hz / 2), rtol=0.5)
    assert power[5:-5].mean() == pytest.approx(0.25 / (rate_hz / 2), rel=0.03)


def test_the_power_of_an_offset_is_its_square() -> None:
    frequencies_hz, power = power_density(np.full((2, 8000), 0.1), RATE_HZ)
    assert power.sum() * frequencies_hz[1] == pytest.approx(0.01, rel=1e-3)
    assert power.argmax() == 0


def test_a_tone_between_two_bins_keeps_its_power_and_leaks_below_90_db() -> None:
    signal = np.sqrt(2) * 0.1 * np.sin(2 * np.pi * 3007 / RATE_HZ * np.arange(RATE_HZ))[None]
    frequencies_hz, power = power_density(signal, RATE_HZ)
    assert power.sum() * frequencies_hz[1] == pytest.approx(0.01, rel=1e-3)
    far = np.abs(frequencies_hz - 3007) > 5 * frequencies_hz[1]
    assert 10 * np.log10(power[far].max() / power.max()) < -90


@pytest.mark.parametrize("time", [16, 100, 1000, 100_000])
@pytest.mark.parametrize("rate_hz", [1.0, 11.0, 8000.0])
def test_low_rates_and_short_signals_have_a_spectrum(time: int, rate_hz: float) -> None:
    frequencies_hz, power = power_density(noise(64, time), rate_hz)
    assert len(power) >= 9
    assert frequencies_hz[-1] == rate_hz / 2
    assert power.sum() * frequencies_hz[1] == pytest.approx(1, rel=0.25)


def test_a_signal_too_short_for_a_spectrum_is_an_input_error() -> None:
    with pytest.raises(InputError, match=r"^signal: 15 samples are too few .*; use at least 16$"):
        power_density(noise(1, 15), 8000)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stride", [2, 3, 4, 5, 8])
def test_theory_is_the_spectrum_of_the_impulse_response(kind: str, stride: int) -> None:
    impulse = np.zeros((1, 32))
    impulse[0, 16] = 1
    spectrum = np.abs(np.fft.rfft(interpolate(impulse, kind, stride)[0])) / stride
    frequencies_hz = np.fft.rfftfreq(32 * stride, 1 / RATE_HZ)
    theory = 10 ** (interpolation_response_db(kind, stride, frequencies_hz, RATE_HZ) / 20)
    np.testing.assert_allclose(spectrum, theory, atol=1e-12)


@pytest.mark.parametrize("stride", [2, 3, 4, 6])
def test_theory_is_zero_at_the_valleys_and_one_at_multiples_of_the_rate(stride) -> None:
    valleys_hz = predicted_frequencies(RATE_HZ, stride)
    for kind in KINDS:
        assert (interpolation_response_db(kind, stride, valleys_hz, RATE_HZ) == -np.inf).all()
        multiples_hz = np.array([0, RATE_HZ, 3 * RATE_HZ])
        at_rate = interpolation_response_db(kind, stride, multiples_hz, RATE_HZ)
        np.testing.assert_allclose(at_rate, 0, atol=1e-9)


def test_side_lobes_approach_those_of_sinc_and_sinc_squared() -> None:
    """-13.3 and -26.5 dB are the limits for large strides, that is, for continuous time."""
    frequencies_hz = np.linspace(RATE_HZ / 64, RATE_HZ / 32, 1000)
    for kind, lobe_db in {"nearest": -13.26, "linear": -26.52}.items():
        response = interpolation_response_db(kind, 64, frequencies_hz, RATE_HZ)
        assert response.max() == pytest.approx(lobe_db, abs=0.05)


@pytest.mark.parametrize("kind", ["cubic", "sinc"])
def test_an_unknown_interpolation_is_an_input_error(kind: str) -> None:
    with pytest.raises(InputError, match=f"^interpolation: unknown kind '{kind}'; use 'nearest', "):
        interpolation_response_db(kind, 2, np.zeros(1), RATE_HZ)


@pytest.mark.parametrize("kinds", [["nearest"] * 3, ["linear"] * 3, ["nearest", "linear"]])
@pytest.mark.parametrize("stride", [2, 4])
def test_the_theory_of_a_stack_is_the_spectrum_of_its_impulse_response(kinds, stride) -> None:
    response = np.zeros((1, 32))
    response[0, 16] = 1
    for kind in kinds:
        response = interpolate(response, kind, stride)
    spectrum = np.abs(np.fft.rfft(response[0])) / stride ** len(kinds)
    frequencies_hz = np.fft.rfftfreq(response.shape[-1], 1 / RATE_HZ)
    theory = 10 ** (stack_response_db(kinds, stride, frequencies_hz, RATE_HZ) / 20)
    np.testing.assert_allclose(spectrum, theory, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_white_noise_after_three_interpolations_agrees_with_theory(kind: str) -> None:
    signal = noise(8, 24_000)
    for _ in range(3):
        signal = interpolate(signal, kind, 2)
    frequencies_hz, power = power_density(signal, RATE_HZ)
    theory_db = stack_response_db([kind] * 3, 2, frequencies_hz, RATE_HZ)
    assert response_error_db(10 * np.log10(power), theory_db) < 0.5
    other = "linear" if kind == "nearest" else "nearest"
    other_db = stack_response_db([other] * 3, 2, frequencies_hz, RATE_HZ)
    assert response_error_db(10 * np.log10(power), other_db) > 3


def inputs() -> dict[str, np.ndarray]:
    time = 16_000
    sweep = chirp(np.arange(time) / 8000, 0, 2, 4000, phi=-90)[None]
    brown = np.cumsum(noise(2, time), axis=1)  # like music: most power at low frequencies
    return {"noise": noise(2, time), "sweep": sweep, "music": brown - 0.97 * brown.mean()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["noise", "sweep", "music"])
def test_the_measured_response_is_that_of_the_filter_for_any_input(kind: str, name: str) -> None:
    signal = inputs()[name]
    measured_db = response_db(interpolate(signal, kind, 4), signal, RATE_HZ, 4)
    frequencies_hz, _ = power_density(np.zeros((1, 64_000)), RATE_HZ)
    theory_db = interpolation_response_db(kind, 4, frequencies_hz, RATE_HZ)
    near_dc_images = np.abs((frequencies_hz + 500) % 8000 - 500) < 100
    compared = ~near_dc_images if name == "music" else np.full(len(theory_db), True)
    assert response_error_db(measured_db[compared], theory_db[compared]) < 0.5
    # Each input sample is repeated four times: an amplitude gain of four.
    middle = (frequencies_hz > 200) & (frequencies_hz < 3000)
    gain_db = np.nanmedian(measured_db[middle] - theory_db[middle])
    assert gain_db == pytest.approx(12.04, abs=0.2)


def test_the_response_of_zero_insertion_is_exactly_flat() -> None:
    signal = noise(2, 8000)
    stretched = np.zeros((2, 32_000))
    stretched[:, ::4] = signal
    np.testing.assert_allclose(response_db(stretched, signal, RATE_HZ, 4), 0, atol=1e-9)
    np.testing.assert_allclose(response_db(0.1 * signal, signal, 8000, 1), -20, atol=1e-9)


def test_the_response_is_undefined_where_the_input_has_no_power() -> None:
    tone = np.sin(2 * np.pi * 1000 / 8000 * np.arange(16_000))[None]
    frequencies_hz, _ = power_density(np.zeros((1, 64_000)), RATE_HZ)
    response = response_db(interpolate(tone, "nearest", 4), tone, RATE_HZ, 4)
    images_hz = np.array([1000, 7000, 9000, 15_000])
    near = (np.abs(frequencies_hz[:, None] - images_hz) < 100).any(axis=1)
    assert np.isnan(response[~near]).all()
    assert np.isfinite(response[np.isin(frequencies_hz, images_hz)]).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(response_db(np.ones((1, 4000)), np.zeros((1, 1000)), RATE_HZ, 4)).all()
        assert (response_db(np.zeros((1, 4000)), noise(1, 1000), RATE_HZ, 4) == -np.inf).all()


def test_flatness_is_the_ratio_of_arithmetic_and_geometric_mean() -> None:
    assert flatness_db(np.full(100, 1e-9)) == pytest.approx(0, abs=1e-9)
    assert flatness_db(np.array([1.0, 100.0])) == pytest.approx(10 * np.log10(50.5 / 10))
    assert flatness_db(np.array([1.0, 0.0])) == np.inf
    assert np.isnan(flatness_db(np.zeros(3)))
    assert np.isnan(flatness_db(np.empty(0)))
    assert 0 < flatness_db(power_density(noise(8, 60_000), 8000)[1][5:-5]) < 0.1


@pytest.mark.parametrize("stride", [2, 4, 8])
def test_interpolated_noise_has_valleys_and_zero_inserted_noise_has_none(stride) -> None:
    signal = noise(4, 96_000 // stride)
    stretched = np.zeros((4, 96_000))
    stretched[:, ::stride] = signal
    frequencies_hz, flat = power_density(stretched, RATE_HZ)
    _, filtered = power_density(interpolate(signal, "nearest", stride), RATE_HZ)
    _, twice = power_density(interpolate(signal, "linear", stride), RATE_HZ)
    for valley_hz in predicted_frequencies(RATE_HZ, stride):
        assert abs(valley_depth_db(frequencies_hz, flat, valley_hz, RATE_HZ)) < 3
        depth_db = valley_depth_db(frequencies_hz, filtered, valley_hz, RATE_HZ)
        assert depth_db > 15
        assert valley_depth_db(frequencies_hz, twice, valley_hz, RATE_HZ) > depth_db + 10
        assert valley_depth_db(frequencies_hz, filtered, valley_hz - 1000, RATE_HZ) < 6


@pytest.mark.parametrize("frequency_hz", [0, RATE_HZ / 4, RATE_HZ / 2])
def test_white_noise_has_no_valleys_on_average_even_at_0_hz_and_nyquist(
    frequency_hz: float,
) -> None:
    depths_db = [
        valley_depth_db(*power_density(noise(2, 32_000, seed), RATE_HZ), frequency_hz, RATE_HZ)
        for seed in range(40)
    ]
    assert np.mean(depths_db) == pytest.approx(0, abs=0.4)


def test_the_depth_of_a_peak_is_negative() -> None:
    frequencies_hz = np.arange(0, 4001, 10.0)
    power = np.ones(401)
    power[200], power[400] = 1e-4, 1e3 / 2  # a one-sided density is halved at Nyquist
    assert valley_depth_db(frequencies_hz, power, 2000, 8000) == pytest.approx(40)
    assert valley_depth_db(frequencies_hz, power, 4000, 8000) == pytest.approx(-30)
    power[200] = 0
    assert valley_depth_db(frequencies_hz, power, 2000, 8000) == np.inf
    assert np.isnan(valley_depth_db(frequencies_hz, np.zeros(401), 2000, 8000))


def test_the_response_error_ignores_gain_deep_valleys_and_undefined_values() -> None:
    theory_db = np.array([0, -10, -20, -39, -41, -np.inf, 0])
    measured_db = theory_db + 7 + np.array([1, -1, 1, -1, 50, 0, np.nan])
    assert response_error_db(measured_db, theory_db) == pytest.approx(1)
    assert np.isnan(response_error_db(np.full(7, np.nan), theory_db))
