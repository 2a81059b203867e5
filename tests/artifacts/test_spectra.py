"""Spectrograms show a tone at its frequency and level, and thinning them keeps lines."""

import numpy as np
import pytest
from scipy.signal import welch
from upsampling_artifacts.artifacts.spectra import (
    mean_spectrum,
    spectrogram_db,
    thin_spectrogram,
)

RATE_HZ = 8000


def tone(frequency_hz: float, amplitude: float = 1.0) -> np.ndarray:
    return amplitude * np.cos(2 * np.pi * frequency_hz * np.arange(RATE_HZ) / RATE_HZ)[None]


def test_a_tone_appears_at_its_frequency_and_level() -> None:
    frequencies_hz, times_seconds, level_db = spectrogram_db(tone(1000, 0.1), RATE_HZ)
    assert frequencies_hz[level_db.mean(axis=1).argmax()] == 1000
    assert level_db.max() == pytest.approx(10 * np.log10(0.1**2 / 2), abs=0.01)
    assert level_db[np.abs(frequencies_hz - 1000) > 100].max() < level_db.max() - 90
    assert 0 < times_seconds[0] < times_seconds[-1] < 1


def test_silence_is_minus_infinity() -> None:
    assert np.all(np.isneginf(spectrogram_db(np.zeros((2, RATE_HZ)), RATE_HZ)[2]))


@pytest.mark.parametrize("remove_means", [False, True])
@pytest.mark.parametrize("frame_samples", [256, 255, 999])
def test_the_mean_spectrum_is_that_of_scipy(frame_samples: int, remove_means: bool) -> None:
    signal = 1 + np.random.default_rng(0).standard_normal((3, 1000))
    for overlap in (None, 200):
        _, theirs = welch(
            signal, 1.0, "hamming", frame_samples, overlap,
            detrend="constant" if remove_means else False, scaling="spectrum",
        )  # fmt: skip
        ours = mean_spectrum(signal, "hamming", frame_samples, overlap, remove_means=remove_means)
        np.testing.assert_allclose(ours, theirs.mean(axis=0), rtol=1e-10)


@pytest.mark.parametrize("max_bins", [256, 100, 64, 37])
def test_thinning_keeps_power_and_lines_up_to_nyquist(max_bins: int) -> None:
    for line in (0, 77, 128, 256):
        level_db = np.full((257, 3), -100.0, np.float16)
        level_db[line] = 0.0
        frequencies_hz = np.linspace(0, 4000, 257)
        fewer_hz, _, fewer_db = thin_spectrogram((frequencies_hz, np.arange(3), level_db), max_bins)
        assert len(fewer_hz) == len(fewer_db) <= max_bins
        peak = fewer_db[:, 0].argmax()
        group = -(-257 // max_bins)
        assert abs(fewer_hz[peak] - frequencies_hz[line]) <= group * 4000 / 256 / 2
        assert fewer_db[peak, 0] >= -10 * np.log10(group) - 1e-3
        assert np.sum(fewer_db > -99) == 3


def test_thinning_keeps_the_level_of_a_flat_spectrum() -> None:
    flat = (np.linspace(0, 4000, 257), np.arange(3), np.full((257, 3), -40.0))
    np.testing.assert_allclose(thin_spectrogram(flat, 100)[2], -40)


def test_thinning_returns_small_spectrograms_as_they_are_and_keeps_silence() -> None:
    small = (np.arange(5.0), np.arange(2), np.zeros((5, 2)))
    assert thin_spectrogram(small, 5) is small
    silent = (np.arange(5.0), np.arange(2), np.full((5, 2), -np.inf))
    assert np.all(np.isneginf(thin_spectrogram(silent, 2)[2]))
