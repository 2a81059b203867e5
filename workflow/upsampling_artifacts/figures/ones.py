"""What transposed convolutions make of ones (figure 5 of the paper)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from upsampling_artifacts.figures import style

STEADY, BOUNDARY = "#0072b2", "#d55e00"


def ones(cases: dict[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """One stem plot for each case.

    Args:
        cases: By title: the output ``(time,)`` and which of its samples are boundary artifacts.
    """
    with style.look():
        figure = style.new_figure(0.5 + 1.45 * len(cases))
        grid = figure.subplots(len(cases), squeeze=False)[:, 0]
        for axes, (title, (output, boundary)) in zip(grid, cases.items(), strict=True):
            stems(axes, output, boundary)
            axes.set_title(title, loc="left", fontweight="bold")
            axes.set_xlim(-1, len(output))
            axes.margins(y=0.12)
            axes.set_ylabel("amplitude")
        grid[-1].set_xlabel("output sample")
        handles, labels = grid[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower right", ncols=2)
    return figure


def stems(axes: Axes, output: np.ndarray, boundary: np.ndarray) -> None:
    """A signal sample by sample, its boundary samples apart.

    Args:
        axes: Where to.
        output: ``(time,)``.
        boundary: ``(time,)``: which samples are boundary artifacts.
    """
    time = np.arange(len(output))
    axes.axhline(0, color=style.FAINT, lw=0.8, zorder=1)
    kinds = [(~boundary, STEADY, "o", "steady state"), (boundary, BOUNDARY, "D", "boundary")]
    for which, colour, marker, label in kinds:
        axes.vlines(time[which], 0, output[which], color=colour, lw=1.4, zorder=2)
        axes.plot(time[which], output[which], marker, color=colour, ms=4.5, label=label)


def draw_ones(arrays_path: str | Path, image_paths: list[str | Path]) -> None:
    """Draw what :func:`figure_arrays.ones_arrays` has saved.

    Args:
        arrays_path: The ``.npz``.
        image_paths: Where to.
    """
    with np.load(arrays_path) as arrays:
        cases = {}
        kinds = zip(arrays["lengths"], arrays["strides"], arrays["random"], strict=True)
        for case, (length, stride, random) in enumerate(kinds):
            overlap = "partial" if length % stride else "full"
            weights = "random filter" if random else "filter of ones"
            title = f"{overlap} overlap, {weights} (length {length}, stride {stride})"
            cases[title] = (arrays[f"output_{case}"], arrays[f"boundary_{case}"])
    style.save_figure(ones(cases), image_paths)
