"""The tone at rate / 4, before and after training: the report's first picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from upsampling_artifacts.figures import style
from upsampling_artifacts.probes.line_summary import (
    CHANCE_DB,
    lines_at,
    read_lines,
    summarize_lines,
)

SIGNALS = {"silence": "silence in", "noise": "white noise in", "music": "music in"}
OFFSETS = {"initialization": -0.17, "trained": 0.17}
SEEDS_ASIDE = 0.2
MOST_BEYOND_DB = 25.0


def line_levels(lines: pd.DataFrame, systems: list[str], frequency_hz: float) -> Figure:
    """Prominence of one line for each system, before and after training.

    One panel per signal, each with a scale of its own. Open marker: after initialization; filled:
    after training; an arrow leads from one to the other. Means over seeds with 95 % intervals, the
    seeds as dots beside them. Runs whose output is exactly zero stand as squares in a lane of
    their own.

    Args:
        lines: As :func:`line_summary.read_lines` gives them.
        systems: What to draw, from left to right.
        frequency_hz: Which of the predicted frequencies.
    """
    lines = lines_at(lines, frequency_hz)
    summary = summarize_lines(lines, frequency_hz)
    with style.look():
        figure = style.new_figure(7.6)
        panels = figure.subplots(len(SIGNALS), 1, sharex=True)
        for axes, (signal, title) in zip(panels, SIGNALS.items(), strict=True):
            runs, means = lines[lines["signal"] == signal], summary[summary["signal"] == signal]
            bottom, floor, top = _heights(means, runs)
            _draw_frame(axes, title, systems)
            _draw_runs(axes, runs, systems)
            _draw_means(axes, means, systems)
            _draw_silent(axes, means, systems, bottom, floor)
            axes.set_ylim(bottom, top)
            axes.set_yticks([tick for tick in range(-100, 220, 20) if floor <= tick <= top])
            _draw_sides(axes)
        # What stands far above an unheard floor may be unheard itself, so say how loud it is.
        _write_levels(panels[0], summary[summary["signal"] == "silence"], systems)
        figure.supylabel(
            f"line at {frequency_hz / 1000:g} kHz over its surroundings (dB)", fontsize=9
        )
        figure.legend(handles=_legend(), loc="outside lower center", ncols=5)
    return figure


def draw_line_levels(
    csv_path: str | Path,
    image_paths: list[str | Path],
    systems: list[str],
    frequency_hz: float,
) -> None:
    """Draw the lines of a table of measures; see :func:`line_levels`."""
    style.save_figure(line_levels(read_lines(csv_path), systems, frequency_hz), image_paths)


def _heights(summary: pd.DataFrame, lines: pd.DataFrame) -> tuple[float, float, float]:
    """``(bottom, floor, top)``; between bottom and floor is the lane for silent runs, if any."""
    runs = lines["prominence_db"][np.isfinite(lines["prominence_db"])]
    bounds = summary[["prominence_low_db", "prominence_high_db"]].to_numpy()
    bounds = bounds[np.isfinite(bounds)]
    # With two seeds an interval spans twelve standard errors: it must not set the scale.
    low = max(min([-10, *runs, *bounds]), min([0, *runs]) - MOST_BEYOND_DB)
    high = min(max([20, *runs, *bounds]), max([0, *runs]) + MOST_BEYOND_DB)
    margin = 0.05 * (high - low)
    floor = low - margin
    lane = 2 * margin if summary["n_silent"].any() else 0
    return floor - lane, floor, high + margin


def _draw_frame(axes: Axes, title: str, systems: list[str]) -> None:
    axes.set_title(title, fontweight="bold", loc="left")
    axes.set_xlim(-0.6, len(systems) - 0.4)
    names = [style.label(system).replace(" ", "\n") for system in systems]
    axes.set_xticks(range(len(systems)), names, fontsize=8)
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="y", color="#ececec", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.axhspan(0, CHANCE_DB, color="#e4e4e4", linewidth=0, zorder=0.5)
    axes.axhline(0, color=style.FAINT, linewidth=0.8, zorder=1)


def _draw_runs(axes: Axes, lines: pd.DataFrame, systems: list[str]) -> None:
    palette = style.colours(systems)
    for index, system in enumerate(systems):
        for stage, offset in OFFSETS.items():
            runs = lines[(lines["system"] == system) & (lines["stage"] == stage)]
            x = np.full(len(runs), index + offset + np.sign(offset) * SEEDS_ASIDE)
            axes.plot(x, runs["prominence_db"], ".", ms=3.5, color=palette[system], zorder=3)


def _draw_means(axes: Axes, summary: pd.DataFrame, systems: list[str]) -> None:
    palette = style.colours(systems)
    for index, system in enumerate(systems):
        ends = {}
        for row in summary[summary["system"] == system].itertuples():
            if not np.isfinite(row.prominence_db):
                continue
            x, y = index + OFFSETS[row.stage], row.prominence_db
            ends[row.stage] = (x, y)
            face = palette[system] if row.stage == "trained" else "white"
            below, above = y - row.prominence_low_db, row.prominence_high_db - y
            axes.errorbar(
                x, y, [[below], [above]], fmt="o", ms=7, mfc=face, mec=palette[system], mew=1.6,
                ecolor=palette[system], elinewidth=1.3, capsize=2.5, zorder=4,
            )  # fmt: skip
        if len(ends) == 2:
            _arrow(axes, ends["initialization"], ends["trained"], palette[system])


def _write_levels(axes: Axes, summary: pd.DataFrame, systems: list[str]) -> None:
    """The trained lines' levels beside their markers."""
    for row in summary[summary["stage"] == "trained"].itertuples():
        if row.system in systems and np.isfinite(row.level_db):
            x = systems.index(row.system) + OFFSETS["trained"]
            below = np.nanmin([row.prominence_db, row.prominence_low_db])
            text = f"{row.level_db:.0f}".replace("-", "−")
            axes.annotate(
                text, (x, below), (0, -6), textcoords="offset points", ha="center", va="top",
                fontsize=7.5, color="#555555",
            )  # fmt: skip


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    properties = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.2, "mutation_scale": 10}
    properties |= {"shrinkA": 5, "shrinkB": 5}
    axes.annotate("", end, start, arrowprops=properties, zorder=3.5)


def _draw_silent(
    axes: Axes, summary: pd.DataFrame, systems: list[str], bottom: float, floor: float
) -> None:
    """Squares in the lane below the axis for what has no level to draw."""
    silent = summary[summary["n_silent"] > 0]
    if bottom < floor:
        axes.axhline(floor, color=style.FAINT, linewidth=0.8, linestyle=(0, (3, 3)), zorder=1)
    if silent.empty:
        return
    palette = style.colours(systems)
    middle = (bottom + floor) / 2
    for row in silent.itertuples():
        if row.system in systems:
            x, colour = systems.index(row.system) + OFFSETS[row.stage], palette[row.system]
            face = colour if row.stage == "trained" else "white"
            axes.plot(x, middle, "s", ms=6, mfc=face, mec=colour, mew=1.6, zorder=4)
    # Beside the squares, on the side where there is more room.
    first = min(systems.index(name) for name in silent["system"] if name in systems)
    side, x = ("right", first - 0.45) if first > 0 else ("left", len(systems) - 0.5)
    axes.text(x, middle, "exactly silent", ha=side, va="center", fontsize=8.5, style="italic")


def _draw_sides(axes: Axes) -> None:
    """Say at the right margin what above and below zero mean."""
    where = axes.get_yaxis_transform()
    style_of_text = {"transform": where, "fontsize": 8.5, "color": "#666666", "clip_on": False}
    axes.text(1.01, CHANCE_DB / 2, "chance", va="center", **style_of_text)
    axes.text(1.01, CHANCE_DB + 12, "tone ↑", va="center", **style_of_text)
    axes.text(1.01, -12, "valley ↓", va="center", **style_of_text)


def _legend() -> list[Line2D]:
    plain = {"color": style.INK, "linestyle": "none", "mec": style.INK, "mew": 1.6}
    return [
        Line2D([], [], marker="o", ms=7, mfc="white", label="after initialization", **plain),
        Line2D([], [], marker="o", ms=7, label="after training", **plain),
        Line2D([], [], marker="|", ms=12, label="95 % interval", **plain),
        Line2D([], [], marker=".", ms=3.5, label="one seed", **plain),
        Line2D(
            [],
            [],
            marker="$−52$",
            ms=20,
            mew=0.2,
            color="#555555",
            mec="#555555",
            linestyle="none",
            label="its level (dB re mixture RMS)",
        ),
    ]
