"""What comes out for white noise and for silence (figures 1 and 9 of the paper)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from upsampling_artifacts.figures import style

STAGES = {"initialization": "after initialization", "trained": "after training"}
SYSTEMS_IN_A_ROW = 6
MOST_BINS = 520
RANGE_DB = 80.0
SILENCE_FLOOR_DB = -120.0  # below lies float32's rounding

Spectrogram = tuple[np.ndarray, np.ndarray, np.ndarray]
"""``(frequencies_hz, times_seconds, level_db)``, the last ``(frequency, time)``."""


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
        panels = figure.subplots(2 * n_bands, n_columns, sharex=True, sharey=True, squeeze=False)
        image = None
        for axes in panels.flat:
            axes.axis("off")
        for index, system in enumerate(systems):
            band, column = divmod(index, n_columns)
            for row, stage in enumerate(STAGES):
                axes = panels[2 * band + row, column]
                if (system, stage) in probes:
                    axes.axis("on")
                    image = _panel(axes, probes[system, stage], relative, low, high) or image
                    _mark_tones(axes, tones_hz)
                if row == 0:
                    axes.set_title(style.label(system).replace(" ", "\n"), fontweight="bold")
        for row, axes in enumerate(panels[:, 0]):
            axes.set_ylabel(f"{list(STAGES.values())[row % 2]}\nfrequency (kHz)")
        for axes in panels[-1]:
            axes.set_xlabel("time (s)")
        if image is not None:
            reference = "each panel's maximum" if relative else "the RMS of a normalised mixture"
            bar = figure.colorbar(image, ax=panels, shrink=0.6, aspect=30, pad=0.015)
            bar.set_label(f"level (dB re {reference})")
            bar.outline.set_visible(False)
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
        probes[path.parents[2].name, path.stem] = thinned(spectrogram)
    style.save_figure(spectrograms(probes, tones_hz, signal != "silence"), image_paths)


def thinned(spectrogram: Spectrogram) -> Spectrogram:
    """No more than ``MOST_BINS`` bins, about as many as a panel has pixels.

    Mean power of neighbours: unlike what an image viewer does, it keeps a thin line visible.
    """
    frequencies_hz, times_seconds, level_db = spectrogram
    group = -(-len(frequencies_hz) // MOST_BINS)
    if group == 1:
        return spectrogram
    whole = len(frequencies_hz) // group * group
    power = (10 ** (level_db[:whole] / 10)).reshape(-1, group, level_db.shape[1]).mean(axis=1)
    with np.errstate(divide="ignore"):
        level_db = 10 * np.log10(power)
    return frequencies_hz[:whole].reshape(-1, group).mean(axis=1), times_seconds, level_db


def _loudest(probes: dict[tuple[str, str], Spectrogram]) -> float:
    loudest = max(float(level_db.max()) for _, _, level_db in probes.values())
    return 10 * np.ceil(loudest / 10) if np.isfinite(loudest) else 0.0


def _panel(axes: Axes, spectrogram: Spectrogram, relative: bool, low: float, high: float):
    """Draw one; returns the image, or None for a panel without any sound."""
    frequencies_hz, times_seconds, level_db = spectrogram
    top_khz, end = frequencies_hz[-1] / 1000, times_seconds[-1]
    axes.set(xlim=(times_seconds[0], end), ylim=(0, top_khz))
    if not np.isfinite(level_db).any():
        axes.set_facecolor("#f3f3f3")
        axes.text(
            0.5, 0.5, "exactly\nsilent", transform=axes.transAxes, ha="center", va="center",
            style="italic",
        )  # fmt: skip
        return None
    if relative:
        level_db = level_db - level_db.max()
    return axes.imshow(
        np.maximum(level_db, low), origin="lower", aspect="auto", vmin=low, vmax=high,
        extent=(times_seconds[0], end, 0, top_khz), cmap=style.COLOUR_MAP, rasterized=True,
    )  # fmt: skip


def _mark_tones(axes: Axes, tones_hz: list[float]) -> None:
    """Small arrowheads outside the right edge, so that nothing of the line is covered."""
    for tone_hz in tones_hz:
        axes.plot(
            1.04, tone_hz / 1000, marker="<", ms=4, color=style.INK, clip_on=False,
            transform=axes.get_yaxis_transform(),
        )  # fmt: skip
