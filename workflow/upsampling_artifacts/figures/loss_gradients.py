"""The gradients that losses send back to the waveform: spectra of their mean and their power."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from upsampling_artifacts.figures import style
from upsampling_artifacts.probes.loss_summary import LABELS

CURVES = {
    "gradient": ("#0072b2", "mean gradient (re its RMS)"),
    "gradient_power": ("#d55e00", "mean square (re its mean over time)"),
}
COLUMNS = 2
LOWEST_DB, HIGHEST_DB = -70.0, -5.0
STRIDES = {4: {"linewidth": 1.1}, 16: {"linewidth": 0.6}}
"""Strides whose multiples are marked, and how."""


def loss_gradients(arrays: Mapping[str, np.ndarray]) -> Figure:
    """Draw one panel per loss: what repeats in its gradient, and at which frequencies.

    Args:
        arrays: As :func:`probes.loss_gradients.probe_loss_gradients` writes them.
    """
    frequencies_hz = arrays["frequencies_hz"]
    losses = list(dict.fromkeys(name.rpartition("/")[0] for name in arrays if "/" in name))
    rows = -(-len(losses) // COLUMNS)
    with style.applied():
        figure = style.new_figure(0.9 + 1.75 * rows)
        grid = list(figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).flat)
        for axes, loss in zip(grid, losses, strict=False):
            _draw_frame(axes, LABELS.get(loss, loss), float(frequencies_hz[-1]))
            for kind, (color, label) in CURVES.items():
                level_db = arrays[f"{loss}/{kind}_db"]
                axes.plot(frequencies_hz / 1000, level_db, color=color, linewidth=0.7, label=label)
        for axes in grid[len(losses) :]:
            axes.set_axis_off()
        figure.supxlabel("frequency (kHz)", fontsize=9)
        figure.supylabel("level of a line (dB)", fontsize=9)
        handles = grid[0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside upper right", ncols=2, frameon=False)
    return figure


def draw_loss_gradients(npz_path: str | Path, image_paths: Sequence[str | Path]) -> None:
    """Draw the spectra of gradients; see :func:`loss_gradients`.

    Args:
        npz_path: ``gradients.npz``.
        image_paths: The images to write.
    """
    with np.load(npz_path) as arrays:
        style.save_figure(loss_gradients(dict(arrays)), image_paths)


def _draw_frame(axes: Axes, title: str, nyquist_hz: float) -> None:
    axes.set_title(title, fontweight="bold", loc="left")
    axes.set_ylim(LOWEST_DB, HIGHEST_DB)
    axes.set_xlim(0, nyquist_hz / 1000)
    for stride, look in STRIDES.items():
        spacing_khz = 2 * nyquist_hz / 1000 / stride
        for frequency_khz in spacing_khz * np.arange(1, stride // 2 + 1):
            axes.axvline(
                frequency_khz, color=style.FAINT, linestyle=(0, (1, 2)), zorder=0.5, **look
            )
