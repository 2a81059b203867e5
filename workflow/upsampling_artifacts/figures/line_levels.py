"""The tone at rate / 4 before and after training: the first figure of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.probes.line_summary import (
    CHANCE_DB,
    lines_at,
    read_lines,
    summarize_lines,
)

SIGNALS = {"silence": "silence in", "noise": "white noise in", "music": "music in"}
STAGE_OFFSETS = {"initialization": -0.17, "trained": 0.17}
SEED_OFFSET = 0.2
# With two seeds, the interval reaches 12.7 standard errors up and down: it must not set the scale.
MAX_BEYOND_RUNS_DB = 25.0
SILENT_TEXT: dict[str, Any] = {"va": "center", "fontsize": 8.5, "style": "italic"}


def line_levels(
    lines: pd.DataFrame, summary: pd.DataFrame, looks: Mapping[str, Look], frequency_hz: float
) -> Figure:
    """Draw the prominence of one line for each system, before and after training.

    One panel per signal, each with its own scale. Open markers: after initialization; filled:
    after training; an arrow leads from one to the other. Markers are means over seeds with 95 %
    intervals; dots beside them are single seeds. Exactly silent runs are squares in a lane of
    their own.

    Args:
        lines: The lines of single runs, as :func:`line_summary.lines_at` returns them.
        summary: Their means, as :func:`line_summary.summarize_lines` returns them.
        looks: The systems to draw, from left to right.
        frequency_hz: The frequency of the line.
    """
    with style.applied():
        figure = style.new_figure(7.6)
        panels = figure.subplots(len(SIGNALS), 1, sharex=True)
        for axes, (signal, title) in zip(panels, SIGNALS.items(), strict=True):
            runs, means = lines[lines["signal"] == signal], summary[summary["signal"] == signal]
            bottom, floor, top = _limits(means, runs)
            _draw_frame(axes, title, looks)
            _draw_runs(axes, runs, looks)
            _draw_means(axes, means, looks)
            _draw_silent(axes, means, looks, bottom, floor)
            axes.set_ylim(bottom, top)
            axes.set_yticks([tick for tick in range(-100, 220, 20) if floor <= tick <= top])
            _label_zones(axes)
        # A line far above an inaudible floor may be inaudible itself: write its level beside it.
        _write_levels(panels[0], summary[summary["signal"] == "silence"], list(looks))
        figure.supylabel(
            f"line at {frequency_hz / 1000:g} kHz over its surroundings (dB)", fontsize=9
        )
        figure.legend(handles=_legend_handles(), loc="outside lower center", ncols=5)
    return figure


def draw_line_levels(
    csv_path: str | Path,
    image_paths: Sequence[str | Path],
    looks: Mapping[str, Look],
    frequency_hz: float,
) -> None:
    """Draw the lines of a table of measures; see :func:`line_levels`.

    Args:
        csv_path: A csv file with the columns ``MEASURES_COLUMNS``.
        image_paths: The images to write.
        looks: The systems to draw, from left to right.
        frequency_hz: The frequency of the line.
    """
    lines = lines_at(read_lines(csv_path), frequency_hz)
    summary = summarize_lines(lines, frequency_hz)
    style.save_figure(line_levels(lines, summary, looks, frequency_hz), image_paths)


def _limits(summary: pd.DataFrame, lines: pd.DataFrame) -> tuple[float, float, float]:
    """``(bottom, floor, top)``; silent runs, if any, have the lane between bottom and floor."""
    prominence_db = lines["prominence_db"].to_numpy(dtype=float)
    runs = prominence_db[np.isfinite(prominence_db)]
    bounds = summary[["prominence_low_db", "prominence_high_db"]].to_numpy(dtype=float)
    bounds = bounds[np.isfinite(bounds)]
    low = max(min([-10, *runs, *bounds]), min([0, *runs]) - MAX_BEYOND_RUNS_DB)
    high = min(max([20, *runs, *bounds]), max([0, *runs]) + MAX_BEYOND_RUNS_DB)
    margin = 0.05 * (high - low)
    floor = low - margin
    lane = 2 * margin if summary["n_silent"].any() else 0
    return floor - lane, floor, high + margin


def _draw_frame(axes: Axes, title: str, looks: Mapping[str, Look]) -> None:
    axes.set_title(title, fontweight="bold", loc="left")
    axes.set_xlim(-0.6, len(looks) - 0.4)
    labels = [style.wrapped(look["label"]) for look in looks.values()]
    axes.set_xticks(range(len(labels)), labels, fontsize=8)
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="y", color="#ececec", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.axhspan(0, CHANCE_DB, color="#e4e4e4", linewidth=0, zorder=0.5)
    axes.axhline(0, color=style.FAINT, linewidth=0.8, zorder=1)


def _draw_runs(axes: Axes, lines: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    for index, (system, look) in enumerate(looks.items()):
        for stage, offset in STAGE_OFFSETS.items():
            runs = lines[(lines["system"] == system) & (lines["stage"] == stage)]
            x = np.full(len(runs), index + offset + np.sign(offset) * SEED_OFFSET)
            axes.plot(x, runs["prominence_db"], ".", ms=3.5, color=look["color"], zorder=3)


def _draw_means(axes: Axes, summary: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    for index, (system, look) in enumerate(looks.items()):
        ends: dict[str, tuple[float, float]] = {}
        color = look["color"]
        for row in summary[summary["system"] == system].to_dict("records"):
            if not np.isfinite(row["prominence_db"]):
                continue
            x, y = index + STAGE_OFFSETS[row["stage"]], row["prominence_db"]
            ends[row["stage"]] = (x, y)
            below, above = y - row["prominence_low_db"], row["prominence_high_db"] - y
            axes.errorbar(
                x, y, [[below], [above]], fmt="o", ms=7, mfc=_face(row["stage"], color), mec=color,
                mew=1.6, ecolor=color, elinewidth=1.3, capsize=2.5, zorder=4,
            )  # fmt: skip
        if len(ends) == 2:
            arrow = {"arrowstyle": "-|>", "color": color, "linewidth": 1.2, "mutation_scale": 10}
            arrow |= {"shrinkA": 5, "shrinkB": 5}
            axes.annotate("", ends["trained"], ends["initialization"], arrowprops=arrow, zorder=3.5)


def _draw_silent(
    axes: Axes, summary: pd.DataFrame, looks: Mapping[str, Look], bottom: float, floor: float
) -> None:
    """Draw squares in the lane below the axis for runs that are exactly silent."""
    if bottom < floor:
        axes.axhline(floor, color=style.FAINT, linewidth=0.8, linestyle=(0, (3, 3)), zorder=1)
    systems = list(looks)
    silent = summary[(summary["n_silent"] > 0) & summary["system"].isin(systems)]
    if silent.empty:
        return
    middle = (bottom + floor) / 2
    for row in silent.to_dict("records"):
        x, color = (
            systems.index(row["system"]) + STAGE_OFFSETS[row["stage"]],
            looks[row["system"]]["color"],
        )
        axes.plot(
            x, middle, "s", ms=6, mfc=_face(row["stage"], color), mec=color, mew=1.6, zorder=4
        )
    # Beside the squares, on the side with more room.
    first = min(systems.index(name) for name in silent["system"])
    if first > 0:
        axes.text(first - 0.45, middle, "exactly silent", ha="right", **SILENT_TEXT)
    else:
        axes.text(len(systems) - 0.5, middle, "exactly silent", ha="left", **SILENT_TEXT)


def _write_levels(axes: Axes, summary: pd.DataFrame, systems: list[str]) -> None:
    """Write the levels of the lines after training below their markers."""
    for row in summary[summary["stage"] == "trained"].to_dict("records"):
        if row["system"] in systems and np.isfinite(row["level_db"]):
            x = systems.index(row["system"]) + STAGE_OFFSETS["trained"]
            below = float(np.nanmin([row["prominence_db"], row["prominence_low_db"]]))
            text = f"{row['level_db']:.0f}".replace("-", "−")
            axes.annotate(
                text, (x, below), (0, -6), textcoords="offset points", ha="center", va="top",
                fontsize=7.5, color="#555555",
            )  # fmt: skip


def _label_zones(axes: Axes) -> None:
    """Name, at the right margin, what prominences around, above and below zero mean."""
    for y, text in ((CHANCE_DB / 2, "chance"), (CHANCE_DB + 12, "tone ↑"), (-12, "valley ↓")):
        axes.text(
            1.01, y, text, va="center", transform=axes.get_yaxis_transform(), fontsize=8.5,
            color="#666666", clip_on=False,
        )  # fmt: skip


def _face(stage: str, color: str) -> str:
    return color if stage == "trained" else "white"


def _legend_handles() -> list[Line2D]:
    ink: dict[str, Any] = {"color": style.INK, "linestyle": "none", "mec": style.INK, "mew": 1.6}
    gray: dict[str, Any] = {"color": "#555555", "linestyle": "none", "mec": "#555555", "mew": 0.2}
    return [
        Line2D([], [], marker="o", ms=7, mfc="white", label="after initialization", **ink),
        Line2D([], [], marker="o", ms=7, label="after training", **ink),
        Line2D([], [], marker="|", ms=12, label="95 % interval", **ink),
        Line2D([], [], marker=".", ms=3.5, label="one seed", **ink),
        Line2D([], [], marker="$−52$", ms=20, label="its level (dB re mixture RMS)", **gray),
    ]
