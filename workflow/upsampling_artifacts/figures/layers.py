"""One upsampling layer each: its tone, its images and its droop, beside theory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from upsampling_artifacts.figures import style
from upsampling_artifacts.statistics import mean_interval

FLOOR_DB = -160.0
"""Of float32's rounding; what lies below, exact zeros too, is drawn there."""

PREDICTED = "_predicted"
THEORY = "#d55e00"

PANELS = {
    "offset_replica_level": ("tone", "what becomes of an offset,\nre what stays of it (dB)"),
    "replica_level": ("images", "density above the old Nyquist\nfrequency re below it (dB)"),
    "passband_droop": ("droop", "loss at 3/4 of the old\nNyquist frequency (dB)"),
}


def layers(measures: pd.DataFrame) -> Figure:
    """A row for each layer, three panels: mean over seeds with its interval, and theory.

    Args:
        measures: Columns model, seed, measure, value; rows in the order of the table.
    """
    names = list(measures["model"].unique())
    with style.look():
        figure = style.new_figure(1.3 + 0.24 * len(names))
        grid = figure.subplots(1, len(PANELS), sharey=True)
        for axes, (measure, (title, label)) in zip(grid, PANELS.items(), strict=True):
            values = measures[measures["measure"] == measure].groupby("model")["value"]
            theory = measures[measures["measure"] == measure + PREDICTED]
            for row, name in enumerate(names):
                _draw_row(axes, row, values.get_group(name), theory[theory["model"] == name])
            axes.set_title(title, fontweight="bold")
            axes.set_xlabel(label)
            axes.grid(axis="x", color="#e8e8e8", linewidth=0.6)
            axes.set_axisbelow(True)
            axes.tick_params(axis="y", length=0)
        grid[0].set_yticks(range(len(names)), [_label(name) for name in names])
        grid[0].set_ylim(len(names) - 0.5, -0.5)
        grid[0].set_xlim(FLOOR_DB - 8, 22)
        ticks = np.arange(FLOOR_DB, 1, 40)
        grid[0].set_xticks(ticks, ["none", *(f"{tick:g}" for tick in ticks[1:])])
        figure.legend(
            *grid[0].get_legend_handles_labels(), loc="outside lower right", ncols=2, frameon=False
        )
    return figure


def _draw_row(axes: Axes, row: int, values: pd.Series, theory: pd.Series) -> None:
    first = row == 0
    mean, low, high = mean_interval(values.clip(lower=FLOOR_DB))
    if len(theory):
        predicted = max(theory["value"].iloc[0], FLOOR_DB)
        axes.plot(
            predicted, row, "|", color=THEORY, ms=13, mew=1.8, zorder=1,
            label="theory" if first else None,
        )  # fmt: skip
    if np.isfinite(low):
        axes.plot([low, high], [row, row], color=style.INK, linewidth=1.2, zorder=2)
    axes.plot(
        mean, row, "o", color=style.INK, ms=4.5, zorder=3,
        label="measured, mean and 95 % interval" if first else None,
    )  # fmt: skip


def _label(name: str) -> str:
    return style.label(name.removeprefix("layer_"))


def draw_layers(csv_path: str | Path, image_paths: list[str | Path]) -> None:
    """Draw what :func:`layer_probe.probe_layers` has written."""
    style.save_figure(layers(pd.read_csv(csv_path)), image_paths)
