"""Which upsampler should I use? Quality against compute, and against the tone that is left."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.labels import place_labels
from upsampling_artifacts.probes.line_summary import UNHEARD_DB, read_lines, summarize_lines

# With two seeds an interval spans twelve standard errors: it must not set the scale.
MOST_BEYOND_SDR_DB = 1.0
MOST_BEYOND_LEVEL_DB = 20.0


def trade_offs(
    table_1: pd.DataFrame, lines: pd.DataFrame, systems: list[str], frequency_hz: float
) -> pd.DataFrame:
    """The numbers of the figure: quality, compute, and the tone in silence after training.

    Args:
        table_1: The columns of ``table_1.csv``.
        lines: As :func:`line_summary.read_lines` gives them.
        systems: Which of them, in order.
        frequency_hz: The tone's frequency.

    Returns:
        One row per system: the columns system, gflop_per_second, sdr_db, level_db (re the RMS of a
        normalised mixture), both with ``<name>_low_db`` and ``<name>_high_db``, n_silent and
        n_probed; NaN, and none, for what is not in the tables.
    """
    summary = summarize_lines(lines, frequency_hz)
    columns = ["system", "level_db", "level_low_db", "level_high_db", "n_silent", "n_seeds"]
    if len(summary):
        summary = summary[(summary["signal"] == "silence") & (summary["stage"] == "trained")]
    levels = summary.reindex(columns=columns).rename(columns={"n_seeds": "n_probed"})
    ours = ["system", "gflop_per_second", "sdr_db", "sdr_low_db", "sdr_high_db"]
    table = pd.DataFrame({"system": systems}).merge(table_1[ours], on="system", how="left")
    table = table.merge(levels.astype({"system": object}), on="system", how="left")
    return table.fillna({"n_silent": 0, "n_probed": 0}).astype({"n_silent": int, "n_probed": int})


def trade_offs_figure(table: pd.DataFrame, frequency_hz: float) -> Figure:
    """Two panels with one vertical axis: SDR against compute, and against the level of the tone.

    Points are means over seeds with 95 % intervals. Systems that are exactly silent in every run
    stand at the left edge of the second panel; those without a number are named below.

    Args:
        table: What :func:`trade_offs` gives.
        frequency_hz: The tone's frequency.
    """
    palette = style.colours(table["system"])
    table = table[table["sdr_db"].notna()]
    with style.look():
        figure = style.new_figure(5.0)
        panels = figure.subplots(1, 2, sharey=True)
        for axes in panels:
            axes.grid(color="#ececec", linewidth=0.8)
            axes.set_axisbelow(True)
            axes.margins(x=0.15)
        panels[0].set_ylim(*_limits(table, "sdr", MOST_BEYOND_SDR_DB))
        panels[0].set_ylabel("SDR (dB), better upwards")
        _frame_compute(panels[0])
        edge = _frame_levels(panels[1], table, frequency_hz)
        silent = (table["n_silent"] > 0) & (table["n_silent"] == table["n_probed"])
        names = table["system"].map(style.label)
        some = table["n_silent"].astype(str) + " of " + table["n_probed"].astype(str)
        compute = table.assign(
            name=names, x=table["gflop_per_second"], x_low=np.nan, x_high=np.nan, marker="o"
        )
        levels = table.assign(
            name=names.mask((table["n_silent"] > 0) & ~silent, names + " (" + some + " silent)"),
            x=table["level_db"].mask(silent, edge), x_low=table["level_low_db"],
            x_high=table["level_high_db"], marker=np.where(silent, "s", "o"),
        )  # fmt: skip
        # All is drawn before the first name is: it may change where things stand.
        named = [_draw(*each, palette) for each in zip(panels, (compute, levels), strict=True)]
        for axes, (labels, bars) in zip(panels, named, strict=True):
            place_labels(axes, labels, bars)
    return figure


def draw_trade_offs(
    table_1_path: str | Path,
    measures_path: str | Path,
    image_paths: list[str | Path],
    systems: list[str],
    frequency_hz: float,
) -> None:
    """Draw ``table_1.csv`` and the measures of the trained systems; see :func:`trade_offs`."""
    table_1, lines = pd.read_csv(table_1_path), read_lines(measures_path)
    table = trade_offs(table_1, lines, systems, frequency_hz)
    style.save_figure(trade_offs_figure(table, frequency_hz), image_paths)


def _limits(table: pd.DataFrame, name: str, most_beyond_db: float) -> tuple[float, float]:
    """From where to where the means reach, with as much of the intervals as is sensible."""
    means = table[f"{name}_db"][np.isfinite(table[f"{name}_db"])]
    if means.empty:
        return -1.0, 1.0
    low = max(np.nanmin([*means, *table[f"{name}_low_db"]]), means.min() - most_beyond_db)
    high = min(np.nanmax([*means, *table[f"{name}_high_db"]]), means.max() + most_beyond_db)
    margin = max(0.07 * (high - low), 0.05 * most_beyond_db)
    return low - margin, high + margin


def _frame_compute(axes: Axes) -> None:
    axes.set_title("quality against compute", fontweight="bold")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("forward pass, GFLOP per second of audio (as trained), cheaper to the left")


def _frame_levels(axes: Axes, table: pd.DataFrame, frequency_hz: float) -> float:
    """Set the axis, mark what is unheard, and say where the silent systems stand."""
    low, high = _limits(table, "level", MOST_BEYOND_LEVEL_DB)
    high = max(high, UNHEARD_DB + 20) if high > low + 3 else UNHEARD_DB + 20
    low = min(low, UNHEARD_DB - 20)
    step = 0.06 * (high - low)
    edge, wall = low - 1.5 * step, low
    axes.set_title(f"quality against the tone at {frequency_hz / 1000:g} kHz", fontweight="bold")
    axes.set_xlabel("its level in silence, after training (dB re mixture RMS), softer to the left")
    axes.set_xlim(edge - 1.5 * step if table["n_silent"].any() else low, high + 2 * step)
    ticks = [tick for tick in range(-300, 100, 20) if low <= tick <= high + 2 * step]
    names = [f"{tick}".replace("-", "−") for tick in ticks]
    if table["n_silent"].any():
        axes.axvline(wall, color=style.FAINT, linewidth=0.8, linestyle=(0, (3, 3)), zorder=1)
        ticks, names = [edge, *ticks], ["exactly\nsilent", *names]
    axes.set_xticks(ticks, names)
    axes.axvspan(wall, UNHEARD_DB, color="#f0f0f0", linewidth=0, zorder=0)
    axes.text(
        UNHEARD_DB, 1.0, "below 16-bit audio ", transform=axes.get_xaxis_transform(), ha="right",
        va="top", fontsize=8, color="#666666",
    )  # fmt: skip
    return edge


def _draw(axes: Axes, table: pd.DataFrame, palette: dict[str, str]) -> tuple[list, list]:
    """Points and intervals; returns what is to be named, and the intervals."""
    labels, bars = [], []
    for row in table[np.isfinite(table["x"])].itertuples():
        colour = palette[row.system]
        reach = {
            "xerr": [[row.x - row.x_low], [row.x_high - row.x]],
            "yerr": [[row.sdr_db - row.sdr_low_db], [row.sdr_high_db - row.sdr_db]],
        }
        axes.errorbar(
            row.x, row.sdr_db, fmt=row.marker, ms=7, mec="white", mew=0.6, color=colour,
            elinewidth=0.9, capsize=2, zorder=3,
            **{way: error for way, error in reach.items() if np.isfinite(error).all()},
        )  # fmt: skip
        labels.append((row.name, row.x, row.sdr_db, colour))
        bars.append(((row.x, row.sdr_low_db), (row.x, row.sdr_high_db)))
        bars.append(((row.x_low, row.sdr_db), (row.x_high, row.sdr_db)))
    absent = [style.label(name) for name in table.loc[~np.isfinite(table["x"]), "system"]]
    if absent:
        axes.text(
            0.01, 0.01, f"not measured: {', '.join(absent)}", transform=axes.transAxes,
            fontsize=7.5, style="italic",
        )  # fmt: skip
    return labels, [bar for bar in bars if np.isfinite(bar).all()]
