"""Baselines without a model, and estimates as files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from upsampling_artifacts import registry
from upsampling_artifacts.data.cached_song import CachedSong, read_cache, waveform
from upsampling_artifacts.evaluation.baselines import (
    ideal_ratio_mask_separator,
    mixture_separator,
)
from upsampling_artifacts.evaluation.estimates import separate_songs

RATE_HZ = 8000


def sine(frequency_hz: float, seconds: float = 1.0) -> np.ndarray:
    n = np.arange(round(seconds * RATE_HZ))
    wave = 0.2 * np.sin(2 * np.pi * frequency_hz * n / RATE_HZ)
    return np.stack([wave, -0.5 * wave])


@pytest.fixture
def song_path(cache_song: Callable[..., Path]) -> Path:
    """Cache a song of two sources without a common frequency and with unequal channels."""
    return cache_song("Artist - Title", np.stack([sine(500), sine(2500)]), RATE_HZ)


@pytest.fixture
def song(song_path: Path) -> CachedSong:
    return read_cache(song_path)


def error_db(estimate: np.ndarray, truth: np.ndarray) -> float:
    return float(10 * np.log10(np.mean((estimate - truth) ** 2) / np.mean(truth**2)))


def test_the_lower_bound_divides_the_mixture_equally(song: CachedSong) -> None:
    estimates = mixture_separator(song)
    assert estimates.shape == song.stems.shape
    for estimate in estimates:
        np.testing.assert_array_equal(estimate, waveform(song.mixture) / 2)


def test_the_ideal_mask_separates_sources_without_common_frequencies(song: CachedSong) -> None:
    estimates = ideal_ratio_mask_separator(song)
    assert estimates.shape == song.stems.shape
    assert estimates.dtype == np.float32
    for estimate, stem in zip(estimates, waveform(song.stems), strict=True):
        for channel in range(2):
            assert error_db(estimate[channel, 500:-500], stem[channel, 500:-500]) < -50


def test_the_estimates_of_the_ideal_mask_sum_to_the_mixture(
    cache_song: Callable[..., Path],
) -> None:
    noise = 0.05 * np.random.default_rng(0).standard_normal((3, 2, 7001))
    song = read_cache(cache_song("noise", noise, RATE_HZ))
    total = ideal_ratio_mask_separator(song).sum(axis=0)
    np.testing.assert_allclose(total, waveform(song.mixture), atol=1e-6)


def test_the_ideal_mask_divides_power_and_not_amplitude(cache_song: Callable[..., Path]) -> None:
    """A source of half the amplitude has a fifth of the power, and gets a fifth of the sum."""
    song = read_cache(cache_song("both", np.stack([sine(1000), sine(1000) / 2]), RATE_HZ))
    loud, quiet = ideal_ratio_mask_separator(song)[:, 0, 1000:-1000]
    mixture = waveform(song.mixture)[0, 1000:-1000]
    np.testing.assert_allclose(loud, 0.8 * mixture, atol=2e-4)
    np.testing.assert_allclose(quiet, 0.2 * mixture, atol=2e-4)


def test_the_ideal_mask_of_silence_is_silence(cache_song: Callable[..., Path]) -> None:
    song = read_cache(cache_song("silence", np.zeros((2, 2, 4000)), RATE_HZ))
    assert not ideal_ratio_mask_separator(song).any()


@pytest.mark.parametrize("name", registry.BASELINES)
def test_baselines_keep_the_level_of_the_song(name: str, song: CachedSong) -> None:
    total = registry.load("baseline", name, registry.BASELINES)(song).sum(axis=0)
    np.testing.assert_allclose(total, waveform(song.mixture), atol=1e-5)


def test_estimates_are_float_wav_files_in_musdbs_layout(song_path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "estimates"
    separate_songs(ideal_ratio_mask_separator, [str(song_path)], folder, "a test")
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    song = Path("test", "Artist - Title")
    assert files == [song / "bass.wav", song / "drums.wav"]
    estimates = ideal_ratio_mask_separator(read_cache(song_path))
    for source, estimate in zip(("drums", "bass"), estimates, strict=True):
        path = folder / song / f"{source}.wav"
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (RATE_HZ, 2, "FLOAT")
        np.testing.assert_array_equal(soundfile.read(path, dtype="float32")[0].T, estimate)


def test_estimates_keep_values_below_the_resolution_of_16_bits(
    song_path: Path, tmp_path: Path
) -> None:
    def faint(song: CachedSong) -> np.ndarray:
        return np.full(song.stems.shape, 1e-9, np.float32)

    separate_songs(faint, [str(song_path)], tmp_path / "estimates", "a test")
    samples, _ = soundfile.read(tmp_path / "estimates/test/Artist - Title/bass.wav")
    np.testing.assert_allclose(samples, 1e-9, rtol=1e-6)


def test_estimates_that_are_not_finite_are_written_with_a_warning(
    song_path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def faulty(song: CachedSong) -> np.ndarray:
        estimates = mixture_separator(song)
        estimates[1, 0, 7] = np.nan
        return estimates

    separate_songs(mixture_separator, [str(song_path)], tmp_path / "estimates", "a test")
    assert "will not be scored" not in caplog.text
    separate_songs(faulty, [str(song_path)], tmp_path / "estimates", "a test")
    (warning,) = [record.getMessage() for record in caplog.records]
    assert warning == (
        "a test: 'Artist - Title' will not be scored: the estimate of bass is infinite or not a "
        "number in places"
    )
    assert (tmp_path / "estimates/test/Artist - Title/bass.wav").exists()


def test_all_earlier_estimates_are_removed(song_path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "estimates"
    old = folder / "test" / "An old song" / "bass.wav"
    old.parent.mkdir(parents=True)
    old.touch()
    separate_songs(mixture_separator, [str(song_path)], folder, "a test")
    assert not old.exists()
    assert [path.name for path in (folder / "test").iterdir()] == ["Artist - Title"]


def test_too_few_estimated_sources_are_an_error(song_path: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zip"):
        separate_songs(
            lambda song: mixture_separator(song)[:1], [str(song_path)], tmp_path / "e", "a test"
        )
