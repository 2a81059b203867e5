"""Spectral images of an unknown stride: found with the level of the filter's known response."""

import numpy as np
import pytest
from scipy.signal import lfilter, resample_poly
from upsampling_artifacts.artifacts.filtering import interpolation_response_db
from upsampling_artifacts.artifacts.image_search import find_images

RATE_HZ = 24_000


def noise(seed: int, samples: int = 4 * RATE_HZ, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((channels, samples))


def bursts(seed: int, samples: int = 4 * RATE_HZ) -> np.ndarray:
    """Sound with syllables and formants that move."""
    rng = np.random.default_rng(seed)
    sound = np.zeros(samples)
    for first in range(0, samples, 3000):
        pole = rng.uniform(0.9, 0.99) * np.exp(1j * rng.uniform(0.1, 2.5))
        part = lfilter([1], [1, -2 * pole.real, abs(pole) ** 2], rng.standard_normal(3000))
        sound[first : first + 3000] = (part * np.hanning(3000))[: samples - first]
    return sound[None]


def insert_zeros(signal: np.ndarray, stride: int) -> np.ndarray:
    upsampled = np.zeros((len(signal), signal.shape[-1] * stride))
    upsampled[:, ::stride] = signal
    return upsampled


def interpolate(signal: np.ndarray, kind: str, stride: int) -> np.ndarray:
    if kind == "nearest":
        return np.repeat(signal, stride, axis=1)
    times = np.arange(signal.shape[-1] * stride) / stride
    return np.stack([np.interp(times, np.arange(len(row)), row) for row in signal])


def response_db(kind: str, stride: int) -> tuple[float, float]:
    """Mean density of the images re the baseband, and the median image re its original."""
    # np.interp keeps the samples, as learned interpolation does at initialization.
    kind = {"nearest": "nearest", "linear": "learned_interpolation"}[kind]
    width, guard = 0.5 / stride, 6 / 1680  # at either end of each band, six bins are left out
    below = np.linspace(guard, width - guard, 10_001)
    images = [
        (index + 1) * width - below if index % 2 else index * width + below
        for index in range(1, stride)
    ]
    density = [
        np.mean(10 ** (interpolation_response_db(kind, stride, band, 1) / 10))
        for band in (below, *images)
    ]
    level_db = float(10 * np.log10(np.mean(density[1:]) / density[0]))
    below = below[below < 0.9 * width]
    rejection_db = interpolation_response_db(
        kind, stride, 1 / stride - below, 1
    ) - interpolation_response_db(kind, stride, below, 1)
    return level_db, float(np.median(rejection_db))


@pytest.mark.parametrize("stride", range(2, 9))
@pytest.mark.parametrize("background", [noise, bursts])
def test_zero_insertion_is_found_with_its_axis_and_equal_density(background, stride) -> None:
    signal = insert_zeros(background(stride, 8 * RATE_HZ // stride), stride)
    [images] = find_images(signal, RATE_HZ)
    assert images.stride == stride
    assert images.axis_hz == pytest.approx(RATE_HZ / 2 / stride)
    assert images.level_db == pytest.approx(0, abs=0.2)
    assert images.rejection_db == pytest.approx(0, abs=0.2)
    assert 0.9 < images.coherence <= 1


@pytest.mark.parametrize("stride", [2, 3, 4, 8])
@pytest.mark.parametrize("kind", ["nearest", "linear"])
def test_interpolated_noise_has_images_of_the_filters_response(kind: str, stride: int) -> None:
    signal = interpolate(noise(stride, 8 * RATE_HZ // stride), kind, stride)
    [images] = find_images(signal, RATE_HZ)
    level_db, rejection_db = response_db(kind, stride)
    assert images.stride == stride
    assert images.level_db == pytest.approx(level_db, abs=0.3)
    assert images.rejection_db == pytest.approx(rejection_db, abs=0.3)


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("kind", ["nearest", "linear"])
def test_images_are_found_at_any_rate_in_16_bits(rate_hz: int, kind: str) -> None:
    signal = 0.03 * interpolate(bursts(0, rate_hz), kind, 3)
    signal = np.round(signal * 2**15) / 2**15
    [images] = find_images(signal, rate_hz)
    assert images.axis_hz == pytest.approx(rate_hz / 6)


def test_a_resampler_leaves_images_only_beside_the_axis() -> None:
    [images] = find_images(resample_poly(noise(0), 2, 1, axis=1), RATE_HZ)
    assert images.stride == 2
    assert images.rejection_db < -50


def test_images_of_one_channel_are_found() -> None:
    signal = noise(0, 4 * RATE_HZ, channels=3)
    signal[1] = np.repeat(signal[1, ::4], 4)
    assert [images.stride for images in find_images(signal, RATE_HZ)] == [4]


def test_only_what_is_coherent_counts_as_an_image() -> None:
    """Independent noise of equal density above the axis: half of the power there is images."""
    signal = insert_zeros(noise(0, 8 * RATE_HZ), 2)
    spectrum = np.fft.rfft(noise(1, signal.shape[-1]))
    spectrum[:, : signal.shape[-1] // 4] = 0
    above = np.fft.irfft(spectrum, signal.shape[-1])
    signal += above * np.sqrt(np.mean(signal**2) / 2 / np.mean(above**2))
    [images] = find_images(signal, RATE_HZ)
    assert images.level_db == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("background", [noise, bursts])
def test_without_upsampling_no_images_are_found(background) -> None:
    assert [find_images(background(seed), RATE_HZ) for seed in range(30)] == [[]] * 30


@pytest.mark.parametrize("background", [noise, bursts])
def test_in_short_signals_chance_makes_no_images(background) -> None:
    short = [background(seed, 13 * 840) for seed in range(60)]
    assert [find_images(signal, RATE_HZ) for signal in short] == [[]] * 60


@pytest.mark.parametrize("period", [64, 256, 480])
def test_a_comb_of_tones_has_no_images(period: int) -> None:
    comb = np.resize(noise(0, period)[0], 4 * RATE_HZ)
    assert find_images(0.1 * noise(1) + comb, RATE_HZ) == []


def test_notes_of_one_fundamental_have_no_images() -> None:
    """1 kHz and its harmonics divide every rate; they are lines, not bands."""
    n = np.arange(4 * RATE_HZ)
    note = sum(np.sin(2 * np.pi * 1000 * k * n / RATE_HZ + k) / k for k in range(1, 12))
    assert find_images((note + 0.001 * noise(0)), RATE_HZ) == []


def test_drums_on_a_grid_of_samples_have_no_images() -> None:
    rng = np.random.default_rng(0)
    hits = [rng.standard_normal(3000) * np.exp(-np.arange(3000) / 500) for _ in range(2)]
    sound = 1e-3 * rng.standard_normal(8 * RATE_HZ)
    for first in range(0, len(sound) - 4000, 6016):  # about four a second, at multiples of 64
        first += 64 * int(rng.integers(0, 5))
        sound[first : first + 3000] += hits[int(rng.integers(2))]
    assert find_images(sound[None], RATE_HZ) == []


def test_silence_and_short_signals_have_no_images() -> None:
    assert find_images(np.zeros((1, 48_000)), RATE_HZ) == []
    assert find_images(noise(0, 1000), RATE_HZ) == []


def test_images_of_a_second_are_found() -> None:
    """In few windows, phases of noise agree by chance; that is no steady line."""
    [images] = find_images(insert_zeros(noise(0, RATE_HZ // 2), 2), RATE_HZ)
    assert images.stride == 2


def test_of_a_long_signal_the_middle_counts() -> None:
    """Six hundred windows of 1680 samples that overlap by half."""
    signal = noise(0, 1200 * 840)
    signal[:, : 250 * 840] = np.repeat(noise(1, 125 * 840), 2, axis=1)
    assert find_images(signal, 8000, strides=[2]) == []
    [images] = find_images(signal[:, : 700 * 840], 8000, strides=[2])
    assert images.stride == 2
