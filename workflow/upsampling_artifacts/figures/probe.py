"""Spectrograms of a probed model or audio file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import offset_copy

from upsampling_artifacts.artifacts.spectra import Spectrogram
from upsampling_artifacts.figures import panels, style

RANGE_DB = 100.0
MAX_MARKS = 40

ROWS_AND_COLUMNS = {1: (1, 1), 2: (1, 2), 3: (1, 3), 4: (2, 2), 5: (2, 3), 6: (2, 3)}

ARROWHEAD: dict[str, Any] = {"marker": "<", "ms": 4.5, "mec": style.INK, "mew": 0.8, "ls": "none"}
PREDICTED = {**ARROWHEAD, "mfc": style.INK}
FOUND = {**ARROWHEAD, "mfc": "white"}

TITLES = {
    "silence": "silence in",
    "ones": "ones in",
    "noise": "white noise in",
    "sweep": "sweep in",
    "music": "music in",
    "file": "the file",
}
FEATURE_TITLES = {
    "silence": "zero features in",
    "ones": "constant features in",
    "noise": "noise features in",
}


def probe_spectrograms(
    spectrograms: Mapping[str, Spectrogram],
    tones_hz: Sequence[float],
    found_hz: Mapping[str, Sequence[float]],
    title: str,
    titles: Mapping[str, str] = TITLES,
) -> Figure:
    """Draw one spectrogram per signal, with predicted tones and other lines marked at the right.

    Levels are in dB re each panel's maximum. Filled arrowheads mark predicted tones; open ones
    mark narrow lines found where no tone is predicted. At most ``MAX_MARKS`` of each are drawn.

    Args:
        spectrograms: One to six, by signal.
        tones_hz: Predicted frequencies.
        found_hz: By signal, the unpredicted lines, the most important first.
        title: Title of the figure.
        titles: Of the panels, by signal.
    """
    n_rows, n_columns = ROWS_AND_COLUMNS[min(len(spectrograms), max(ROWS_AND_COLUMNS))]
    with style.applied():
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
            shown = (spectrogram[0], spectrogram[1], level_db)
            max_db = float(level_db.max())
            axes.set_title(_title(titles.get(signal, signal), max_db), fontweight="bold")
            image = panels.draw(axes, shown, -RANGE_DB, 0, max_db) or image
            _mark(axes, tones_hz, PREDICTED)
            _mark(axes, found_hz.get(signal, []), FOUND)
        figure.suptitle(title, fontsize=11, fontweight="bold")
        handles = [
            Line2D([], [], label="where an upsampling layer puts tones", **PREDICTED),
            Line2D([], [], label="another stationary line", **FOUND),
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
        if image is not None:
            panels.color_bar(figure, image, grid, "level (dB re each panel's maximum)")
    return figure


def draw_probe(arrays_path: str | Path, image_paths: Sequence[str | Path], title: str) -> None:
    """Draw the spectrograms that a probe has saved.

    Args:
        arrays_path: ``spectrograms.npz``, as :func:`probes.result_files.write_result` writes it.
        image_paths: The images to write.
        title: Title of the figure.
    """
    with np.load(arrays_path) as arrays:
        axes = arrays["frequencies_hz"], arrays["times_seconds"]
        signals = [key.removesuffix("_db") for key in arrays if key.endswith("_db")]
        spectrograms = {name: (*axes, arrays[f"{name}_db"].astype(np.float32)) for name in signals}
        found = {name: list(arrays.get(f"{name}_found_hz", [])) for name in signals}
        titles = FEATURE_TITLES if arrays.get("input_kind") == "features" else TITLES
        figure = probe_spectrograms(
            spectrograms, list(arrays["predicted_hz"]), found, title, titles
        )
    style.save_figure(figure, image_paths)


def _title(name: str, max_db: float) -> str:
    """The signal and its maximum level, because the panels do not share a scale."""
    return f"{name} (max {max_db:.0f} dB)" if np.isfinite(max_db) else name


def _mark(axes: Axes, frequencies_hz: Sequence[float], arrowhead: dict[str, Any]) -> None:
    """Draw arrowheads outside the right edge, where they cover no lines."""
    figure = axes.get_figure(root=True)
    beside = offset_copy(axes.get_yaxis_transform(), figure, x=5, units="points")
    for frequency_hz in frequencies_hz[:MAX_MARKS]:
        axes.plot(1, frequency_hz / 1000, **arrowhead, clip_on=False, transform=beside)
