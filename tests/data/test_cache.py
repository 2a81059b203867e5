"""The int16 cache is lossless at an equal sampling rate, and resamples otherwise."""

import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from upsampling_artifacts.data import cache
from upsampling_artifacts.data.cache import write_cache
from upsampling_artifacts.data.cached_song import FULL_SCALE, CachedSong, read_cache, waveform
from upsampling_artifacts.data.musdb18 import Recording
from upsampling_artifacts.errors import InputError

from ..damage import assert_damage_is_refused

RATE_HZ = 44100
SOURCES = ("drums", "bass")


def cached(
    path: Path, audio: np.ndarray, rate_hz: int, source_rate_hz: int = RATE_HZ
) -> CachedSong:
    recording = Recording(path.stem, SOURCES, audio.astype(np.float32), source_rate_hz)
    write_cache(recording, path, rate_hz)
    return read_cache(path)


def sine(frequency_hz: float, seconds: float = 1.0, amplitude: float = 0.5) -> np.ndarray:
    """Return a recording of two stems with equal rows."""
    wave = amplitude * np.sin(2 * np.pi * frequency_hz * np.arange(seconds * RATE_HZ) / RATE_HZ)
    return np.broadcast_to(wave, (3, 2, len(wave)))


def inner(song: CachedSong) -> np.ndarray:
    """Return one channel without its ends, which have boundary artifacts of the resampler."""
    return waveform(song.stems)[1, 0, 500:-500].astype(float)


def level_db(wave: np.ndarray) -> float:
    return 20 * np.log10(np.sqrt(np.mean(wave**2)) + 1e-12)


def test_at_an_equal_rate_every_int16_sample_is_kept(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pcm = rng.integers(-FULL_SCALE, FULL_SCALE, (3, 2, 5000)).astype(np.int16)
    pcm[0, 0, :2] = -FULL_SCALE, FULL_SCALE - 1
    song = cached(tmp_path / "song.npy", waveform(pcm), RATE_HZ)
    np.testing.assert_array_equal(song.mixture, pcm[0])
    np.testing.assert_array_equal(song.stems, pcm[1:])
    np.testing.assert_array_equal(waveform(song.stems), pcm[1:] / np.float32(FULL_SCALE))
    assert waveform(song.stems).dtype == np.float32


def test_a_cached_song_is_memory_mapped(tmp_path: Path) -> None:
    song = cached(tmp_path / "song.npy", sine(440), RATE_HZ)
    for samples in (song.mixture, song.stems):
        assert isinstance(samples, np.memmap)
        assert samples.dtype == np.int16
        assert samples.flags["C_CONTIGUOUS"]
        assert not samples.flags["WRITEABLE"]


def test_the_json_file_describes_the_song_and_its_stems(tmp_path: Path) -> None:
    audio = np.zeros((3, 2, 4000))
    audio[0, 0] = 0.5  # a square wave in the left channel only: the mono mixture has 1/4
    audio[0, 0, ::2] = -0.5
    song = cached(tmp_path / "feat. Other.npy", audio, RATE_HZ)
    description = json.loads((tmp_path / "feat. Other.json").read_text())
    stems = description.pop("stems")
    digest = hashlib.sha256((audio[0] * FULL_SCALE).astype(np.int16).tobytes()).hexdigest()
    assert description.pop("mixture_sha256") == digest
    assert len(description.pop("crc32")) == 8
    assert np.isnan(description.pop("residual_db"))
    assert description == {
        "song": "feat. Other",
        "rate_hz": RATE_HZ,
        "source_rate_hz": RATE_HZ,
        "sources": ["drums", "bass"],
        "scale": 0.25,
    }
    assert list(stems) == ["mixture", "drums", "bass"]
    assert stems["mixture"] == {
        "level_db": pytest.approx(-9.03, abs=0.01),  # half of full scale, in one of two channels
        "full_scale_samples": 0,
        "clipped_samples": 0,
        "silent_seconds": 0,
    }
    assert (stems["bass"]["level_db"], stems["bass"]["silent_seconds"]) == (-np.inf, 1)
    assert (song.name, song.rate_hz, song.sources) == ("feat. Other", RATE_HZ, SOURCES)
    assert song.scale == 0.25


def test_the_scale_is_the_standard_deviation_of_the_mono_mixture(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    audio = rng.uniform(-0.5, 0.5, (3, 2, 20000))
    expected = np.round(audio[0] * FULL_SCALE).mean(axis=0).std() / FULL_SCALE
    song = cached(tmp_path / "song.npy", audio, RATE_HZ)
    assert song.scale == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("rate_hz", [8000, 16000, 22050, 48000])
@pytest.mark.parametrize("frequency_hz", [441, 3500])
def test_resampling_keeps_the_frequency_and_the_level_of_a_sine(
    tmp_path: Path, rate_hz: int, frequency_hz: float
) -> None:
    song = cached(tmp_path / "song.npy", sine(frequency_hz), rate_hz)
    assert song.rate_hz == rate_hz
    assert song.mixture.shape == (2, rate_hz)
    wave = inner(song)
    n = np.arange(len(wave)) + 500
    rotation = 2j * np.pi * frequency_hz * n / rate_hz
    amplitude = np.mean(wave * np.exp(-rotation)) * 2
    assert abs(amplitude) == pytest.approx(0.5, rel=1e-3)
    # The phase is that of the original sine: resampling does not shift in time.
    assert np.angle(amplitude * 1j) == pytest.approx(0, abs=1e-2)
    residue = wave - np.real(amplitude * np.exp(rotation))
    assert level_db(residue) < -60


@pytest.mark.parametrize("frequency_hz", [4200, 5000, 12000])
def test_resampling_rejects_a_sine_above_the_new_nyquist_frequency(
    tmp_path: Path, frequency_hz: float
) -> None:
    wave = inner(cached(tmp_path / "song.npy", sine(frequency_hz), 8000))
    assert level_db(wave) - level_db(sine(frequency_hz)) < -60


def test_samples_beyond_full_scale_are_clipped_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    audio = np.zeros((3, 2, 1000))
    audio[1, 0, 10], audio[1, 1, 20], audio[2, 0, 30] = 1.5, -1.5, 1.0
    audio[2, 0, 40] = -1.0  # just fits
    with caplog.at_level(logging.INFO, cache.__name__):
        song = cached(tmp_path / "song.npy", audio, RATE_HZ)
    stems = json.loads((tmp_path / "song.json").read_text())["stems"]
    assert [stem["clipped_samples"] for stem in stems.values()] == [0, 2, 1]
    assert [stem["full_scale_samples"] for stem in stems.values()] == [0, 2, 2]
    assert "song: 3 samples clipped at 44100 Hz" in caplog.text
    assert song.stems[0, 0, 10] == FULL_SCALE - 1
    assert song.stems[0, 1, 20] == -FULL_SCALE
    assert song.stems[1, 0, 30] == FULL_SCALE - 1
    assert song.stems[1, 0, 40] == -FULL_SCALE


def test_the_same_song_gives_the_same_bytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    audio = rng.uniform(-0.1, 0.1, (3, 2, 9000))
    for name in ("a", "b"):
        cached(tmp_path / name / "song.npy", audio, 8000)
    for suffix in (".npy", ".json"):
        files = [(tmp_path / name / "song").with_suffix(suffix) for name in ("a", "b")]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_a_mixture_whose_mono_sum_is_silent_has_a_positive_scale(tmp_path: Path) -> None:
    audio = sine(440).copy()
    audio[:, 1] = -audio[:, 0]
    assert cached(tmp_path / "song.npy", audio, RATE_HZ).scale == 1 / FULL_SCALE


def test_damage_to_a_cached_song_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "song.npy"
    cached(path, np.random.default_rng(0).uniform(-0.1, 0.1, (3, 2, 500)), RATE_HZ)
    for file in (path, path.with_suffix(".json")):
        assert_damage_is_refused(file, read_cache, path)
    assert read_cache(path).name == "song"


@pytest.mark.parametrize(
    "change", [lambda x: x[..., :-1], lambda x: x.astype(float), lambda x: x[:2]]
)
def test_a_song_of_another_shape_or_type_is_refused(tmp_path: Path, change: Callable) -> None:
    path = tmp_path / "song.npy"
    cached(path, sine(440, 0.1), RATE_HZ)
    np.save(path, change(np.load(path)))
    with pytest.raises(InputError, match="damaged: its checksum is"):
        read_cache(path)


def test_songs_that_were_exchanged_are_refused(tmp_path: Path) -> None:
    for name in ("One", "Two"):
        cached(tmp_path / f"{name}.npy", sine(440, 0.1), RATE_HZ)
    for suffix in (".npy", ".json"):
        (tmp_path / "One").with_suffix(suffix).replace((tmp_path / "Two").with_suffix(suffix))
    with pytest.raises(InputError, match=r"Two\.npy: is the song 'One'; delete it"):
        read_cache(tmp_path / "Two.npy")
