"""Spectrograms of one probed model, or of one audio file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import offset_copy

from upsampling_artifacts.artifacts.spectra import Spectrogram
from upsampling_artifacts.figures import panels, style

RANGE_DB = 100.0
MOST_MARKS = 40

ROWS_AND_COLUMNS = {1: (1, 1), 2: (1, 2), 3: (1, 3), 4: (2, 2), 5: (2, 3), 6: (2, 3)}

ARROWHEAD = {"marker": "<", "ms": 4.5, "mec": style.INK, "mew": 0.8, "ls": "none"}
PREDICTED = ("where an upsampling layer puts tones", {**ARROWHEAD, "mfc": style.INK})
FOUND = ("another stationary line", {**ARROWHEAD, "mfc": "white"})

TITLES = {
    "silence": "silence in",
    "ones": "ones in",
    "noise": "white noise in",
    "sweep": "sweep in",
    "music": "music in",
    "file": "the file",
}


def probe_spectrograms(
    spectrograms: Mapping[str, Spectrogram],
    tones_hz: Sequence[float],
    found_hz: Mapping[str, Sequence[float]],
    title: str,
) -> Figure:
    """One spectrogram per signal, with predicted tones and found lines marked at the right.

    Levels are dB re each panel's maximum. Arrowheads, filled: where a tone must be; open: a
    narrow line that was found where none is predicted. At most ``MOST_MARKS`` of each.

    Args:
        spectrograms: One to six, by signal.
        tones_hz: Predicted frequencies.
        found_hz: By signal, the unexpected lines, the most important first.
        title: Of the figure.
    """
    n_rows, n_columns = ROWS_AND_COLUMNS[min(len(spectrograms), max(ROWS_AND_COLUMNS))]
    with style.look():
        figure = style.new_figure(0.9 + 3.1 * n_rows)
        grid = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False)
        for axes in grid.flat:
            axes.axis("off")
        image = None
        for axes, (signal, spectrogram) in zip(grid.flat, spectrograms.items(), strict=False):
            axes.axis("on")
            axes.set(xlabel="time (s)", ylabel="frequency (kHz)")
            axes.label_outer()
            level_db = spectrogram[2].astype(np.float32)
            shown, loudest_db = (*spectrogram[:2], level_db), float(level_db.max())
            axes.set_title(_title(signal, loudest_db), fontweight="bold")
            image = panels.draw(axes, shown, -RANGE_DB, 0, loudest_db) or image
            _mark(axes, tones_hz, PREDICTED)
            _mark(axes, found_hz.get(signal, []), FOUND)
        figure.suptitle(title, fontsize=11, fontweight="bold")
        handles = [Line2D([], [], label=text, **look) for text, look in (PREDICTED, FOUND)]
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
        if image is not None:
            panels.colour_bar(figure, image, grid, "level (dB re each panel's maximum)")
    return figure


def _title(signal: str, loudest_db: float) -> str:
    """The signal, and how loud the loudest is: panels have no common scale."""
    name = TITLES.get(signal, signal)
    return f"{name} (max {loudest_db:.0f} dB)" if np.isfinite(loudest_db) else name


def _mark(axes: Axes, frequencies_hz: Sequence[float], mark: tuple[str, dict]) -> None:
    """Arrowheads outside the right edge, so that nothing of a line is covered."""
    beside = offset_copy(axes.get_yaxis_transform(), axes.figure, x=5, units="points")
    _, look = mark
    for frequency_hz in frequencies_hz[:MOST_MARKS]:
        axes.plot(1, frequency_hz / 1000, **look, clip_on=False, transform=beside)
