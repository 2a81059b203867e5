"""Time of a training step of each system, relative to its reference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from upsampling_artifacts.benchmarks.steps_table import measured_references, paper_epoch_ratios
from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.figures.systems import belongs_to, ticks_belong_to

TICKS = [
    *(0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.35, 1.5, 1.75),
    *(2, 2.5, 3, 4, 5, 7, 10, 15, 20, 30, 50, 100),
]
PAPER_MARK: dict[str, Any] = {"marker": "|", "color": style.INK, "ms": 13, "mew": 1.5, "ls": ""}


def step_speed(
    steps: pd.DataFrame,
    paper_ratios: pd.Series,
    looks: Mapping[str, Look],
    references: Mapping[str, str],
) -> Figure:
    """Draw one row per system: median and quartiles of the step-time ratio, and the paper's ratio.

    Systems with a fused implementation have two points: open for interpolation and convolution as
    two layers, filled for the fused layer. Systems that were not measured have a label
    and no point.

    Args:
        steps: ``steps.csv``.
        paper_ratios: As :func:`steps_table.paper_epoch_ratios` returns them.
        looks: Labels and colors of the systems.
        references: The system that each system is compared with.
    """
    systems = list(dict.fromkeys(steps["system"]))
    with style.applied():
        figure = style.new_figure(1.25 + 0.27 * len(systems))
        axes = figure.subplots()
        axes.axvline(1, color=style.FAINT, linewidth=0.9, zorder=1)
        for y, system in enumerate(systems):
            rows = steps[steps["system"] == system].set_index("implementation").to_dict("index")
            for implementation in ("-", "plain", "fused"):
                if implementation in rows:
                    is_filled = implementation != "plain"
                    color = looks[system]["color"]
                    belongs_to(system, _draw_point(axes, y, rows[implementation], color, is_filled))
            ratio = paper_ratios.get(system, np.nan)
            if np.isfinite(ratio):
                belongs_to(system, axes.plot(ratio, y, **PAPER_MARK, zorder=2))
        quartiles = steps[["ratio_low_quartile", "ratio_high_quartile"]].to_numpy(dtype=float)
        _draw_frame(axes, np.concatenate([quartiles.ravel(), paper_ratios.to_numpy(dtype=float)]))
        axes.set_yticks(range(len(systems)), [looks[name]["label"] for name in systems])
        ticks_belong_to(axes.yaxis, systems)
        axes.set_ylim(len(systems) - 0.5, -0.5)
        reference = style.reference_name(looks, references.values())
        axes.set_xlabel(f"time of a training step, re {reference} (logarithmic scale)")
        figure.legend(handles=_legend_handles(), loc="outside lower right", ncols=4, frameon=False)
    return figure


def draw_step_speed(
    steps_path: str | Path,
    paper_path: str | Path,
    image_paths: Sequence[str | Path],
    looks: Mapping[str, Look],
) -> None:
    """Draw ``steps.csv`` beside ``config/paper_table_1.csv``; see :func:`step_speed`.

    Args:
        steps_path: ``steps.csv``.
        paper_path: ``config/paper_table_1.csv``.
        image_paths: The images to write.
        looks: Labels, colors and references of all systems of both tables.
    """
    steps, paper = pd.read_csv(steps_path), pd.read_csv(paper_path)
    in_config = {name: look["reference"] for name, look in looks.items()}
    measured = measured_references(steps["system"], in_config)
    paper_ratios = paper_epoch_ratios(paper, {**in_config, **measured})
    style.save_figure(step_speed(steps, paper_ratios, looks, measured), image_paths)


def _draw_point(
    axes: Axes, y: int, row: Mapping[Any, Any], color: str, is_filled: bool
) -> Artist | Iterable[Artist]:
    ratio = row["ratio_to_transposed"]
    if not np.isfinite(ratio):
        return axes.text(
            1, y, " not measured", va="center", fontsize=7.5, style="italic", color="#666666"
        )
    reach = [[ratio - row["ratio_low_quartile"]], [row["ratio_high_quartile"] - ratio]]
    return axes.errorbar(
        ratio, y, xerr=reach, fmt="o", ms=6, color=color, mfc=color if is_filled else "white",
        mew=1.3, elinewidth=1.6, capsize=0, zorder=3 + is_filled,
    )  # fmt: skip


def _draw_frame(axes: Axes, ratios: np.ndarray) -> None:
    ratios = ratios[np.isfinite(ratios)]
    low, high = (ratios.min(), ratios.max()) if len(ratios) else (1, 1)
    axes.set_xscale("log")
    axes.set_xlim(0.94 * min(low, 0.95), 1.06 * max(high, 1.5))
    axes.xaxis.set_major_locator(FixedLocator(TICKS))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#ececec", linewidth=0.8)
    axes.set_axisbelow(True)


def _legend_handles() -> list[Line2D]:
    point: dict[str, Any] = {"marker": "o", "ls": "", "ms": 6, "mew": 1.3, "color": style.INK}
    return [
        Line2D([], [], **point, mfc="white", label="interpolation, then convolution"),
        Line2D([], [], **point, label="fused (others: their only implementation)"),
        Line2D([], [], color=style.INK, lw=1.6, label="quartiles"),
        Line2D([], [], **PAPER_MARK, label="paper (epochs)"),
    ]
