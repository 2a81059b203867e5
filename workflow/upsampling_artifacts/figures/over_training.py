"""The tone at rate / 4 against training steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.signal_names import signal_name
from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.figures.systems import belongs_to, legend_belongs_to
from upsampling_artifacts.probes.over_training import SIGNALS

# Lower, levels are rounding errors of float32, and how far a tone is from audible does not matter.
LOWEST_DB = {"level": -120.0, "audibility_margin": -40.0}
BEYOND_DB = 15.0
LABELS = {
    "level": "level (dB re mixture RMS)",
    "audibility_margin": "over its threshold of audibility (dB)",
}


def over_training(table: pd.DataFrame, looks: Mapping[str, Look]) -> Figure:
    """Draw the tone of each system against training steps.

    A column per signal; above, the level of the tone, below, its level over the threshold of
    audibility. The axis of steps is logarithmic from step 1 on, with step 0 on its left. Lines are
    means over seeds, bands their 95 % intervals, and large markers the weights that training kept.
    Values below the axis are drawn at its lower end; exactly silent outputs have none.

    Args:
        table: ``over_training.csv``.
        looks: Labels and colors of the systems.
    """
    frequency_hz = table["frequency_hz"].iloc[0]
    with style.applied():
        figure = style.new_figure(6.6)
        panels = figure.subplots(len(LABELS), len(SIGNALS), sharex=True, sharey="row")
        for row, quantity in zip(panels, LABELS, strict=True):
            highest_db = table[f"{quantity}_db"].max()
            for axes, signal in zip(row, SIGNALS, strict=True):
                _draw_frame(axes, quantity, table["step"].max())
                _draw_systems(axes, table[table["signal"] == signal], quantity, looks)
            row[0].set_ylabel(LABELS[quantity])
            # With two seeds, intervals are 25 standard errors long: they must not set the scale.
            row[0].set_ylim(LOWEST_DB[quantity], max(highest_db, LOWEST_DB[quantity]) + BEYOND_DB)
        for axes, name in zip(panels[0], map(signal_name, SIGNALS), strict=True):
            axes.set_title(f"{name} in", fontweight="bold", loc="left")
        figure.supxlabel("training steps", fontsize=9)
        figure.suptitle(f"tone at {frequency_hz / 1000:g} kHz", fontsize=9, x=0.01, ha="left")
        legend = figure.legend(handles=_legend_handles(looks), loc="outside right upper")
        legend_belongs_to(legend, looks)
    return figure


def draw_over_training(
    csv_path: str | Path, image_paths: Sequence[str | Path], looks: Mapping[str, Look]
) -> None:
    """Draw a table of tones over training; see :func:`over_training`.

    Args:
        csv_path: ``over_training.csv``.
        image_paths: The images to write.
        looks: Labels and colors of the systems.
    """
    style.save_figure(over_training(pd.read_csv(csv_path), looks), image_paths)


def _draw_frame(axes: Axes, quantity: str, last_step: float) -> None:
    # Linear between steps 0 and 1, which are half a decade apart.
    axes.set_xscale("symlog", linthresh=1, linscale=0.5)
    ticks = [0, *(10**power for power in range(1 + int(np.log10(max(1, last_step)))))]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlim(-0.1, 1.3 * last_step)
    axes.grid(color="#ececec", linewidth=0.8)
    axes.set_axisbelow(True)
    if quantity == "audibility_margin":
        axes.axhspan(LOWEST_DB[quantity], 0, color="#e6f2e6", linewidth=0, zorder=0.5)


def _draw_systems(
    axes: Axes, table: pd.DataFrame, quantity: str, looks: Mapping[str, Look]
) -> None:
    lowest_db = LOWEST_DB[quantity]
    for system, look in looks.items():
        rows = table[(table["system"] == system) & table[f"{quantity}_db"].notna()]
        values = rows[[f"{quantity}{bound}_db" for bound in ("", "_low", "_high")]]
        middle, low, high = np.maximum(values.to_numpy(dtype=float), lowest_db).T
        kept = (rows["stage"] == "trained").to_numpy()
        steps = rows["step"].to_numpy()
        color = look["color"]
        belongs_to(
            system,
            axes.fill_between(
                steps[~kept], low[~kept], high[~kept], color=color, alpha=0.12, linewidth=0
            ),
            axes.plot(steps[~kept], middle[~kept], label="mean", **_line(look), ms=3),
            axes.plot(
                steps[kept], middle[kept], marker=look["marker"], ms=7, mec="white", mew=0.6,
                color=color, label="weights kept",
            ),
        )  # fmt: skip


def _line(look: Look) -> dict[str, Any]:
    return {
        "color": look["color"], "marker": look["marker"], "linestyle": style.dashes(look),
        "linewidth": 1.4,
    }  # fmt: skip


def _legend_handles(looks: Mapping[str, Look]) -> list[Line2D]:
    return [Line2D([], [], label=look["label"], **_line(look), ms=6) for look in looks.values()]
