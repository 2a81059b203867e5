"""Test signals and their spectrograms."""

import warnings

import numpy as np
import pytest
from upsampling_artifacts.artifacts.spectra import spectrogram_db
from upsampling_artifacts.data import signals
from upsampling_artifacts.data.cached_song import CachedSong
from upsampling_artifacts.data.signals import (
    music,
    ones,
    quiet_passage,
    silence,
    sine_sweep,
    white_noise,
)

RATE_HZ = 8000


def test_silence_and_noise_have_the_requested_length_and_unit_variance() -> None:
    quiet, noise = silence(1.5, RATE_HZ, 2), white_noise(1.5, RATE_HZ, 2)
    for signal in (quiet, noise):
        assert signal.shape == (2, 12_000)
        assert signal.dtype == np.float32
    assert not quiet.any()
    assert noise.std() == pytest.approx(1, abs=0.02)
    assert abs(noise.mean()) < 0.02
    assert abs(np.corrcoef(noise)[0, 1]) < 0.05


def test_noise_is_reproducible_and_depends_on_the_seed() -> None:
    noise = white_noise(1, RATE_HZ, 1)
    assert np.array_equal(noise, white_noise(1, RATE_HZ, 1))
    assert not np.array_equal(noise, white_noise(1, RATE_HZ, 1, seed=1))


def test_ones_are_a_pure_dc_offset() -> None:
    constant = ones(1.5, RATE_HZ, 2)
    assert constant.shape == (2, 12_000) and constant.dtype == np.float32
    assert (constant == 1).all()


@pytest.mark.parametrize("rate_hz", [4000, RATE_HZ, 44100])
def test_a_sweep_rises_linearly_from_0_hz_to_nyquist(rate_hz: int) -> None:
    sweep = sine_sweep(2, rate_hz, 3)
    assert sweep.shape == (3, 2 * rate_hz) and sweep.dtype == np.float32
    assert np.array_equal(sweep[0], sweep[1]) and np.array_equal(sweep[0], sweep[2])
    assert np.sqrt(np.mean(sweep**2.0)) == pytest.approx(1, abs=0.01)
    assert np.abs(sweep).max() == pytest.approx(np.sqrt(2), abs=0.01)
    frequencies_hz, times_seconds, levels_db = spectrogram_db(sweep, rate_hz)
    loudest_hz = frequencies_hz[levels_db.argmax(axis=0)]
    within = 2 * frequencies_hz[1] + rate_hz * 0.02
    np.testing.assert_allclose(loudest_hz, times_seconds / 2 * rate_hz / 2, atol=within)


def test_a_sweep_starts_without_a_click_and_has_hardly_any_dc_offset() -> None:
    sweep = sine_sweep(2, RATE_HZ, 1)[0]
    assert sweep[0] == pytest.approx(0, abs=1e-6)
    assert np.abs(sweep[:20]).max() < 0.06
    assert abs(sweep.mean()) < 0.02


def test_all_test_signals_have_one_shape_and_known_names() -> None:
    song = np.full((2, 5), 7, np.float32)
    test_signals = signals.test_signals(1.5, RATE_HZ, 2, song)
    assert tuple(test_signals) == signals.NAMES
    assert test_signals["music"] is song
    assert {test_signals[name].shape for name in signals.NAMES[:-1]} == {(2, 12_000)}
    assert np.array_equal(test_signals["silence"], silence(1.5, RATE_HZ, 2))
    assert np.array_equal(test_signals["ones"], ones(1.5, RATE_HZ, 2))
    assert np.array_equal(test_signals["noise"], white_noise(1.5, RATE_HZ, 2))
    assert np.array_equal(test_signals["sweep"], sine_sweep(1.5, RATE_HZ, 2))
    assert tuple(signals.test_signals(1.5, RATE_HZ, 2)) == signals.NAMES[:-1]


@pytest.mark.parametrize(("seconds", "first", "last"), [(0.5, 250, 749), (1, 0, 999), (9, 0, 999)])
def test_music_is_the_normalized_middle_of_the_mixture(seconds, first, last) -> None:
    mixture = np.stack([np.arange(1000), -np.arange(1000)]).astype(np.int16)
    song = CachedSong("song", 1000, ("drums",), 0.25, mixture, mixture[None])
    signal = music(song, seconds)
    assert signal.dtype == np.float32
    np.testing.assert_allclose(signal * 0.25 * 2**15, mixture[:, first : last + 1])


def song_of(levels: list[float]) -> CachedSong:
    """A song of noise, with one level (in steps of int16) for each tenth of a second."""
    rng = np.random.default_rng(0)
    noise = rng.choice([-1.0, 1.0], size=(2, 100 * len(levels)))
    mixture = (noise * np.repeat(levels, 100)).astype(np.int16)
    return CachedSong("song", 1000, ("drums",), 0.25, mixture, mixture[None])


@pytest.mark.parametrize(
    ("levels", "first"),
    [
        ([9, 9, 9, 3, 2, 9, 9, 9], 3),
        ([9, 2, 9, 9, 9, 3, 3, 9], 5),  # the quietest in the mean, not in its quietest tenth
        ([9, 9, 0, 0, 9, 3, 4, 9], 5),  # digital silence does not count
        ([0, 9, 0, 9, 0, 5, 0, 9], 4),  # ... unless there is some in every passage
        ([2, 2, 9, 9, 9, 9, 1, 1], 6),
    ],
)
def test_the_quietest_passage_that_is_not_digital_silence_is_found(
    levels: list[float], first: int
) -> None:
    song = song_of(levels)
    passage = quiet_passage(song, 0.2)
    assert passage.dtype == np.float32
    expected = song.mixture[:, 100 * first : 100 * (first + 2)] / 2**15 / 0.25
    np.testing.assert_allclose(passage, expected, rtol=1e-6)


def test_a_quiet_passage_has_the_music_around_it_as_context() -> None:
    song = song_of([1, 9, 9, 3, 2, 9, 9, 1])  # the ends have no context
    passage = quiet_passage(song, 0.2, context_seconds=0.1)
    np.testing.assert_allclose(passage, song.mixture[:, 200:600] / 2**15 / 0.25, rtol=1e-6)


def test_a_song_shorter_than_a_passage_is_taken_whole() -> None:
    assert quiet_passage(song_of([5, 5, 5]), 2.0).shape == (2, 300)


@pytest.mark.parametrize("rate_hz", [8000, 22050, 44100])
@pytest.mark.parametrize("level_db", [0, -60])
def test_a_spectrogram_shows_a_sines_rms_at_its_frequency(rate_hz: int, level_db: float) -> None:
    n = np.arange(2 * rate_hz)
    sine = 10 ** (level_db / 20) * np.sqrt(2) * np.sin(2 * np.pi * n / 8)
    frequencies_hz, times_seconds, levels_db = spectrogram_db(np.stack([sine, -sine]), rate_hz)
    assert levels_db.shape == (len(frequencies_hz), len(times_seconds))
    assert levels_db.dtype == np.float32
    at = np.argmin(np.abs(frequencies_hz - rate_hz / 8))
    np.testing.assert_allclose(levels_db[at], level_db, atol=0.05)
    assert (levels_db.argmax(axis=0) == at).all()
    far = np.abs(frequencies_hz - rate_hz / 8) > rate_hz / 50
    assert levels_db[far].max() < level_db - 85


def test_spectrogram_axes_are_in_hertz_and_seconds_and_frames_stay_inside_the_signal() -> None:
    signal = np.zeros((1, RATE_HZ))
    signal[:, RATE_HZ // 2 :] = white_noise(0.5, RATE_HZ, 1)
    frequencies_hz, times_seconds, levels_db = spectrogram_db(signal, RATE_HZ)
    assert (frequencies_hz[0], frequencies_hz[-1]) == (0, RATE_HZ / 2)
    assert 0.03 < times_seconds[0] < 0.05
    assert 0.95 < times_seconds[-1] < 0.97
    np.testing.assert_allclose(np.diff(times_seconds), 0.016)
    assert (levels_db[:, times_seconds < 0.46] == -np.inf).all()
    assert np.isfinite(levels_db[:, times_seconds > 0.5]).all()


def test_a_spectrogram_of_silence_is_minus_infinity_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (spectrogram_db(silence(1, RATE_HZ, 2), RATE_HZ)[2] == -np.inf).all()


def test_a_spectrogram_shows_no_vertical_line_at_the_ends_of_a_signal() -> None:
    """A sine that ends within a period has energy only at its frequency, in every frame."""
    sine = np.sin(2 * np.pi * 1001 / RATE_HZ * np.arange(RATE_HZ))[None]
    frequencies_hz, _, levels_db = spectrogram_db(sine, RATE_HZ)
    assert levels_db[np.abs(frequencies_hz - 1001) > 80].max() < -90
