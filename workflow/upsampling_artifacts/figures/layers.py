"""Upsampling layers probed alone: tone, spectral images and droop, compared with theory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.figures.systems import belongs_to, ticks_belong_to
from upsampling_artifacts.probes.layer_summary import FLOOR_DB, summarize_layers

THEORY_COLOR = "#d55e00"

PANELS = {
    "offset_replica_level": ("tone", "tones from a DC offset,\nre the offset (dB)"),
    "replica_level": ("images", "density above the old Nyquist\nfrequency, re below it (dB)"),
    "passband_droop": ("droop", "loss at 3/4 of the old\nNyquist frequency (dB)"),
}
"""Title and axis label of the panel of each measure."""


def layers(summary: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Draw one row per layer and one panel per measure: mean, interval and theory.

    Args:
        summary: As :func:`layer_summary.summarize_layers` returns it.
        looks: Labels of the systems.
    """
    systems = list(summary["system"].unique())
    with style.applied():
        figure = style.new_figure(1.3 + 0.24 * len(systems))
        grid = figure.subplots(1, len(PANELS), sharey=True)
        for axes, (measure, (title, label)) in zip(grid, PANELS.items(), strict=True):
            rows = summary[summary["measure"] == measure]
            for row in rows.itertuples():
                _draw_row(axes, systems.index(row.system), row)
            axes.set_title(title, fontweight="bold")
            axes.set_xlabel(label)
            axes.grid(axis="x", color="#e8e8e8", linewidth=0.6)
            axes.set_axisbelow(True)
            axes.tick_params(axis="y", length=0)
        grid[0].set_yticks(range(len(systems)), [looks[name]["label"] for name in systems])
        ticks_belong_to(grid[0].yaxis, systems)
        grid[0].set_ylim(len(systems) - 0.5, -0.5)
        grid[0].set_xlim(FLOOR_DB - 8, 22)
        ticks = np.arange(FLOOR_DB, 1, 40)
        grid[0].set_xticks(ticks, ["none", *(f"{tick:g}" for tick in ticks[1:])])
        figure.legend(
            *grid[0].get_legend_handles_labels(), loc="outside lower right", ncols=2, frameon=False
        )
    return figure


def draw_layers(
    csv_path: str | Path, image_paths: Sequence[str | Path], looks: Mapping[str, Look]
) -> None:
    """Draw the measures of single layers, ``probes/layers.csv``; see :func:`layers`.

    Args:
        csv_path: ``probes/layers.csv``.
        image_paths: The images to write.
        looks: Labels of the systems.
    """
    style.save_figure(layers(summarize_layers(pd.read_csv(csv_path)), looks), image_paths)


def _draw_row(axes: Axes, y: int, row: Any) -> None:
    is_first = y == 0
    if np.isfinite(row.predicted):
        theory = axes.plot(
            row.predicted, y, "|", color=THEORY_COLOR, ms=13, mew=1.8, zorder=1,
            label="theory" if is_first else None,
        )  # fmt: skip
        belongs_to(row.system, theory)
    if np.isfinite(row.low):
        interval = axes.plot([row.low, row.high], [y, y], color=style.INK, linewidth=1.2, zorder=2)
        belongs_to(row.system, interval)
    mean = axes.plot(
        row.mean, y, "o", color=style.INK, ms=4.5, zorder=3,
        label="measured, mean and 95 % interval" if is_first else None,
    )  # fmt: skip
    belongs_to(row.system, mean)
