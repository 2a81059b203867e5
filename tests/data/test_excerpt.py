"""The excerpt of real music is the song in the stempeg package."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from upsampling_artifacts.data.excerpt import excerpt_music, write_excerpt
from upsampling_artifacts.data.musdb18 import EXCERPT, read_song, song_path

RATE_HZ = 44100


@pytest.fixture(scope="module")
def mixture() -> np.ndarray:
    return read_song(song_path(Path(), "excerpt", EXCERPT), sources=[]).audio[0]


@pytest.mark.parametrize("channels", [1, 2])
def test_at_the_original_rate_the_excerpt_is_the_middle_of_the_mixture(
    mixture, channels: int
) -> None:
    music = excerpt_music(RATE_HZ, channels, 2)
    assert music.shape == (channels, 2 * RATE_HZ)
    assert music.dtype == np.float32
    assert music.std() == pytest.approx(1, abs=1e-3)
    first = (mixture.shape[-1] - 2 * RATE_HZ) // 2
    middle = mixture[:, first : first + 2 * RATE_HZ]
    expected = middle if channels == 2 else middle.mean(axis=0, keepdims=True)
    np.testing.assert_allclose(music, expected / expected.std(), atol=1e-4)


@pytest.mark.parametrize("rate_hz", [4000, 22050])
def test_at_a_lower_rate_the_excerpt_keeps_the_spectrum_below_nyquist(
    mixture, rate_hz: int
) -> None:
    music = excerpt_music(rate_hz, 1, 3)[0]
    assert len(music) == 3 * rate_hz
    first = (mixture.shape[-1] - 3 * RATE_HZ) // 2
    original = mixture[:, first : first + 3 * RATE_HZ].mean(axis=0)
    # Both spectra up to 3/4 of the new Nyquist frequency, in bins of 1/3 Hz.
    kept = 3 * rate_hz * 3 // 8
    before, after = np.fft.rfft(original)[:kept], np.fft.rfft(music)[:kept]
    assert np.abs(np.vdot(before, after)) > 0.99 * np.linalg.norm(before) * np.linalg.norm(after)


def test_a_longer_excerpt_is_the_whole_mixture_of_six_seconds(mixture) -> None:
    assert excerpt_music(RATE_HZ, 2, 60).shape == mixture.shape
    assert 5.5 < mixture.shape[-1] / RATE_HZ < 7


def test_the_written_file_is_the_unchanged_mixture(mixture, tmp_path: Path) -> None:
    write_excerpt(tmp_path / "excerpt.wav")
    audio, rate_hz = soundfile.read(tmp_path / "excerpt.wav", dtype="float32")
    assert rate_hz == RATE_HZ
    np.testing.assert_array_equal(audio.T, mixture)
