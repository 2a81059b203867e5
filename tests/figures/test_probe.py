"""Spectrograms of a user-supplied model: one panel per signal, marks at the lines' frequencies."""

import numpy as np
import pytest
from upsampling_artifacts.figures.panels import MAX_BINS
from upsampling_artifacts.figures.probe import MAX_MARKS, RANGE_DB, probe_spectrograms

FREQUENCIES_HZ = np.linspace(0, 4000, 129)
TIMES_SECONDS = np.linspace(0, 6, 40)


def spectrogram(loudest_db: float):
    levels = np.full((129, 40), -200.0, np.float16)
    levels[64] = loudest_db
    return FREQUENCIES_HZ, TIMES_SECONDS, levels


def drawn(signals: list[str], tones_hz=(2000.0, 4000.0), found_hz=(), loudest_db: float = -20.0):
    panels = {signal: spectrogram(loudest_db) for signal in signals}
    return probe_spectrograms(panels, tones_hz, {signals[0]: list(found_hz)}, "my model")


def panels(figure):
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>" and axes.axison]


@pytest.mark.parametrize("n_signals", [1, 2, 3, 4, 5, 6])
def test_every_signal_has_a_panel(n_signals: int) -> None:
    signals = ["silence", "ones", "noise", "sweep", "music", "speech"][:n_signals]
    figure = drawn(signals)
    titles = [axes.get_title() for axes in panels(figure)]
    assert len(titles) == n_signals
    assert titles[-1].startswith({1: "silence in", 6: "speech"}.get(n_signals, ""))
    assert all(title.endswith("(max -20 dB)") for title in titles)
    assert figure.get_suptitle() == "my model"


def test_levels_are_relative_to_each_panels_maximum() -> None:
    (image,) = panels(drawn(["noise"], loudest_db=-80))[0].images
    assert image.get_array().max() == 0
    assert image.get_array().min() == -RANGE_DB


def test_an_exactly_silent_panel_says_so() -> None:
    figure = drawn(["silence"], loudest_db=-np.inf)
    assert panels(figure)[0].images  # a floor of -200 dB is not silence

    silent = (FREQUENCIES_HZ, TIMES_SECONDS, np.full((129, 40), -np.inf, np.float16))
    (axes,) = panels(probe_spectrograms({"silence": silent}, [], {}, "my model"))
    assert not axes.images
    assert axes.get_title() == "silence in"
    assert [text.get_text() for text in axes.texts] == ["exactly\nsilent"]


def test_predicted_tones_are_filled_and_found_lines_open() -> None:
    first, second = panels(drawn(["silence", "noise"], found_hz=[1234.0]))
    marks = [(mark.get_ydata()[0], mark.get_markerfacecolor()) for mark in first.lines]
    assert [y for y, _ in marks] == [2.0, 4.0, 1.234]
    assert marks[0][1] == marks[1][1] != marks[2][1] == "white"
    assert len(second.lines) == 2


def test_the_number_of_marks_is_limited() -> None:
    (axes,) = panels(drawn(["noise"], tones_hz=np.linspace(1, 4000, 500)))
    assert len(axes.lines) == MAX_MARKS


def test_a_line_of_one_bin_is_drawn() -> None:
    levels = np.full((4 * MAX_BINS, 10), -100.0, np.float16)
    levels[1000] = 0
    frequencies_hz = np.linspace(0, 22050, len(levels))
    panel = {"noise": (frequencies_hz, np.arange(10.0), levels)}
    (axes,) = panels(probe_spectrograms(panel, [], {}, "my model"))
    shown = axes.images[0].get_array()
    assert len(shown) <= MAX_BINS
    row = shown.mean(axis=1).argmax() / len(shown)
    assert row == pytest.approx(1000 / len(levels), abs=0.01)
