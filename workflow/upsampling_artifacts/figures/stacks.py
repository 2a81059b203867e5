"""Stacked upsamplers, layer by layer (figures 6, 7 and 8 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from upsampling_artifacts.artifacts.lines import predicted_frequencies
from upsampling_artifacts.artifacts.spectra import Spectrogram
from upsampling_artifacts.figures import panels, style

LOW_DB, HIGH_DB = -100.0, 0.0
STRIDE = 2

ROWS = {
    6: [
        ("nearest_music", "nearest + convolution,\nmusic in", False),
        ("linear_noise", "linear + convolution,\nwhite noise in", False),
    ],
    7: [("subpixel_ones", "subpixel convolution,\nones in", True)],
    8: [
        ("transposed_ones", "transposed convolution,\nones in", True),
        ("linear_alone_noise", "linear, no convolution,\nwhite noise in", False),
    ],
}
"""Rows of each figure: name in the arrays, label, whether theory predicts tones (else valleys)."""


def stacks(
    rows: Mapping[tuple[str, bool], Sequence[Spectrogram]], rates_hz: Sequence[float]
) -> Figure:
    """Draw one row of panels per stack: its input and the outputs of its layers.

    Args:
        rows: Spectrograms of the input and of each layer's output, re the input's maximum; by label
            and whether theory predicts tones (else valleys).
        rates_hz: Sampling rates of the columns.
    """
    image = None
    with style.applied():
        figure = style.new_figure(0.95 + 2.05 * len(rows))
        grid = figure.subplots(len(rows), len(rates_hz), sharex="col", squeeze=False)
        for axes_row, ((label, tones), spectrograms) in zip(grid, rows.items(), strict=True):
            axes_row[0].set_ylabel("frequency (kHz)")
            axes_row[0].annotate(
                label, (0, 0.5), (-48, 0), xycoords="axes fraction", textcoords="offset points",
                rotation=90, ha="center", va="center", fontweight="bold",
            )  # fmt: skip
            columns = zip(axes_row, spectrograms, rates_hz, strict=True)
            for layer, (axes, spectrogram, rate_hz) in enumerate(columns):
                image = panels.draw(axes, spectrogram, LOW_DB, HIGH_DB) or image
                axes.set_yticks(np.linspace(0, rate_hz / 2000, 5))
                if layer > 0:
                    panels.mark(axes, predicted_frequencies(rate_hz, STRIDE**layer), tones)
        for layer, (axes, rate_hz) in enumerate(zip(grid[0], rates_hz, strict=True)):
            name = f"layer {layer}" if layer else "input"
            axes.set_title(f"{name}, {rate_hz / 1000:g} kHz", fontweight="bold")
        for axes in grid[-1]:
            axes.set_xlabel("time (s)")
        if image is not None:
            panels.color_bar(figure, image, grid, "level (dB re the input's maximum)")
        kinds = {tones for _, tones in rows}
        panels.legend(figure, kinds, loc="outside lower right", ncols=2)
    return figure


def draw_stacks(arrays_path: str | Path, image_paths: Sequence[str | Path], number: int) -> None:
    """Draw the arrays that :func:`figure_arrays.stack_arrays` has saved.

    Args:
        arrays_path: The ``.npz``.
        image_paths: The images to write.
        number: 6, 7 or 8, as in the paper.
    """
    with np.load(arrays_path) as arrays:
        rates_hz = arrays["rates_hz"].tolist()
        rows = {
            (label, tones): [
                _read_spectrogram(arrays, f"{row}_{layer}") for layer in range(len(rates_hz))
            ]
            for row, label, tones in ROWS[number]
        }
    style.save_figure(stacks(rows, rates_hz), image_paths)


def _read_spectrogram(arrays: Mapping[str, np.ndarray], name: str) -> Spectrogram:
    return (
        arrays[f"{name}_frequencies_hz"].astype(np.float32),
        arrays[f"{name}_times_seconds"].astype(np.float32),
        arrays[f"{name}_db"].astype(np.float32),
    )
