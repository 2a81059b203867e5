"""Spectrograms of one probed model, or of one audio file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.spectrograms import Spectrogram, thinned

RANGE_DB = 100.0
PANELS_IN_A_ROW = 3
MOST_MARKS = 32

TITLES = {
    "silence": "silence in",
    "ones": "ones in",
    "noise": "white noise in",
    "sweep": "sweep in",
    "music": "music in",
    "file": "the file",
}


def probe_spectrograms(
    panels: Mapping[str, Spectrogram],
    tones_hz: Sequence[float],
    found_hz: Mapping[str, Sequence[float]],
    title: str,
) -> Figure:
    """One spectrogram per signal, with predicted tones and found lines marked at the right.

    Levels are dB re each panel's maximum. Arrowheads, filled: where a tone must be; open: a
    narrow line that was found where none is predicted.

    Args:
        panels: By signal.
        tones_hz: Predicted frequencies; of many, every so many-th is marked.
        found_hz: By signal, the unexpected lines.
        title: Of the figure.
    """
    n_columns = min(len(panels), PANELS_IN_A_ROW)
    n_rows = -(-len(panels) // n_columns)
    with style.look():
        figure = style.new_figure(0.9 + 3.1 * n_rows)
        grid = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False)
        for axes in grid.flat:
            axes.axis("off")
        image = None
        for axes, (signal, spectrogram) in zip(grid.flat, panels.items(), strict=False):
            axes.axis("on")
            axes.set_title(TITLES.get(signal, signal), fontweight="bold")
            image = _panel(axes, thinned(spectrogram)) or image
            _mark(axes, tones_hz[:: -(-len(tones_hz) // MOST_MARKS) or 1], style.INK)
            _mark(axes, found_hz.get(signal, []), "white")
            axes.set_xlabel("time (s)")
        for axes in grid[:, 0]:
            axes.set_ylabel("frequency (kHz)")
        figure.suptitle(title, fontsize=11, fontweight="bold")
        figure.text(
            0.01, 0.0, "filled: a tone must be here    open: a line that is not predicted",
            fontsize=8, color=style.FAINT, va="bottom",
        )  # fmt: skip
        if image is not None:
            bar = figure.colorbar(image, ax=grid, shrink=0.6, aspect=30, pad=0.015)
            bar.set_label("level (dB re each panel's maximum)")
            bar.outline.set_visible(False)
    return figure


def _panel(axes: Axes, spectrogram: Spectrogram):
    """Draw one; returns the image, or None if there is no sound in it."""
    frequencies_hz, times_seconds, level_db = spectrogram
    extent = (times_seconds[0], times_seconds[-1], 0, frequencies_hz[-1] / 1000)
    axes.set(xlim=extent[:2], ylim=extent[2:])
    if not np.isfinite(level_db).any():
        axes.set_facecolor("#f3f3f3")
        axes.text(0.5, 0.5, "exactly silent", transform=axes.transAxes, ha="center", style="italic")
        return None
    level_db = np.maximum(level_db.astype(np.float32) - level_db.max(), -RANGE_DB)
    return axes.imshow(
        level_db, origin="lower", aspect="auto", vmin=-RANGE_DB, vmax=0, extent=extent,
        cmap=style.COLOUR_MAP, rasterized=True,
    )  # fmt: skip


def _mark(axes: Axes, frequencies_hz: Sequence[float], face: str) -> None:
    """Arrowheads outside the right edge, so that nothing of a line is covered."""
    for frequency_hz in frequencies_hz:
        axes.plot(
            1.03, frequency_hz / 1000, marker="<", ms=4.5, mfc=face, mec=style.INK, mew=0.8,
            clip_on=False, transform=axes.get_yaxis_transform(),
        )  # fmt: skip
