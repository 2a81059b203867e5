"""How audible the tone at rate / 4 is, before and after training: the report's first figure."""

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
from upsampling_artifacts.figures.signal_names import signal_name
from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.figures.systems import belongs_to, ticks_belong_to
from upsampling_artifacts.probes.line_summary import (
    lines_at,
    lines_by_seed,
    read_lines,
    summarize_lines,
)

SIGNALS = ("silence", "near_silence", "noise", "music")
STAGE_OFFSETS = {"initialization": -0.17, "trained": 0.17}
SEED_OFFSET = 0.2
# With two seeds, the interval reaches 12.7 standard errors up and down: it must not set the scale.
MAX_BEYOND_RUNS_DB = 25.0
# Far below the threshold, how far does not matter.
LOWEST_DB = -40.0
SILENT_TEXT: dict[str, Any] = {"va": "center", "fontsize": 8.5, "style": "italic"}


def line_levels(
    lines: pd.DataFrame, summary: pd.DataFrame, looks: Mapping[str, Look], frequency_hz: float
) -> Figure:
    """Draw how audible the tone at one frequency is in each system, before and after training.

    One panel per signal, each with its own scale: the tone's level over its threshold of
    audibility. Open
    markers: after initialization; filled: after training; an arrow leads from one to the other.
    Markers are means over seeds with 95 % intervals; dots beside them are single seeds. Triangles
    at the bottom are below the axis. Exactly silent runs are squares in a lane of their own.

    Args:
        lines: The lines of single runs, as :func:`line_summary.lines_by_seed` returns them.
        summary: Their means, as :func:`line_summary.summarize_lines` returns them.
        looks: The systems to draw, from left to right.
        frequency_hz: The frequency of the line.
    """
    with style.applied():
        figure = style.new_figure(9.6)
        panels = figure.subplots(len(SIGNALS), 1, sharex=True)
        for axes, signal in zip(panels, SIGNALS, strict=True):
            runs, means = lines[lines["signal"] == signal], summary[summary["signal"] == signal]
            bottom, floor, top = _limits(means, runs)
            _draw_frame(axes, f"{signal_name(signal)} in", looks, floor)
            _draw_runs(axes, runs, looks)
            _draw_means(axes, means, looks, floor)
            _draw_silent(axes, means, looks, bottom, floor)
            axes.set_ylim(bottom, top)
            axes.set_yticks([tick for tick in range(-100, 220, 20) if floor <= tick <= top])
            _write_levels(axes, means, list(looks), floor)
            _label_zones(axes)
        figure.supylabel(
            f"tone at {frequency_hz / 1000:g} kHz over its threshold of audibility (dB)",
            fontsize=9,
        )
        figure.legend(handles=_legend_handles(), loc="outside lower center", ncols=6)
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
    figure = line_levels(lines_by_seed(lines), summary, looks, frequency_hz)
    style.save_figure(figure, image_paths)


def _limits(summary: pd.DataFrame, lines: pd.DataFrame) -> tuple[float, float, float]:
    """``(bottom, floor, top)``; silent runs, if any, have the lane between bottom and floor."""
    margins_db = lines["audibility_margin_db"].to_numpy(dtype=float)
    runs = margins_db[np.isfinite(margins_db)]
    bounds = summary[["audibility_margin_low_db", "audibility_margin_high_db"]].to_numpy(
        dtype=float
    )
    bounds = bounds[np.isfinite(bounds)]
    low = max(min([-10, *runs, *bounds]), min([0, *runs]) - MAX_BEYOND_RUNS_DB, LOWEST_DB)
    high = min(max([10, *runs, *bounds]), max([0, *runs]) + MAX_BEYOND_RUNS_DB)
    margin = 0.05 * (high - low)
    floor = low - margin
    lane = 2 * margin if summary["n_silent"].any() else 0
    return floor - lane, floor, high + margin


def _draw_frame(axes: Axes, title: str, looks: Mapping[str, Look], floor: float) -> None:
    axes.set_title(title, fontweight="bold", loc="left")
    axes.set_xlim(-0.6, len(looks) - 0.4)
    labels = [style.wrapped(look["label"]) for look in looks.values()]
    axes.set_xticks(range(len(labels)), labels, fontsize=8)
    ticks_belong_to(axes.xaxis, looks)
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="y", color="#ececec", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.axhspan(floor, 0, color="#e6f2e6", linewidth=0, zorder=0.5)
    axes.axhline(0, color=style.FAINT, linewidth=0.8, zorder=1)


def _draw_runs(axes: Axes, lines: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    for index, (system, look) in enumerate(looks.items()):
        for stage, offset in STAGE_OFFSETS.items():
            runs = lines[(lines["system"] == system) & (lines["stage"] == stage)]
            x = np.full(len(runs), index + offset + np.sign(offset) * SEED_OFFSET)
            dots = axes.plot(
                x, runs["audibility_margin_db"], ".", ms=3.5, color=look["color"], zorder=3,
                label=f"seeds, {stage}",
            )  # fmt: skip
            belongs_to(system, dots)


def _draw_means(axes: Axes, summary: pd.DataFrame, looks: Mapping[str, Look], floor: float) -> None:
    for index, (system, look) in enumerate(looks.items()):
        ends: dict[str, tuple[float, float]] = {}
        color = look["color"]
        for row in summary[summary["system"] == system].to_dict("records"):
            x, y = index + STAGE_OFFSETS[row["stage"]], row["audibility_margin_db"]
            if np.isnan(y):
                continue
            face: dict[str, Any] = {"mfc": _face(row["stage"], color), "mec": color, "zorder": 4}
            ends[row["stage"]] = (x, max(y, floor))
            if y < floor:
                below_axis = axes.plot(x, floor, "v", ms=6, mew=1.2, **face, clip_on=False)
                belongs_to(system, below_axis)
                continue
            below, above = y - row["audibility_margin_low_db"], row["audibility_margin_high_db"] - y
            mean = axes.errorbar(
                x, y, [[below], [above]], fmt="o", ms=7, mew=1.6, ecolor=color, elinewidth=1.3,
                capsize=2.5, **face,
            )  # fmt: skip
            belongs_to(system, mean)
        if len(ends) == 2 and ends["trained"][1] != ends["initialization"][1]:
            arrow = {"arrowstyle": "-|>", "color": color, "linewidth": 1.2, "mutation_scale": 10}
            arrow |= {"shrinkA": 5, "shrinkB": 5}
            change = axes.annotate(
                "", ends["trained"], ends["initialization"], arrowprops=arrow, zorder=3.5
            )
            belongs_to(system, change)


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
        square = axes.plot(
            x, middle, "s", ms=6, mfc=_face(row["stage"], color), mec=color, mew=1.6, zorder=4
        )
        belongs_to(row["system"], square)
    # Beside the squares, on the side with more room.
    first = min(systems.index(name) for name in silent["system"])
    if first > 0:
        axes.text(first - 0.45, middle, "exactly silent", ha="right", **SILENT_TEXT)
    else:
        axes.text(len(systems) - 0.5, middle, "exactly silent", ha="left", **SILENT_TEXT)


def _write_levels(axes: Axes, summary: pd.DataFrame, systems: list[str], floor: float) -> None:
    """Write the levels of the lines after training beside their markers, if they are in view."""
    for row in summary[summary["stage"] == "trained"].to_dict("records"):
        if row["system"] in systems and row["audibility_margin_db"] >= floor:
            x = systems.index(row["system"]) + STAGE_OFFSETS["trained"]
            text = f"{row['level_db']:.0f}".replace("-", "−")
            level = axes.annotate(
                text, (x, row["audibility_margin_db"]), (6, 4), textcoords="offset points",
                ha="left", va="bottom", fontsize=7.5, color="#555555",
            )  # fmt: skip
            belongs_to(row["system"], level)


def _label_zones(axes: Axes) -> None:
    """Name, at the right margin, the zones above and below the threshold."""
    low, high = axes.get_ylim()
    for y, text in ((0.06 * (high - low), "audible ↑"), (-0.06 * (high - low), "inaudible ↓")):
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
        Line2D([], [], marker="v", ms=6, label="lower than shown", **ink),
        Line2D([], [], marker="$−52$", ms=20, label="level (dB re mixture RMS)", **gray),
    ]
