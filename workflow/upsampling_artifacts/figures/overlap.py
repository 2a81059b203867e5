"""How the copies of a filter line up in a transposed convolution (figures 2, 3 and 4)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.ones import BOUNDARY, STEADY, stems

# One pale colour for each input, so that its copy of the filter can be told from the next one's.
INPUT_COLOURS = ["#cfe3f3", "#fbe0c4", "#d4ecd9", "#efd5e6", "#f2ecb8", "#d9d9ee"]
BOX_HEIGHT = 0.8
ROW_INCHES = 0.5


@dataclass(frozen=True)
class Overlap:
    """A transposed convolution, taken apart.

    Attributes:
        stride: Distance of two copies of the filter.
        weights: ``(length,)``: the filter.
        signal: ``(inputs,)``: what goes in.
        copies: ``(inputs, time)``: what each input adds; NaN where it does not reach.
        output: ``(time,)``: their sum.
    """

    stride: int
    weights: np.ndarray
    signal: np.ndarray
    copies: np.ndarray
    output: np.ndarray

    @property
    def boundary(self) -> np.ndarray:
        """``(time,)``: which samples fewer copies reach than in the middle of a long signal."""
        time = np.arange(len(self.output))
        reached_in_the_middle = [
            len(range(sample % self.stride, len(self.weights), self.stride)) for sample in time
        ]
        return np.isfinite(self.copies).sum(axis=0) < reached_in_the_middle

    @property
    def rows(self) -> list[int]:
        """``(inputs,)``: the row each copy is drawn in: one below the other, where they overlap.

        Where no more than two overlap, they take turns.
        """
        most = -(-len(self.weights) // self.stride)
        return [index % most if most <= 2 else index for index in range(len(self.signal))]


def overlap(parts: Overlap) -> Figure:
    """Inputs, copies of the filter and output as boxes; below, the output as a signal."""
    time = len(parts.output)
    n_rows = max(parts.rows) + 1
    with style.look():
        ratios = [ROW_INCHES * (n_rows + 3.4) + 0.3, 1.7]
        figure = style.new_figure(sum(ratios))
        boxes, signal = figure.subplots(2, sharex=True, height_ratios=ratios)
        _boxes(boxes, parts)
        stems(signal, parts.output, parts.boundary)
        signal.set(xlim=(-0.6, time - 0.4), xlabel="output sample", ylabel="output")
        signal.set_xticks(range(time))
        signal.margins(y=0.15)
        _mark_period(signal, parts)
        if parts.boundary.any():
            signal.legend(loc="center left", bbox_to_anchor=(1, 0.5), handletextpad=0.2)
    return figure


def draw_overlap(arrays_path: str | Path, image_paths: list[str | Path], number: int) -> None:
    """Draw what :func:`figure_arrays.overlap_arrays` has saved.

    Args:
        arrays_path: The ``.npz``.
        image_paths: Where to.
        number: 2, 3 or 4, as in the paper.
    """
    with np.load(arrays_path) as arrays:
        names = ("filter", "input", "copies", "output")
        stride = int(arrays[f"{number}_stride"])
        parts = Overlap(stride, *(arrays[f"{number}_{name}"] for name in names))
    style.save_figure(overlap(parts), image_paths)


def _boxes(axes: Axes, parts: Overlap) -> None:
    length, time = len(parts.weights), len(parts.output)
    n_rows = max(parts.rows) + 1
    inputs_y, output_y = 0.0, -(n_rows + 2.2)
    axes.axis("off")
    axes.set(ylim=(output_y - 0.6, 0.6))
    weights = ", ".join(map(_number, parts.weights))
    how = "no" if length == parts.stride else "partial" if length % parts.stride else "full"
    axes.set_title(
        f"{how} overlap: filter $w$ = [{weights}], length {length}, stride {parts.stride}",
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
        colour = INPUT_COLOURS[index % len(INPUT_COLOURS)]
        _box(axes, first_input + index, inputs_y, _number(value), f"$a_{{{index}}}$", colour)
        y = -1.7 - row
        start = index * parts.stride
        middle = start + (length - 1) / 2
        axes.plot(
            [first_input + index, middle], [inputs_y - BOX_HEIGHT / 2, y + BOX_HEIGHT / 2],
            color=style.FAINT, lw=0.9, zorder=0,
        )  # fmt: skip
        for sample in range(start, start + length):
            name = f"$a_{{{index}}}w_{{{sample - start}}}$"
            _box(axes, sample, y, _number(parts.copies[index, sample]), name, colour)
    for sample, (value, at_boundary) in enumerate(zip(parts.output, parts.boundary, strict=True)):
        edge = BOUNDARY if at_boundary else STEADY
        _box(axes, sample, output_y, _number(value), "", "white", edge)


def _box(
    axes: Axes, x: float, y: float, value: str, name: str, colour: str, edge: str = style.FAINT
) -> None:
    corner = (x - 0.46, y - BOX_HEIGHT / 2)
    axes.add_patch(Rectangle(corner, 0.92, BOX_HEIGHT, fc=colour, ec=edge, lw=1.2))
    if name:
        axes.text(x, y + 0.18, name, ha="center", va="center", fontsize=8.5, color="#555555")
    axes.text(x, y - (0.17 if name else 0), value, ha="center", va="center", fontweight="bold")


def _mark_period(axes: Axes, parts: Overlap) -> None:
    """An arrow from one of the steady state's peaks to the next, if it has any."""
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
