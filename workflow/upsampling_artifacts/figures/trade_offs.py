"""Separation quality against compute, and against the tone that remains after training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from upsampling_artifacts.evaluation.trade_offs import trade_offs
from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.labels import Bar, Label, place_labels
from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.figures.systems import belongs_to
from upsampling_artifacts.probes.line_summary import INAUDIBLE_DB, read_lines

# With two seeds, the interval reaches 12.7 standard errors up and down: it must not set the scale.
MAX_BEYOND_SDR_DB = 1.0
MAX_BEYOND_LEVEL_DB = 20.0


def trade_offs_figure(
    table: pd.DataFrame, looks: Mapping[str, Look], frequency_hz: float
) -> Figure:
    """Draw SDR against compute and against the level of the tone, in panels with one SDR axis.

    Points are means over seeds with 95 % intervals. Systems without a value are named below.

    Args:
        table: As :func:`evaluation.trade_offs.trade_offs` returns it.
        looks: Labels and colors of the systems.
        frequency_hz: The tone's frequency.
    """
    table = table[table["sdr_db"].notna()]
    with style.applied():
        figure = style.new_figure(5.0)
        panels = figure.subplots(1, 2, sharey=True)
        for axes in panels:
            axes.grid(color="#ececec", linewidth=0.8)
            axes.set_axisbelow(True)
            axes.margins(x=0.15)
        panels[0].set_ylim(*_limits(table, "sdr", MAX_BEYOND_SDR_DB))
        panels[0].set_ylabel("SDR (dB), better upwards")
        _draw_compute_frame(panels[0])
        _draw_level_frame(panels[1], table, frequency_hz)
        names = table["system"].map(lambda name: looks[name]["label"])
        compute = table.assign(name=names, x=table["gflop_per_second"], x_low=np.nan, x_high=np.nan)
        levels = table.assign(
            name=names, x=table["level_db"], x_low=table["level_low_db"],
            x_high=table["level_high_db"],
        )  # fmt: skip
        # Draw everything before placing the first label: drawing may change the layout.
        drawn = [_draw_points(panels[0], compute, looks), _draw_points(panels[1], levels, looks)]
        for axes, (labels, bars) in zip(panels, drawn, strict=True):
            place_labels(axes, labels, bars)
    return figure


def draw_trade_offs(
    table_1_path: str | Path,
    measures_path: str | Path,
    image_paths: Sequence[str | Path],
    looks: Mapping[str, Look],
    frequency_hz: float,
) -> None:
    """Draw ``table_1.csv`` and the measures of the trained systems; see :func:`trade_offs_figure`.

    Args:
        table_1_path: ``table_1.csv``.
        measures_path: The measures of the trained systems.
        image_paths: The images to write.
        looks: The systems to draw.
        frequency_hz: The tone's frequency.
    """
    table_1, lines = pd.read_csv(table_1_path), read_lines(measures_path)
    table = trade_offs(table_1, lines, list(looks), frequency_hz)
    style.save_figure(trade_offs_figure(table, looks, frequency_hz), image_paths)


def _limits(table: pd.DataFrame, name: str, max_beyond_db: float) -> tuple[float, float]:
    """Limits of an axis: all means, and their intervals up to a reasonable distance."""
    columns = [f"{name}_db", f"{name}_low_db", f"{name}_high_db"]
    means, lows, highs = table[columns].to_numpy(dtype=float).T
    means = means[np.isfinite(means)]
    if not len(means):
        return -1.0, 1.0
    low = max(np.nanmin([*means, *lows]), means.min() - max_beyond_db)
    high = min(np.nanmax([*means, *highs]), means.max() + max_beyond_db)
    margin = max(0.07 * (high - low), 0.05 * max_beyond_db)
    return float(low - margin), float(high + margin)


def _draw_compute_frame(axes: Axes) -> None:
    axes.set_title("quality against compute", fontweight="bold")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("forward pass, GFLOP per second of audio (as trained), cheaper to the left")


def _draw_level_frame(axes: Axes, table: pd.DataFrame, frequency_hz: float) -> None:
    """Set the axis, and shade inaudible levels."""
    low, high = _limits(table, "level", MAX_BEYOND_LEVEL_DB)
    high = max(high, INAUDIBLE_DB + 20) if high > low + 3 else INAUDIBLE_DB + 20
    low = min(low, INAUDIBLE_DB - 20)
    axes.set_title(f"quality against the tone at {frequency_hz / 1000:g} kHz", fontweight="bold")
    axes.set_xlabel("its level in near-silence, trained (dB re mixture RMS), quieter to the left")
    axes.set_xlim(low, high + 0.12 * (high - low))
    ticks = [tick for tick in range(-300, 100, 20) if low <= tick <= axes.get_xlim()[1]]
    axes.set_xticks(ticks, [f"{tick}".replace("-", "−") for tick in ticks])
    axes.axvspan(low, INAUDIBLE_DB, color="#f0f0f0", linewidth=0, zorder=0)
    axes.text(
        INAUDIBLE_DB, 1.0, "inaudible ", transform=axes.get_xaxis_transform(), ha="right",
        va="top", fontsize=8, color="#666666",
    )  # fmt: skip


def _draw_points(
    axes: Axes, table: pd.DataFrame, looks: Mapping[str, Look]
) -> tuple[list[Label], list[Bar]]:
    """Draw points and intervals; return the labels to place, and the intervals."""
    labels: list[Label] = []
    bars: list[Bar] = []
    for row in table[np.isfinite(table["x"])].to_dict("records"):
        x, y = row["x"], row["sdr_db"]
        reach = {
            "xerr": [[x - row["x_low"]], [row["x_high"] - x]],
            "yerr": [[y - row["sdr_low_db"]], [row["sdr_high_db"] - y]],
        }
        errors: dict[str, Any] = {
            key: error for key, error in reach.items() if np.isfinite(error).all()
        }
        look = looks[row["system"]]
        drawn = axes.errorbar(
            x, y, fmt=look["marker"], ms=7, mec="white", mew=0.6, color=look["color"],
            elinewidth=0.9, capsize=2, zorder=3, **errors,
        )  # fmt: skip
        belongs_to(row["system"], drawn)
        labels.append(Label(row["name"], x, y, look["color"], row["system"]))
        bars.append(((x, row["sdr_low_db"]), (x, row["sdr_high_db"])))
        bars.append(((row["x_low"], y), (row["x_high"], y)))
    unmeasured = [looks[name]["label"] for name in table.loc[~np.isfinite(table["x"]), "system"]]
    if unmeasured:
        axes.text(
            0.01, 0.01, f"not measured: {', '.join(unmeasured)}", transform=axes.transAxes,
            fontsize=7.5, style="italic",
        )  # fmt: skip
    return labels, [bar for bar in bars if np.isfinite(bar).all()]
