"""Held tones: a constant tone is one, whatever plays over it; notes are none."""

import numpy as np
import pytest
from upsampling_artifacts.artifacts.held_tones import HeldTone, held_tones
from upsampling_artifacts.artifacts.spectra import line_window

RATE_HZ = 8000
SECONDS = 4
TIMES = np.arange(SECONDS * RATE_HZ) / RATE_HZ
NOISE = 1e-3 * np.random.default_rng(0).standard_normal(len(TIMES))
PITCH_HZ = 440.3


def sine(frequency_hz: float, phase: float = 0.0) -> np.ndarray:
    return np.sin(2 * np.pi * frequency_hz * TIMES + phase)


def is_held(signal: np.ndarray, frequency_hz: float = PITCH_HZ) -> bool:
    return held_tones(signal + NOISE, RATE_HZ, [frequency_hz])[0].is_held


def test_a_constant_tone_is_held_and_its_frequency_exact() -> None:
    (tone,) = held_tones(0.1 * sine(PITCH_HZ) + NOISE, RATE_HZ, [PITCH_HZ + 0.1])
    assert tone.is_held
    assert tone.frequency_hz == pytest.approx(PITCH_HZ, abs=0.02)
    assert (tone.seen, tone.deviant) == (1, 0)


def test_a_tone_is_held_under_a_louder_note_of_its_pitch() -> None:
    note = np.exp(-(((TIMES - 1.75) / 0.5) ** 4)) * sine(PITCH_HZ, 1)
    assert is_held(0.02 * sine(PITCH_HZ) + note)
    (tone,) = held_tones(0.02 * sine(PITCH_HZ) + note + NOISE, RATE_HZ, [PITCH_HZ])
    assert 0.5 < tone.seen < 0.7


@pytest.mark.parametrize(
    "note",
    [
        np.exp(-TIMES) * sine(PITCH_HZ),
        np.where(TIMES < 3.2, sine(PITCH_HZ), 0),  # it ends
        np.where(TIMES > 0.8, sine(PITCH_HZ), 0),  # it begins
        np.where(TIMES < 2, sine(PITCH_HZ), sine(PITCH_HZ, 2)),  # it is struck again
        np.sin(2 * np.pi * PITCH_HZ * TIMES + 1.5 * np.sin(2 * np.pi * 0.7 * TIMES)),  # vibrato
        (1 + 0.6 * np.sin(2 * np.pi * 0.5 * TIMES)) * sine(PITCH_HZ),  # a swell
    ],
    ids=["decays", "ends", "begins", "again", "vibrato", "swell"],
)
def test_a_note_is_not_held(note: np.ndarray) -> None:
    assert not is_held(0.1 * note)


def test_digital_silence_holds_no_tone() -> None:
    assert held_tones(np.zeros(8000), RATE_HZ, [PITCH_HZ]) == [
        HeldTone(PITCH_HZ, seen=0, deviant=1, drift=(0, 0), spans=False)
    ]


@pytest.mark.parametrize("first", [0.0, 3.4])
def test_a_tone_is_held_that_a_note_covers_at_one_end(first: float) -> None:
    covered = (first <= TIMES) & (first + 0.6 > TIMES)
    assert is_held(0.02 * sine(PITCH_HZ) + np.where(covered, sine(PITCH_HZ, 1), 0))


@pytest.mark.parametrize("level", [1e-6, 1.0])
def test_the_significance_is_the_amplitude_re_its_standard_error(level: float) -> None:
    """Of n independent frames: the amplitude times the root of 2 n, over the RMS of the noise.

    A frame of white noise has the power ``sum(w^2)`` per bin, a tone half the sum of the window.
    """
    noise = np.random.default_rng(1).standard_normal(len(TIMES))
    (tone,) = held_tones(level * (0.1 * sine(1000) + noise), RATE_HZ, [1000], search_hz=0)
    window = line_window(RATE_HZ // 2)
    frames = 4 * (SECONDS / 0.5 - 1) + 1
    share = 1 - tone.deviant
    expected = 0.1 / 2 * window.sum() * np.sqrt(2 * frames * share / np.sum(window**2))
    assert tone.significance == pytest.approx(expected, rel=0.2)
