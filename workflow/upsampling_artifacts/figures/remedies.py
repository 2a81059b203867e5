"""What each remedy makes of the tone, and what it costs in separation quality."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.labels import Bar, Label, place_labels
from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.figures.systems import belongs_to

SIGNAL = "near_silence"
"""In silence, a network without biases has no tone whatever its weights."""

LOWEST_DB = -45.0
"""Lower margins are drawn here, as triangles."""

MAX_BEYOND_SDR_DB = 1.5
"""Intervals of few seeds are wide: they must not set the scale."""


def remedies_figure(
    summary: pd.DataFrame, looks: Mapping[str, Look], frequency_hz: float
) -> Figure:
    """Draw margin against SDR, both with intervals, one panel per system without a remedy.

    Margins are means over seeds with 95 % intervals; SDR changes have simultaneous intervals.

    Args:
        summary: ``remedies_summary.csv``.
        looks: Labels and colors of the systems without remedies.
        frequency_hz: The tone's frequency.
    """
    margins = summary[(summary["measure"] == "audibility_margin") & (summary["signal"] == SIGNAL)]
    changes = summary[summary["measure"] == "sdr"].set_index("system")
    references = list(dict.fromkeys(margins["reference"]))
    with style.applied():
        figure = style.new_figure(4.8)
        panels = list(figure.subplots(1, max(1, len(references)), sharey=True, squeeze=False).flat)
        drawn = [
            _draw_panel(axes, margins[margins["reference"] == name], changes, name, looks[name])
            for axes, name in zip(panels, references, strict=False)
        ]
        panels[0].set_ylim(bottom=LOWEST_DB - 5)
        khz = f"{frequency_hz / 1000:g}"
        panels[0].set_ylabel(f"margin of the tone at {khz} kHz in near-silence (dB)")
        figure.supxlabel("SDR minus that without a remedy (dB), better to the right", fontsize=9)
        for axes, (labels, bars) in zip(panels, drawn, strict=False):
            place_labels(axes, labels, bars)
    return figure


def draw_remedies(
    csv_path: str | Path,
    image_paths: Sequence[str | Path],
    looks: Mapping[str, Look],
    frequency_hz: float,
) -> None:
    """Draw ``remedies_summary.csv``; see :func:`remedies_figure`.

    Args:
        csv_path: ``remedies_summary.csv``.
        image_paths: The images to write.
        looks: Labels and colors of the systems without remedies.
        frequency_hz: The tone's frequency.
    """
    style.save_figure(remedies_figure(pd.read_csv(csv_path), looks, frequency_hz), image_paths)


def _draw_panel(
    axes: Axes, margins: pd.DataFrame, changes: pd.DataFrame, system: str, look: Look
) -> tuple[list[Label], list[Bar]]:
    """Draw the remedies of one system; return the labels to place, and the intervals."""
    axes.set_title(look["label"], fontweight="bold")
    axes.grid(color="#ececec", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.axvline(0, color=style.FAINT, linewidth=0.8, zorder=1)
    axes.axhspan(LOWEST_DB - 5, 0, color="#eef5ec", linewidth=0, zorder=0)
    axes.text(
        0.99, 0.0, "not audible ", transform=axes.get_yaxis_transform(), ha="right", va="top",
        fontsize=8, color="#4a7a42",
    )  # fmt: skip
    rows = [(row, changes.loc[row["system"]]) for row in margins.to_dict("records")]
    axes.set_xlim(*_limits([change for _, change in rows]))
    without = float(margins["reference_value"].mean())
    without_y = max(without, LOWEST_DB)
    square = axes.plot(0, without_y, "s", ms=7, mfc="white", mec=style.INK, zorder=4)
    belongs_to(system, square)
    labels = [Label("doing nothing", 0.0, without_y, style.INK, system)]
    bars: list[Bar] = []
    for row, change in rows:
        x, y = float(change["change"]), max(row["value"], LOWEST_DB)
        marker = "v" if row["value"] < LOWEST_DB else "o"
        drawn = axes.errorbar(
            x, y, fmt=marker, ms=7, mec="white", mew=0.6, color=look["color"], elinewidth=0.9,
            capsize=2, zorder=3, **_reach(row, change),
        )  # fmt: skip
        belongs_to(row["system"], drawn)
        labels.append(Label(row["remedy"], x, y, look["color"], row["system"]))
        bars.append(((x, row["value_low"]), (x, row["value_high"])))
        bars.append(((change["simultaneous_low"], y), (change["simultaneous_high"], y)))
    return labels, [bar for bar in bars if np.isfinite(bar).all()]


def _reach(row: Mapping[Hashable, Any], change: pd.Series) -> dict[str, Any]:
    """Lengths of the intervals; a margin below the axis, and a single run, have none."""
    x, y = change["change"], row["value"]
    reach = {"xerr": [[x - change["simultaneous_low"]], [change["simultaneous_high"] - x]]}
    if y >= LOWEST_DB:
        reach["yerr"] = [[y - row["value_low"]], [row["value_high"] - y]]
    return {key: lengths for key, lengths in reach.items() if np.isfinite(lengths).all()}


def _limits(changes: Sequence[pd.Series]) -> tuple[float, float]:
    """All changes, and intervals up to a reasonable distance."""
    means = [0.0, *(float(change["change"]) for change in changes)]
    ends = [float(c[f"simultaneous_{end}"]) for c in changes for end in ("low", "high")]
    reach = min(means) - MAX_BEYOND_SDR_DB, max(means) + MAX_BEYOND_SDR_DB
    shown = np.clip([*means, *(end for end in ends if math.isfinite(end))], *reach)
    margin = 0.1 * max(0.2, float(np.ptp(shown)))
    return float(shown.min() - margin), float(shown.max() + margin)
