"""Summaries of audio files whose lines are known."""

import numpy as np
import pandas as pd
from upsampling_artifacts.probes.audio_file import COLUMNS
from upsampling_artifacts.probes.file_summary import summarize_file

RATE_HZ = 8000.0


def line(frequency_hz: float, level_db: float, stride: int | None = None, mains: str = "") -> tuple:
    fit = (pd.NA, pd.NA, np.nan, np.nan, "")
    if stride:
        fit = (stride, 1, frequency_hz, 0.01, str(stride))
    return (frequency_hz, level_db, 20.0, 1.0, *fit, mains)


def summary(*lines: tuple) -> str:
    return summarize_file("a.wav", RATE_HZ, 2, 3.0, pd.DataFrame(lines, columns=COLUMNS))


def test_a_file_without_lines_has_a_verdict() -> None:
    expected = "a.wav: 8000 Hz, 2 channels, 3.0 s\nNo stationary narrow line was found."
    assert summary() == expected


def test_the_verdict_compares_lines_that_fit_with_chance() -> None:
    text = summary(line(2000, -20, 4), line(1111, -30), line(50, -40, mains="1 x 50 Hz"))
    assert "rate/4: strides 4; probability for an unrelated line: 0.01" in text
    assert "no stride fits; mains hum: 1 x 50 Hz" in text
    assert text.endswith(
        "1 of 3 lines is at a frequency where an upsampling layer puts tones "
        "(expected by chance: 0.03)."
    )
    assert summary(line(1111, -30)).endswith(
        "None of 1 line is at a frequency where an upsampling layer puts tones."
    )


def test_a_line_that_fits_a_stride_and_mains_hum_names_both() -> None:
    assert "; but also mains hum: 5 x 50 Hz" in summary(line(250, -20, 32, "5 x 50 Hz"))


def test_lines_below_16_bit_audio_are_only_counted() -> None:
    text = summary(line(2000, -101, 4))
    assert "2000.00 Hz" not in text
    assert "And 1 line below -100 dB, under the last bit of 16-bit audio." in text


def test_only_the_16_strongest_lines_are_listed() -> None:
    text = summary(*[line(100.0 + 30 * i, -20 - i) for i in range(20)])
    assert text.count("re full scale") == 16
    assert "And 4 more lines." in text
