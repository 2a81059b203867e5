"""How long a training step of each system takes, re one with transposed convolutions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from upsampling_artifacts.benchmarks.steps_table import reference_of
from upsampling_artifacts.figures import style
from upsampling_artifacts.registry import REFERENCE

TICKS = [
    0.5,
    0.6,
    0.7,
    0.8,
    0.9,
    1,
    1.1,
    1.2,
    1.35,
    1.5,
    1.75,
    2,
    2.5,
    3,
    4,
    5,
    7,
    10,
    15,
    20,
    30,
    50,
    100,
]


def step_speed(steps: pd.DataFrame, paper: pd.DataFrame) -> Figure:
    """A row for each system: medians and quartiles of the ratio, and the paper's epochs.

    Systems that can interpolate and convolve in one have two points: open as two layers, filled as
    one. Those that were not measured are named, without a point.

    Args:
        steps: ``steps.csv``.
        paper: ``config/paper_table_1.csv``.
    """
    names = list(dict.fromkeys(steps["system"]))
    theirs = paper.set_index("system")["paper_epoch_seconds"]
    theirs = theirs / theirs.get(REFERENCE, np.nan)
    palette = style.colours(names)
    with style.look():
        figure = style.new_figure(1.25 + 0.27 * len(names))
        axes = figure.subplots()
        axes.axvline(1, color=style.FAINT, linewidth=0.9, zorder=1)
        for row, name in enumerate(names):
            of = steps[steps["system"] == name].set_index("implementation")
            for kind in of.index.intersection(["-", "plain", "fused"]):
                _draw_point(axes, row, of.loc[kind], palette[name], filled=kind != "plain")
            if np.isfinite(theirs.get(name, np.nan)):
                axes.plot(theirs[name], row, **_paper_mark(), zorder=2)
        shown = [*steps["ratio_low_quartile"], *steps["ratio_high_quartile"], *theirs.dropna()]
        _frame(axes, np.array(shown))
        axes.set_yticks(range(len(names)), [style.label(name) for name in names])
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_xlabel(
            f"time of a training step, re {style.prose(reference_of(steps))} (logarithmic scale)"
        )
        figure.legend(handles=_legend(), loc="outside lower right", ncols=4, frameon=False)
    return figure


def _draw_point(axes: Axes, row: int, of: pd.Series, colour: str, filled: bool) -> None:
    ratio = of["ratio_to_transposed"]
    if not np.isfinite(ratio):
        axes.text(
            1, row, " not measured", va="center", fontsize=7.5, style="italic", color="#666666"
        )
        return
    reach = [[ratio - of["ratio_low_quartile"]], [of["ratio_high_quartile"] - ratio]]
    axes.errorbar(
        ratio, row, xerr=reach, fmt="o", ms=6, color=colour, mfc=colour if filled else "white",
        mew=1.3, elinewidth=1.6, capsize=0, zorder=3 + filled,
    )  # fmt: skip


def _frame(axes: Axes, shown: np.ndarray) -> None:
    shown = shown[np.isfinite(shown)]
    low, high = (shown.min(), shown.max()) if len(shown) else (1, 1)
    axes.set_xscale("log")
    axes.set_xlim(0.94 * min(low, 0.95), 1.06 * max(high, 1.5))
    axes.xaxis.set_major_locator(FixedLocator(TICKS))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#ececec", linewidth=0.8)
    axes.set_axisbelow(True)


def _paper_mark() -> dict[str, object]:
    return {"marker": "|", "color": style.INK, "ms": 13, "mew": 1.5, "ls": ""}


def _legend() -> list[Line2D]:
    point = {"marker": "o", "ls": "", "ms": 6, "mew": 1.3, "color": style.INK}
    return [
        Line2D([], [], **point, mfc="white", label="interpolation, then convolution"),
        Line2D([], [], **point, label="both in one; others: as they are"),
        Line2D([], [], color=style.INK, lw=1.6, label="quartiles"),
        Line2D([], [], **_paper_mark(), label="the paper's epochs"),
    ]


def draw_step_speed(
    steps_path: str | Path, paper_path: str | Path, image_paths: list[str | Path]
) -> None:
    """Draw ``steps.csv`` beside ``paper_table_1.csv``; see :func:`step_speed`."""
    figure = step_speed(pd.read_csv(steps_path), pd.read_csv(paper_path))
    style.save_figure(figure, image_paths)
