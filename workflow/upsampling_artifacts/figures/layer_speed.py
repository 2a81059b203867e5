"""What it gains to interpolate and convolve in one: by how much there is to do, and how wide."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from upsampling_artifacts.figures import style

AIM = 2.0
TICKS = [0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10]


def speed_ups(layers: pd.DataFrame) -> pd.DataFrame:
    """The numbers of the figure: forward and backward pass of two layers, re that of one.

    Args:
        layers: ``upsamplers.csv``.

    Returns:
        The rows of fused layers, with ``samples`` (time x batch, at the input), ``widths``
        ("128 to 64") and ``speed_up``.
    """
    rows = layers[(layers["direction"] == "step") & (layers["implementation"] == "fused")]
    widths = [
        f"{c_in}" if c_in == c_out else f"{c_in} to {c_out}"
        for c_in, c_out in zip(rows["c_in"], rows["c_out"], strict=True)
    ]
    return rows.assign(
        samples=rows["time"] * rows["batch"], widths=widths, speed_up=1 / rows["ratio_to_plain"]
    )


def layer_speed(layers: pd.DataFrame) -> Figure:
    """A panel for each interpolation, a line for each pair of widths.

    Args:
        layers: ``upsamplers.csv``.
    """
    table = speed_ups(layers)
    table = table.sort_values(["c_in", "c_out", "samples"])
    widths = list(dict.fromkeys(table["widths"]))
    shades = mpl.colormaps["viridis"](np.linspace(0, 0.88, len(widths)))
    palette = dict(zip(widths, shades, strict=True))
    kinds = list(dict.fromkeys(layers["upsampler"][layers["implementation"] == "fused"]))
    with style.look():
        figure = style.new_figure(3.6)
        panels = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
        for axes, kind in zip(panels, kinds, strict=True):
            _frame(axes, kind)
            for name, of in table[table["upsampler"] == kind].groupby("widths", sort=False):
                axes.plot(of["samples"], of["speed_up"], "-", color=palette[name], lw=1.1)
                for row in of.itertuples():
                    axes.plot(
                        row.samples, row.speed_up, "o", ms=6, mew=1.3, color=palette[name],
                        mfc=palette[name] if row.chosen else "white", zorder=3,
                    )  # fmt: skip
                axes.plot([], [], "o-", color=palette[name], label=name)
        panels[0].set_ylabel("two layers' time re one's")
        figure.legend(
            *panels[0].get_legend_handles_labels(), loc="outside right upper",
            title="channels\n(open: auto\ntakes two)",
        )  # fmt: skip
    return figure


def _frame(axes: Axes, kind: str) -> None:
    axes.set_title(kind, fontweight="bold")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(FixedLocator(TICKS))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(color="#ececec", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.axhline(1, color=style.FAINT, linewidth=0.9, zorder=1)
    axes.axhline(AIM, color=style.FAINT, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    axes.set_xlabel("input samples, time × batch")


def draw_layer_speed(csv_path: str | Path, image_paths: list[str | Path]) -> None:
    """Draw ``upsamplers.csv``; see :func:`layer_speed`."""
    style.save_figure(layer_speed(pd.read_csv(csv_path)), image_paths)
