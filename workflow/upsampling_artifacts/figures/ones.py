"""The response of transposed convolutions to ones (figure 5 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from upsampling_artifacts.figures import style

STEADY_COLOR, BOUNDARY_COLOR = "#0072b2", "#d55e00"


def ones(cases: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Draw one stem plot per case.

    Args:
        cases: By title, the output ``(time,)`` and which of its samples are boundary artifacts.
    """
    with style.applied():
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
    """Draw a signal sample by sample, with its boundary samples in another color.

    Args:
        axes: The axes to draw into.
        output: ``(time,)``.
        boundary: ``(time,)``, whether each sample is a boundary artifact.
    """
    time = np.arange(len(output))
    axes.axhline(0, color=style.FAINT, lw=0.8, zorder=1)
    for kind, color, marker, label in [
        (~boundary, STEADY_COLOR, "o", "steady state"),
        (boundary, BOUNDARY_COLOR, "D", "boundary"),
    ]:
        axes.vlines(time[kind], 0, output[kind], color=color, lw=1.4, zorder=2)
        axes.plot(time[kind], output[kind], marker, color=color, ms=4.5, label=label)


def draw_ones(arrays_path: str | Path, image_paths: Sequence[str | Path]) -> None:
    """Draw the arrays that :func:`figure_arrays.ones_arrays` has saved.

    Args:
        arrays_path: The ``.npz``.
        image_paths: The images to write.
    """
    with np.load(arrays_path) as arrays:
        cases = {}
        settings = zip(arrays["lengths"], arrays["strides"], arrays["random"], strict=True)
        for case, (length, stride, random) in enumerate(settings):
            overlap = "partial" if length % stride else "full"
            weights = "random filter" if random else "filter of ones"
            title = f"{overlap} overlap, {weights} (length {length}, stride {stride})"
            cases[title] = (arrays[f"output_{case}"], arrays[f"boundary_{case}"])
    style.save_figure(ones(cases), image_paths)
