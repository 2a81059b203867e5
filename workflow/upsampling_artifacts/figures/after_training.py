"""How audible the tone is after training: systems down, test signals across."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.signal_names import SIGNAL_NAMES, signal_name
from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.figures.systems import belongs_to, ticks_belong_to

# Beyond, the color says no more.
RANGE_DB = 40.0
LOWEST_DB = -300.0
ROW_INCHES = 0.44
# Green: not audible. Color-blind readers tell both ends apart by their lightness.
COLORS = LinearSegmentedColormap.from_list(
    "audibility", ["#4f9d69", "#d5ead9", "#ffffff", "#f6c59a", "#c8501e"]
)


def after_training_figure(
    table: pd.DataFrame, looks: Mapping[str, Look], frequency_hz: float
) -> Figure:
    """Draw the margin of the tone over its threshold of audibility, as color and number.

    Bold: audible, and more than chance. A question mark: undecided. Below the number, in small
    print, the source in which the tone is most audible.

    Args:
        table: ``after_training.csv``.
        looks: The systems, from top to bottom.
        frequency_hz: Frequency of the tone.
    """
    known = [name for name in SIGNAL_NAMES if name in set(table["signal"])]
    signals = [*known, *(name for name in table["signal"].unique() if name not in SIGNAL_NAMES)]
    systems = [name for name in looks if name in set(table["system"])]
    margins_db = table.pivot(index="system", columns="signal", values="margin_db")
    margins_db = margins_db.reindex(index=systems, columns=signals)
    with style.applied():
        figure = style.new_figure(1.7 + ROW_INCHES * len(systems))
        axes = figure.subplots()
        edges = np.arange(len(signals) + 1) - 0.5
        axes.set(xlim=edges[[0, -1]], ylim=(len(systems) - 0.5, -0.5))
        norm = Normalize(-RANGE_DB, RANGE_DB)
        for place, system in enumerate(systems):
            row_db = margins_db.loc[[system]].clip(lower=LOWEST_DB)  # without infinities
            bounds = [place - 0.5, place + 0.5]
            cells = axes.pcolormesh(edges, bounds, row_db, cmap=COLORS, norm=norm)
            belongs_to(system, cells)
        for row in table.to_dict("records"):
            if row["system"] in systems:
                _write_cell(axes, row, signals.index(row["signal"]), systems.index(row["system"]))
        axes.set_xticks(range(len(signals)), [style.wrapped(signal_name(name)) for name in signals])
        axes.set_yticks(range(len(systems)), [looks[name]["label"] for name in systems])
        ticks_belong_to(axes.yaxis, systems)
        axes.tick_params(length=0, labelsize=8.5, labeltop=True, labelbottom=False)
        axes.spines[:].set_visible(False)
        for border in np.arange(0.5, len(systems) - 1):
            axes.axhline(border, color="white", linewidth=2)
        for border in np.arange(0.5, len(signals) - 1):
            axes.axvline(border, color="white", linewidth=2)
        scale = ScalarMappable(norm, COLORS)
        bar = figure.colorbar(scale, ax=axes, extend="both", aspect=30, pad=0.01)
        bar.outline.set_visible(False)
        bar.set_label(f"tone at {frequency_hz / 1000:g} kHz over its threshold of audibility (dB)")
    return figure


def draw_after_training(
    csv_path: str | Path,
    image_paths: Sequence[str | Path],
    looks: Mapping[str, Look],
    frequency_hz: float,
) -> None:
    """Draw ``after_training.csv``; see :func:`after_training_figure`.

    Args:
        csv_path: ``after_training.csv``.
        image_paths: The images to write.
        looks: The systems, from top to bottom.
        frequency_hz: Frequency of the tone.
    """
    table = pd.read_csv(csv_path, keep_default_na=False, na_values=[""])
    style.save_figure(after_training_figure(table, looks, frequency_hz), image_paths)


def _write_cell(axes: Axes, row: dict[Hashable, Any], x: int, y: int) -> None:
    if row["response"] == "silent":
        silent = axes.text(
            x, y, "exactly\nsilent", ha="center", va="center", fontsize=7, style="italic"
        )
        belongs_to(row["system"], silent)
        return
    audible, undecided = (row["response"] == response for response in ("audible", "undecided"))
    margin = axes.text(
        x, y - 0.12, _number(row["margin_db"]) + ("?" if undecided else ""), ha="center",
        va="center", fontsize=9.5, fontweight="bold" if audible else "normal",
    )  # fmt: skip
    belongs_to(row["system"], margin)
    if isinstance(row["source"], str):
        source = axes.text(x, y + 0.27, row["source"], ha="center", va="center", fontsize=6.5)
        belongs_to(row["system"], source)


def _number(margin_db: float) -> str:
    if math.isinf(margin_db):
        return "−∞"
    rounded = round(margin_db)
    return f"{rounded:+d}".replace("-", "−") if rounded else "0"
