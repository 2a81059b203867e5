"""Transposed convolutions as overlapping copies of a filter (figures 2, 3 and 4 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.ones import BOUNDARY_COLOR, STEADY_COLOR, stems

# One pale color per input, to distinguish its copy of the filter from the others.
INPUT_COLORS = ["#cfe3f3", "#fbe0c4", "#d4ecd9", "#efd5e6", "#f2ecb8", "#d9d9ee"]
BOX_HEIGHT = 0.8
ROW_INCHES = 0.5


@dataclass(frozen=True)
class Overlap:
    """A transposed convolution, decomposed.

    Attributes:
        stride: Distance between two copies of the filter in samples.
        weights: ``(length,)``, the filter.
        signal: ``(inputs,)``, the input.
        copies: ``(inputs, time)``, the contribution of each input; NaN beyond its reach.
        output: ``(time,)``, their sum.
    """

    stride: int
    weights: np.ndarray
    signal: np.ndarray
    copies: np.ndarray
    output: np.ndarray

    @property
    def boundary(self) -> np.ndarray:
        """``(time,)``, whether fewer copies reach a sample than in the middle of a long signal."""
        time = np.arange(len(self.output))
        n_copies_in_steady_state = [
            len(range(sample % self.stride, len(self.weights), self.stride)) for sample in time
        ]
        return np.isfinite(self.copies).sum(axis=0) < n_copies_in_steady_state

    @property
    def rows(self) -> list[int]:
        """``(inputs,)``, the row of each copy: overlapping copies are in different rows.

        Where at most two overlap, they alternate between two rows.
        """
        n_overlapping = -(-len(self.weights) // self.stride)
        return [
            index % n_overlapping if n_overlapping <= 2 else index
            for index in range(len(self.signal))
        ]


def overlap(parts: Overlap) -> Figure:
    """Draw inputs, copies of the filter and output as boxes; below them, the output as a signal.

    Args:
        parts: The transposed convolution.
    """
    time = len(parts.output)
    n_rows = max(parts.rows) + 1
    with style.applied():
        ratios = [ROW_INCHES * (n_rows + 3.4) + 0.3, 1.7]
        figure = style.new_figure(sum(ratios))
        boxes, signal = figure.subplots(2, sharex=True, height_ratios=ratios)
        _draw_boxes(boxes, parts)
        stems(signal, parts.output, parts.boundary)
        signal.set(xlim=(-0.6, time - 0.4), xlabel="output sample", ylabel="output")
        signal.set_xticks(range(time))
        signal.margins(y=0.15)
        _mark_period(signal, parts)
        if parts.boundary.any():
            signal.legend(loc="center left", bbox_to_anchor=(1, 0.5), handletextpad=0.2)
    return figure


def draw_overlap(arrays_path: str | Path, image_paths: Sequence[str | Path], number: int) -> None:
    """Draw the arrays that :func:`figure_arrays.overlap_arrays` has saved.

    Args:
        arrays_path: The ``.npz``.
        image_paths: The images to write.
        number: 2, 3 or 4, as in the paper.
    """
    with np.load(arrays_path) as arrays:
        names = ("filter", "input", "copies", "output")
        stride = int(arrays[f"{number}_stride"])
        parts = Overlap(stride, *(arrays[f"{number}_{name}"] for name in names))
    style.save_figure(overlap(parts), image_paths)


def _draw_boxes(axes: Axes, parts: Overlap) -> None:
    length, time = len(parts.weights), len(parts.output)
    n_rows = max(parts.rows) + 1
    inputs_y, output_y = 0.0, -(n_rows + 2.2)
    axes.axis("off")
    axes.set(ylim=(output_y - 0.6, 0.6))
    weights = ", ".join(map(_number, parts.weights))
    overlap_kind = (
        "no" if length == parts.stride else "partial" if length % parts.stride else "full"
    )
    axes.set_title(
        f"{overlap_kind} overlap: filter $w$ = [{weights}], length {length}, stride {parts.stride}",
        loc="left", fontweight="bold",
    )  # fmt: skip
    for y, name in [
        (inputs_y, "input"),
        (-1.7 - (n_rows - 1) / 2, "copies of $w$"),
        (output_y, "output: sum"),
    ]:
        axes.annotate(
            name, (0, y), (-14, 0), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha="right", va="center",
        )  # fmt: skip
    first_input = (time - len(parts.signal)) / 2
    for index, (value, row) in enumerate(zip(parts.signal, parts.rows, strict=True)):
        color = INPUT_COLORS[index % len(INPUT_COLORS)]
        _draw_box(axes, first_input + index, inputs_y, _number(value), f"$a_{{{index}}}$", color)
        y = -1.7 - row
        start = index * parts.stride
        middle = start + (length - 1) / 2
        axes.plot(
            [first_input + index, middle], [inputs_y - BOX_HEIGHT / 2, y + BOX_HEIGHT / 2],
            color=style.FAINT, lw=0.9, zorder=0,
        )  # fmt: skip
        for sample in range(start, start + length):
            name = f"$a_{{{index}}}w_{{{sample - start}}}$"
            _draw_box(axes, sample, y, _number(parts.copies[index, sample]), name, color)
    for sample, (value, at_boundary) in enumerate(zip(parts.output, parts.boundary, strict=True)):
        edge = BOUNDARY_COLOR if at_boundary else STEADY_COLOR
        _draw_box(axes, sample, output_y, _number(value), "", "white", edge)


def _draw_box(
    axes: Axes, x: float, y: float, value: str, name: str, color: str, edge: str = style.FAINT
) -> None:
    corner = (x - 0.46, y - BOX_HEIGHT / 2)
    axes.add_patch(Rectangle(corner, 0.92, BOX_HEIGHT, fc=color, ec=edge, lw=1.2))
    if name:
        axes.text(x, y + 0.18, name, ha="center", va="center", fontsize=8.5, color="#555555")
    axes.text(x, y - (0.17 if name else 0), value, ha="center", va="center", fontweight="bold")


def _mark_period(axes: Axes, parts: Overlap) -> None:
    """Draw an arrow from one peak of the steady state to the next, if it has peaks."""
    steady = np.where(parts.boundary, np.nan, parts.output)
    if np.nanmax(steady) == np.nanmin(steady):
        return
    peak = int(np.nanargmax(steady))
    ends = (peak, steady[peak]), (peak + parts.stride, steady[peak])
    arrow = {"arrowstyle": "<->", "color": style.INK, "shrinkA": 5, "shrinkB": 5}
    axes.annotate("", *ends, arrowprops=arrow)
    axes.annotate(
        f"period {parts.stride}", (peak + parts.stride / 2, steady[peak]), (0, -3),
        textcoords="offset points", ha="center", va="top",
    )  # fmt: skip


def _number(value: float) -> str:
    return f"{value:g}".replace("-", "−")
