"""Spectrograms of the systems' outputs for white noise and for silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from upsampling_artifacts.artifacts.spectra import Spectrogram
from upsampling_artifacts.figures import panels, style
from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.figures.systems import belongs_to

STAGES = {"initialization": "after initialization", "trained": "after training"}
SYSTEMS_PER_ROW = 6
RANGE_DB = 80.0
SILENCE_FLOOR_DB = -120.0  # the rounding errors of float32 are below it


def spectrograms(
    probes: Mapping[tuple[str, str], Spectrogram],
    looks: Mapping[str, Look],
    tones_hz: Sequence[float],
    relative: bool,
) -> Figure:
    """Draw spectrograms of every system, after initialization (above) and after training (below).

    Args:
        probes: By ``(system, stage)``; a missing one leaves its panel empty.
        looks: Labels of the systems.
        tones_hz: Predicted frequencies, marked at the right edge of each panel.
        relative: Whether levels are relative to each panel's maximum, as in the paper. Otherwise
            all panels share one scale, re the RMS of a normalized mixture.
    """
    systems = list(dict.fromkeys(system for system, _ in probes))
    n_columns = min(len(systems), SYSTEMS_PER_ROW)
    n_bands = -(-len(systems) // n_columns)
    low_db, high_db = (-RANGE_DB, 0.0) if relative else (SILENCE_FLOOR_DB, _highest_db(probes))
    with style.applied():
        figure = style.new_figure(0.5 + 4.4 * n_bands)
        grid = figure.subplots(2 * n_bands, n_columns, sharex=True, sharey=True, squeeze=False)
        image = None
        for axes in grid.flat:
            axes.axis("off")
        for index, system in enumerate(systems):
            band, column = divmod(index, n_columns)
            for row, stage in enumerate(STAGES):
                axes = grid[2 * band + row, column]
                belongs_to(system, axes)
                if (system, stage) in probes:
                    axes.axis("on")
                    spectrogram = probes[system, stage]
                    reference_db = spectrogram[2].max() if relative else 0.0
                    drawn = panels.draw(axes, spectrogram, low_db, high_db, reference_db)
                    image = drawn or image
                    panels.mark(axes, tones_hz)
                if row == 0:
                    axes.set_title(style.wrapped(looks[system]["label"]), fontweight="bold")
        for row, axes in enumerate(grid[:, 0]):
            axes.set_ylabel(f"{list(STAGES.values())[row % 2]}\nfrequency (kHz)")
        for axes in grid[-1]:
            axes.set_xlabel("time (s)")
        if image is not None:
            reference = "each panel's maximum" if relative else "the RMS of a normalized mixture"
            panels.color_bar(figure, image, grid, f"level (dB re {reference})")
    return figure


def draw_spectrograms(
    array_paths: Sequence[str | Path],
    image_paths: Sequence[str | Path],
    looks: Mapping[str, Look],
    signal: str,
    tones_hz: Sequence[float],
) -> None:
    """Draw saved spectrograms; see :func:`spectrograms`.

    Args:
        array_paths: Paths that end in ``<system>/seed-<n>/probe/<stage>.npz``.
        image_paths: The images to write.
        looks: Labels of the systems.
        signal: "noise" (drawn re each panel's maximum) or "silence" (drawn on one scale).
        tones_hz: Predicted frequencies.
    """
    probes = {}
    for path in map(Path, array_paths):
        with np.load(path) as arrays:
            level_db = arrays[f"{signal}_db"].astype(np.float32)
            spectrogram = (arrays["frequencies_hz"], arrays["times_seconds"], level_db)
        probes[path.parents[2].name, path.stem] = spectrogram
    relative = signal != "silence"
    style.save_figure(spectrograms(probes, looks, tones_hz, relative), image_paths)


def _highest_db(probes: Mapping[tuple[str, str], Spectrogram]) -> float:
    """The highest level in any panel, rounded up to a multiple of 10 dB."""
    highest_db = max(float(level_db.max()) for _, _, level_db in probes.values())
    return float(10 * np.ceil(highest_db / 10)) if np.isfinite(highest_db) else 0.0
