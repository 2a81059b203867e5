"""SDR of each system minus that of its reference, with intervals, next to the paper's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from upsampling_artifacts.evaluation.sdr import MEAN
from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.figures.systems import belongs_to, ticks_belong_to

# With few seeds, simultaneous intervals are wide: they must not set the scale.
MAX_BEYOND_DB = 1.5
ROW_INCHES = 0.28


def sdr_differences_figure(table: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Draw the differences in the mean over sources, one row per system.

    Thick bars are intervals of one comparison, thin bars simultaneous ones; diamonds are the
    paper's differences. Systems in one network come first, other networks below a line.

    Args:
        table: ``sdr_differences.csv``.
        looks: Labels and colors of the systems.
    """
    table = table[table["source"] == MEAN].sort_values(
        "same_network", ascending=False, kind="stable"
    )
    with style.applied():
        figure = style.new_figure(1.3 + ROW_INCHES * len(table))
        axes = figure.subplots()
        axes.axvline(0, color=style.FAINT, linewidth=0.8, zorder=1)
        axes.grid(axis="x", color="#ececec", linewidth=0.8)
        axes.set_axisbelow(True)
        for place, row in enumerate(table.to_dict("records")):
            color = looks[row["system"]]["color"]
            ours: dict[str, Any] = {"ms": 6, "mec": "white", "mew": 0.6, "color": color}
            theirs: dict[str, Any] = {"ms": 5, "mfc": "white", "mec": style.INK}
            drawn = [
                *(
                    axes.hlines(
                        place, row[f"{kind}low_db"], row[f"{kind}high_db"], color=color, lw=width
                    )
                    for kind, width in (("simultaneous_", 1.0), ("", 3.0))
                ),
                *axes.plot(row["difference_db"], place, "o", **ours),
                *axes.plot(row["paper_difference_db"], place, "D", **theirs),
            ]
            belongs_to(row["system"], drawn)
        axes.plot([], [], "D", ms=5, mfc="white", mec=style.INK, label="the paper’s difference")
        axes.plot([], [], "-", lw=3, color=style.FAINT, label="95 % interval")
        axes.plot([], [], "-", lw=1, color=style.FAINT, label="simultaneous")
        n_same = int(table["same_network"].sum())
        if 0 < n_same < len(table):
            axes.axhline(n_same - 0.5, color="#d8d8d8", linewidth=0.8)
        axes.set_yticks(range(len(table)), [looks[name]["label"] for name in table["system"]])
        ticks_belong_to(axes.yaxis, table["system"])
        axes.set_ylim(max(1, len(table)) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(*_limits(table))
        references = style.reference_name(looks, table["reference"])
        axes.set_xlabel(f"SDR minus that of {references} (dB)")
        figure.legend(loc="outside lower center", ncols=3)
    return figure


def draw_sdr_differences(
    csv_path: str | Path, image_paths: Sequence[str | Path], looks: Mapping[str, Look]
) -> None:
    """Draw ``sdr_differences.csv``; see :func:`sdr_differences_figure`.

    Args:
        csv_path: ``sdr_differences.csv``.
        image_paths: The images to write.
        looks: Labels and colors of the systems.
    """
    style.save_figure(sdr_differences_figure(pd.read_csv(csv_path), looks), image_paths)


def _limits(table: pd.DataFrame) -> tuple[float, float]:
    """All differences, ours and the paper's, and intervals up to a reasonable distance."""
    points = table[["difference_db", "paper_difference_db"]].to_numpy(dtype=float)
    bounds = table[["simultaneous_low_db", "simultaneous_high_db"]].to_numpy(dtype=float)
    drawn = [*points[np.isfinite(points)], 0.0]
    reach = min(drawn) - MAX_BEYOND_DB, max(drawn) + MAX_BEYOND_DB
    shown = np.clip([*drawn, *bounds[np.isfinite(bounds)]], *reach)
    margin = 0.05 * max(1.0, float(np.ptp(shown)))
    return float(shown.min() - margin), float(shown.max() + margin)
