"""Speed-up by fusing interpolation and convolution, against input samples and channels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from upsampling_artifacts.benchmarks.upsamplers_table import speed_ups
from upsampling_artifacts.figures import style

MARKED_SPEED_UPS: dict[float, Any] = {1.0: "-", 2.0: (0, (4, 3))}  # with the style of their lines
TICKS = [0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10]


def layer_speed(table: pd.DataFrame) -> Figure:
    """Draw one panel per interpolation, with one line per pair of channel counts.

    Open markers: ``implementation: auto`` runs two layers there.

    Args:
        table: As :func:`upsamplers_table.speed_ups` returns it.
    """
    upsamplers = list(dict.fromkeys(table["upsampler"]))
    table = table.sort_values(["c_in", "c_out", "samples"])
    widths = list(dict.fromkeys(table["widths"]))
    shades = mpl.colormaps["viridis"](np.linspace(0, 0.88, len(widths)))
    palette = dict(zip(widths, shades, strict=True))
    with style.applied():
        figure = style.new_figure(3.6)
        panels = figure.subplots(1, len(upsamplers), sharey=True, squeeze=False)[0]
        for axes, upsampler in zip(panels, upsamplers, strict=True):
            _draw_frame(axes, upsampler)
            lines = table[table["upsampler"] == upsampler].groupby("widths", sort=False)
            for name, line in lines:
                color = palette[name]
                axes.plot(line["samples"], line["speed_up"], "-", color=color, lw=1.1)
                for row in line.itertuples():
                    axes.plot(
                        row.samples, row.speed_up, "o", ms=6, mew=1.3, color=color,
                        mfc=color if row.chosen else "white", zorder=3,
                    )  # fmt: skip
                axes.plot([], [], "o-", color=color, label=name)
        panels[0].set_ylabel("speed-up of the fused layer")
        figure.legend(
            *panels[0].get_legend_handles_labels(), loc="outside right upper",
            title="channels\n(open: auto\ndoes not fuse)",
        )  # fmt: skip
    return figure


def draw_layer_speed(csv_path: str | Path, image_paths: Sequence[str | Path]) -> None:
    """Draw ``upsamplers.csv``; see :func:`layer_speed`.

    Args:
        csv_path: ``upsamplers.csv``.
        image_paths: The images to write.
    """
    style.save_figure(layer_speed(speed_ups(pd.read_csv(csv_path))), image_paths)


def _draw_frame(axes: Axes, title: str) -> None:
    axes.set_title(title, fontweight="bold")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(FixedLocator(TICKS))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(color="#ececec", linewidth=0.8)
    axes.set_axisbelow(True)
    for speed_up, line_style in MARKED_SPEED_UPS.items():
        axes.axhline(speed_up, color=style.FAINT, linewidth=0.9, linestyle=line_style, zorder=1)
    axes.set_xlabel("input samples, time × batch")
