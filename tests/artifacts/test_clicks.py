"""Clicks at exact distances are found, with their period; in noise, voices and beats, none are."""

import numpy as np
import pytest
import torch
from scipy.signal import butter, lfilter, sosfilt
from torch import nn
from upsampling_artifacts.artifacts.clicks import find_borders, find_clicks

RATE_HZ = 24_000
CHUNK = 12_288


def noise(seed: int, seconds: float = 6, rate_hz: int = RATE_HZ) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((1, round(seconds * rate_hz)))


def low_passed(seed: int) -> np.ndarray:
    return sosfilt(butter(4, 0.2, output="sos"), noise(seed))


def voice(seed: int) -> np.ndarray:
    """Pulses with a gliding pitch through a resonance, in syllables."""
    rng = np.random.default_rng(seed)
    seconds = np.arange(6 * RATE_HZ) / RATE_HZ
    pitch_hz = np.interp(seconds, np.arange(0, 7, 0.3), rng.uniform(80, 250, 24))
    pulses = np.diff(np.floor(np.cumsum(pitch_hz) / RATE_HZ), prepend=0)
    syllables = np.abs(np.sin(2 * np.pi * 2.2 * seconds)) ** 2
    sound = lfilter([1], [1, -1.9 * np.cos(0.15), 0.9], pulses) * syllables
    return (sound + 1e-4 * rng.standard_normal(len(sound)))[None]


def drums(seed: int, jitter_samples: int, beat: int = 12_000) -> np.ndarray:
    """Bursts of noise with immediate attack at a steady beat."""
    rng = np.random.default_rng(seed)
    sound = 1e-3 * rng.standard_normal(6 * RATE_HZ)
    hit = rng.standard_normal(4000) * np.exp(-np.arange(4000) / 600)
    for start in range(100, len(sound) - 5000, beat):
        first = start + int(rng.integers(0, jitter_samples + 1))
        sound[first : first + len(hit)] += hit
    return sound[None]


# Six clicks among the six hundred outliers of a voice could be chance.
@pytest.mark.parametrize(
    ("background", "period"),
    [
        *((noise, period) for period in (1500, 2048, CHUNK, 24_000)),
        *((low_passed, period) for period in (1500, 2048, CHUNK, 24_000)),
        *((voice, period) for period in (1500, 2048, 8000)),
    ],
)
def test_clicks_are_found_with_their_period(background, period: int) -> None:
    signal = background(0)
    signal[:, 777::period] += 12 * signal.std()
    train = find_clicks(signal, RATE_HZ)
    assert train is not None
    assert train.period == period
    assert abs(train.first - 777 % period) <= 1
    assert train.share > 0.6


def test_the_level_of_a_click_in_white_noise_is_that_over_the_noise() -> None:
    """Differences of noise are predicted to within the noise itself: a click is as high over it."""
    signal = noise(0)
    signal[:, 777::5000] += 20
    train = find_clicks(signal, RATE_HZ)
    assert train.level_db == pytest.approx(20 * np.log10(20), abs=1.5)


def test_a_resampled_train_has_a_fractional_period() -> None:
    signal = noise(0)
    positions = np.rint(np.arange(300, signal.shape[-1], 5000.37)).astype(int)
    signal[:, positions] += 15
    assert find_clicks(signal, RATE_HZ).period == pytest.approx(5000.37, abs=0.05)


def test_a_click_in_one_of_six_channels_is_found() -> None:
    signal = np.concatenate([noise(seed) for seed in range(6)])
    signal[3, 777::5000] += 15
    assert find_clicks(signal, RATE_HZ).period == 5000


@pytest.mark.parametrize("background", [noise, low_passed, voice])
def test_without_clicks_none_are_found(background) -> None:
    """At most one in a thousand, as documented; voices have pulses, but no period."""
    assert [find_clicks(background(seed), RATE_HZ) for seed in range(25)] == [None] * 25


@pytest.mark.parametrize("jitter_samples", [0, 1, 120])
def test_beats_are_not_clicks(jitter_samples: int) -> None:
    """Not even those of a machine, exact to the sample: each is followed by the same sound."""
    found = [find_clicks(drums(seed, jitter_samples), RATE_HZ) for seed in range(10)]
    assert found == [None] * 10


def test_a_loop_is_not_a_train_of_clicks() -> None:
    """Each click is followed by the same noise."""
    loop = noise(0)[:, :5000]
    loop[:, 777] += 15
    assert find_clicks(np.tile(loop, 28) + 0.1 * noise(1)[:, : 28 * 5000], RATE_HZ) is None


@pytest.mark.parametrize("period", [110, 256, 512])
def test_a_buzz_is_not_a_train_of_clicks(period: int) -> None:
    signal = noise(0)
    signal[:, 5::period] += 12
    assert find_clicks(signal, RATE_HZ) is None


def test_silence_and_short_signals_have_no_clicks() -> None:
    assert find_clicks(np.zeros((2, 48_000)), RATE_HZ) is None
    assert find_clicks(noise(0)[:, :30], RATE_HZ) is None


class InChunks(nn.Module):
    """Convolutions with zero padding, applied to chunks that are put side by side."""

    def __init__(self, seed: int, chunk: int | None):
        super().__init__()
        torch.manual_seed(seed)
        self.chunk = chunk
        self.layers = nn.Sequential(
            nn.Conv1d(1, 8, 31, padding=15), nn.Tanh(), nn.Conv1d(8, 1, 31, padding=15)
        )

    @torch.inference_mode()
    def forward(self, signal: np.ndarray) -> np.ndarray:
        parts = torch.from_numpy(signal)[None].float().split(self.chunk or 10**9, -1)
        return torch.cat([self.layers(part) for part in parts], -1)[0].numpy()


@pytest.mark.parametrize("seed", range(5))
def test_the_borders_of_chunks_are_found_in_silence_and_ones(seed: int) -> None:
    model = InChunks(seed, CHUNK)
    for level in (0.0, 1.0):
        output = model(np.full((1, 6 * RATE_HZ), level))
        assert find_clicks(output, RATE_HZ).period == CHUNK
        whole = InChunks(seed, None)(np.full((1, 6 * RATE_HZ), level))
        assert find_clicks(whole, RATE_HZ) is None


@pytest.mark.parametrize("chunk", [1000, CHUNK, 24_001])
@pytest.mark.parametrize("seed", range(3))
def test_delayed_noise_shows_the_borders_that_noise_hides(seed: int, chunk: int) -> None:
    model, signal = InChunks(seed, chunk), noise(seed)
    delayed = np.concatenate([noise(99)[:, :997], signal[:, :-997]], axis=1)
    borders = find_borders(model(signal), model(delayed), 997)
    assert borders.period == chunk
    assert -20 < borders.level_db < 6


@pytest.mark.parametrize("seed", range(5))
def test_a_model_without_chunks_has_no_borders(seed: int) -> None:
    model, signal = InChunks(seed, None), noise(seed)
    delayed = np.concatenate([noise(99)[:, :997], signal[:, :-997]], axis=1)
    assert find_borders(model(signal), model(delayed), 997) is None


def test_a_model_that_varies_with_time_has_no_borders() -> None:
    signal, delayed = noise(0), noise(1)
    assert find_borders(signal, delayed, 997) is None


@pytest.mark.parametrize(("affected", "is_found"), [(0.4, True), (0.6, False)])
def test_the_level_of_borders_is_that_of_the_difference_at_one_of_them(
    affected: float, is_found: bool
) -> None:
    """At a border, a signal of ones and minus ones loses a growing share of itself."""
    rng, period, delay = np.random.default_rng(0), 4000, 1700
    length = round(affected * period / 2)  # each output has a border there
    signal, earlier = rng.choice([-1.0, 1.0], (2, 1, 30 * period))
    lost = np.resize(np.r_[np.linspace(0.1, 1, length), np.zeros(period - length)], 30 * period)
    delayed = np.concatenate([earlier[:, :delay], signal[:, :-delay]], axis=1)
    borders = find_borders(signal * (1 - lost), delayed * (1 - lost), delay)
    if not is_found:  # more than half of the samples differ: no borders, but another system
        assert borders is None
        return
    level = np.mean(np.linspace(0.1, 1, length) ** 2) / 2 / np.mean((1 - lost) ** 2)
    assert borders.period == period
    assert borders.level_db == pytest.approx(10 * np.log10(level), abs=0.05)
