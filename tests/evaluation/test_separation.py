"""Songs are separated in chunks, without seams, and keep their level."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from upsampling_artifacts.data.cached_song import CachedSong, read_cache, waveform
from upsampling_artifacts.evaluation.separation import average_over_shifts, model_separator
from upsampling_artifacts.models.overlap_add import CHUNKS_AT_ONCE, overlap_add
from upsampling_artifacts.models.saved import build_described, load_model, save_model

RATE_HZ = 1000


def same_and_negative(x: Tensor) -> Tensor:
    return torch.stack([x, -x], dim=1)


def assert_identity(time: int, chunk: int) -> None:
    mixture = torch.randn(2, time)
    estimates = overlap_add(same_and_negative, mixture, chunk)
    assert estimates.shape == (2, 2, time)
    torch.testing.assert_close(estimates[0], mixture, rtol=0, atol=1e-6)
    torch.testing.assert_close(estimates[1], -mixture, rtol=0, atol=1e-6)


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 300), st.integers(1, 64))
def test_chunks_reconstruct_a_signal_of_any_length(time: int, chunk: int) -> None:
    assert_identity(time, chunk)


@pytest.mark.parametrize(
    ("time", "chunk"),
    [(1, 256), (100, 256), (255, 256), (256, 256), (257, 256), (383, 256), (12_345, 255),
     (60_000, 256)],
)  # fmt: skip
def test_chunks_reconstruct_signals_shorter_and_much_longer_than_a_chunk(
    time: int, chunk: int
) -> None:
    assert_identity(time, chunk)


def test_the_model_gets_chunks_that_overlap_by_half() -> None:
    seen = []

    def recording_model(x: Tensor) -> Tensor:
        seen.extend(x[:, 0, 0].tolist())
        assert x.shape[1:] == (1, 64)
        assert len(x) <= CHUNKS_AT_ONCE
        return x[:, None]

    overlap_add(recording_model, torch.arange(1, 1001.0)[None], 64)
    assert seen == list(range(1, 962, 32))  # the last one starts at 961 and ends beyond 1000


def test_no_chunk_is_only_padding() -> None:
    for time in range(1, 200):
        seen = []

        def recording_model(x: Tensor, seen: list = seen) -> Tensor:
            seen.extend(x[:, 0].any(dim=-1).tolist())
            return x[:, None]

        overlap_add(recording_model, torch.ones(1, time), 32)
        assert all(seen)


def test_errors_at_the_ends_of_a_chunk_are_attenuated() -> None:
    """Where two chunks overlap, the one whose end is farther away has the larger weight."""

    def offset_at_the_ends(x: Tensor) -> Tensor:
        y = x.clone()
        y[..., 0] += 1
        y[..., -1] += 1
        return y[:, None]

    estimates = overlap_add(offset_at_the_ends, torch.zeros(1, 1000), 100)[0, 0]
    assert estimates[60:-60].abs().max() < 0.025


def test_estimates_require_no_gradient() -> None:
    layer = torch.nn.Conv1d(1, 1, 1)
    estimates = overlap_add(lambda x: layer(x)[:, None], torch.ones(1, 64), 32)
    assert not estimates.requires_grad


@pytest.fixture
def song(cache_song: Callable[..., Path]) -> CachedSong:
    rng = np.random.default_rng(0)
    pcm = 4 * rng.integers(-2000, 2000, (2, 2, 700))
    return read_cache(cache_song("song", pcm / 2**15, RATE_HZ))


@pytest.fixture
def model_path(tmp_path: Path) -> Path:
    about = {
        "architecture": "demucs",
        "options": {"channels": 4, "depth": 2},
        "upsampler": {"name": "transposed", "length": 8},
        "sources": ["drums", "bass"],
        "audio_channels": 2,
        "rate_hz": RATE_HZ,
        "segment_seconds": 0.128,
        "seed": 0,
    }
    path = tmp_path / "model.safetensors"
    save_model(path, build_described(about).state_dict(), about)
    return path


def test_a_song_is_normalized_and_its_estimates_denormalized(
    song: CachedSong, model_path: Path
) -> None:
    model, _ = load_model(model_path)
    mixture = torch.from_numpy(waveform(song.mixture)) / song.scale
    expected = overlap_add(model, mixture, 128) * song.scale
    estimates = model_separator(model_path)(song)
    assert estimates.shape == (2, 2, 700)
    assert estimates.dtype == np.float32
    np.testing.assert_allclose(estimates, expected.numpy(), atol=1e-6)


def test_a_quieter_song_gives_equally_quieter_estimates(
    song: CachedSong, model_path: Path, cache_song: Callable[..., Path]
) -> None:
    quieter = read_cache(cache_song("quieter", waveform(song.stems) / 4, RATE_HZ))
    separate = model_separator(model_path)
    np.testing.assert_allclose(4 * separate(quieter), separate(song), atol=1e-6)


def test_estimates_of_delayed_mixtures_are_realigned_before_they_are_averaged() -> None:
    mixture = torch.randn(2, 700)
    estimates = average_over_shifts(same_and_negative, mixture, 64, n_shifts=5, max_shift=100)
    torch.testing.assert_close(estimates, same_and_negative(mixture[None])[0], rtol=0, atol=1e-6)


def test_the_delays_are_random_and_at_most_the_largest_shift() -> None:
    delays = []

    def recording_model(x: Tensor) -> Tensor:
        if not delays or x[0, 0].argmax() < 400:  # the first group of chunks of each delay
            delays.append(int(x[0, 0].argmax()) - 1)
        return x[:, None]

    impulse = torch.zeros(1, 300)
    impulse[0, 1] = 1
    for _ in range(2):
        average_over_shifts(recording_model, impulse, 512, n_shifts=20, max_shift=100)
    assert delays[:20] == delays[20:]  # the same for every song and model
    assert 0 <= min(delays) < 20 and 80 < max(delays) <= 100
    assert len(set(delays)) > 10


def test_a_tone_with_a_phase_fixed_by_the_strides_averages_out_over_shifts() -> None:
    def tone_model(x: Tensor) -> Tensor:
        return (
            torch.tensor([1.0, 1.0, -1.0, -1.0]).repeat(x.shape[-1] // 4).expand(x[:, None].shape)
        )

    once = overlap_add(tone_model, torch.zeros(1, 4000), 256)
    averaged = average_over_shifts(
        tone_model, torch.zeros(1, 4000), 256, n_shifts=200, max_shift=1000
    )
    assert once.std() == pytest.approx(1, abs=0.01)
    assert averaged.std() < 0.2  # about 1 / sqrt(200)


def test_a_separator_averages_over_shifts_if_there_are_any(
    song: CachedSong, model_path: Path
) -> None:
    model, _ = load_model(model_path)
    mixture = torch.from_numpy(waveform(song.mixture)) / song.scale
    averaged = average_over_shifts(model, mixture, 128, n_shifts=3, max_shift=RATE_HZ // 2)
    estimates = model_separator(model_path, n_shifts=3)(song)
    np.testing.assert_allclose(estimates, (averaged * song.scale).numpy(), atol=1e-6)
    assert np.abs(estimates - model_separator(model_path)(song)).max() > 1e-4
