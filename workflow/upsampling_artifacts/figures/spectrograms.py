"""What comes out for white noise and for silence (figures 1 and 9 of the paper)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from upsampling_artifacts.artifacts.spectra import Spectrogram
from upsampling_artifacts.figures import panels, style

STAGES = {"initialization": "after initialization", "trained": "after training"}
SYSTEMS_IN_A_ROW = 6
RANGE_DB = 80.0
SILENCE_FLOOR_DB = -120.0  # below lies float32's rounding


def spectrograms(
    probes: dict[tuple[str, str], Spectrogram], tones_hz: list[float], relative: bool
) -> Figure:
    """Spectrograms of every system, after initialization (above) and after training (below).

    Args:
        probes: By ``(system, stage)``; what is missing leaves its place empty.
        tones_hz: Predicted frequencies, marked at the right edge of each panel.
        relative: Levels re each panel's maximum, as in the paper; else on one scale for all,
            re the RMS of a normalised mixture, and panels without any sound say so.
    """
    systems = list(dict.fromkeys(system for system, _ in probes))
    n_columns = min(len(systems), SYSTEMS_IN_A_ROW)
    n_bands = -(-len(systems) // n_columns)
    low, high = (-RANGE_DB, 0.0) if relative else (SILENCE_FLOOR_DB, _loudest(probes))
    with style.look():
        figure = style.new_figure(0.5 + 4.4 * n_bands)
        grid = figure.subplots(2 * n_bands, n_columns, sharex=True, sharey=True, squeeze=False)
        image = None
        for axes in grid.flat:
            axes.axis("off")
        for index, system in enumerate(systems):
            band, column = divmod(index, n_columns)
            for row, stage in enumerate(STAGES):
                axes = grid[2 * band + row, column]
                if (system, stage) in probes:
                    axes.axis("on")
                    spectrogram = probes[system, stage]
                    reference_db = spectrogram[2].max() if relative else 0.0
                    image = panels.draw(axes, spectrogram, low, high, reference_db) or image
                    panels.mark(axes, tones_hz)
                if row == 0:
                    axes.set_title(style.label(system).replace(" ", "\n"), fontweight="bold")
        for row, axes in enumerate(grid[:, 0]):
            axes.set_ylabel(f"{list(STAGES.values())[row % 2]}\nfrequency (kHz)")
        for axes in grid[-1]:
            axes.set_xlabel("time (s)")
        if image is not None:
            reference = "each panel's maximum" if relative else "the RMS of a normalised mixture"
            panels.colour_bar(figure, image, grid, f"level (dB re {reference})")
    return figure


def draw_spectrograms(
    array_paths: list[str | Path],
    image_paths: list[str | Path],
    signal: str,
    tones_hz: list[float],
) -> None:
    """Draw the spectrograms that probes have saved.

    Args:
        array_paths: Paths that end in ``<system>/seed-<n>/probe/<stage>.npz``.
        image_paths: Where to.
        signal: "noise" (drawn re each maximum) or "silence" (drawn on one scale).
        tones_hz: Predicted frequencies.
    """
    probes = {}
    for path in map(Path, array_paths):
        with np.load(path) as arrays:
            level_db = arrays[f"{signal}_db"].astype(np.float32)
            spectrogram = (arrays["frequencies_hz"], arrays["times_seconds"], level_db)
        probes[path.parents[2].name, path.stem] = spectrogram
    style.save_figure(spectrograms(probes, tones_hz, signal != "silence"), image_paths)


def _loudest(probes: dict[tuple[str, str], Spectrogram]) -> float:
    loudest = max(float(level_db.max()) for _, _, level_db in probes.values())
    return 10 * np.ceil(loudest / 10) if np.isfinite(loudest) else 0.0
