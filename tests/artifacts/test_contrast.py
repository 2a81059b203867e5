"""How far lines and valleys stand out of a spectrogram."""

import numpy as np
import pytest
from upsampling_artifacts.artifacts.contrast import contrast_db, strongest
from upsampling_artifacts.artifacts.spectra import spectrogram_db

RATE_HZ = 8000


def with_lines(*lines: tuple[float, float]):
    """A slope of -60 to -40 dB, with lines at some frequencies."""
    frequencies_hz = np.linspace(0, RATE_HZ / 2, 513)
    level_db = np.tile(np.linspace(-60, -40, 513)[:, None], (1, 5))
    for frequency_hz, more_db in lines:
        level_db[np.abs(frequencies_hz - frequency_hz).argmin()] += more_db
    return frequencies_hz, np.arange(5.0), level_db


@pytest.mark.parametrize("more_db", [25.0, -25.0])
def test_a_line_is_compared_with_what_is_around_it(more_db: float) -> None:
    assert contrast_db(with_lines((1000, more_db)), 1000) == pytest.approx(more_db, abs=0.1)
    assert contrast_db(with_lines((1000, more_db)), 3000) == pytest.approx(0, abs=0.1)


def test_the_main_lobe_of_a_tone_does_not_count_as_its_surroundings() -> None:
    time = np.arange(4 * RATE_HZ) / RATE_HZ
    noise = np.random.default_rng(0).standard_normal(len(time))
    sine = np.sin(2 * np.pi * 2000 * time)
    outputs = [noise + 10 * sine, noise + 100 * sine]
    levels = [contrast_db(spectrogram_db(output[None], RATE_HZ), 2000) for output in outputs]
    assert levels[1] - levels[0] == pytest.approx(20, abs=0.5)


def test_the_strongest_of_several_below_nyquist_is_named() -> None:
    lines = with_lines((1000, 5), (2000, 20), (3000, -30), (4000, 90))
    predicted_hz = [1000, 2000, 3000, 4000]
    assert strongest(lines, predicted_hz, tones=True) == (2000, pytest.approx(20, abs=0.1))
    assert strongest(lines, predicted_hz, tones=False) == (3000, pytest.approx(-30, abs=0.1))
