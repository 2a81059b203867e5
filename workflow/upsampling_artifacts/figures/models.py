"""Networks after random initialization, fed with white noise (figures 1 and 9 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal, TypedDict

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from upsampling_artifacts.artifacts.contrast import strongest
from upsampling_artifacts.artifacts.spectra import Spectrogram
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.figures import panels, style
from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.figures.systems import belongs_to


class Panel(TypedDict):
    """One panel: the keys of a panel of ``paper_figures`` in config.

    Attributes:
        system: The system that it shows.
        show: "output", or "input": the white noise that the system is fed with.
        title: Title of the panel; None for the system's label.
        marks: Whether to mark the frequencies of predicted tones or of predicted valleys.
        floor_db: The level drawn darkest, re the input's maximum.
    """

    system: str
    show: Literal["input", "output"]
    title: str | None
    marks: Literal["tones", "valleys"]
    floor_db: float


Layout = Sequence[Sequence[Panel | None]]
"""Rows of panels; None leaves room for the legend."""


@dataclass(frozen=True)
class Probe:
    """The response of one network to white noise.

    Attributes:
        output: Mean power of all sources and channels.
        input: The white noise; its maximum is the reference level of both.
        rate_hz: Sampling rate.
        tones_hz: Where theory predicts tones.
        valleys_hz: Where theory predicts valleys if the network interpolates.
    """

    output: Spectrogram
    input: Spectrogram
    rate_hz: float
    tones_hz: np.ndarray
    valleys_hz: np.ndarray


def models(probes: Mapping[str, Probe], layout: Layout, looks: Mapping[str, Look]) -> Figure:
    """Draw one panel per network and, beside them, the noise that they are fed with.

    In each panel stands how far the strongest tone, or the deepest valley, stands out.

    Args:
        probes: The responses to draw, by system.
        layout: The panels, row by row.
        looks: Labels of the systems.
    """
    outputs = [panel for panel in chain(*layout) if panel and panel["show"] == "output"]
    with style.applied():
        figure = style.new_figure(2.55 * len(layout))
        grid = figure.subplots(len(layout), len(layout[0]), squeeze=False)
        images: dict[float, AxesImage] = {}
        legend_axes = None
        for axes, panel in zip(grid.flat, chain(*layout), strict=True):
            if panel is None:
                legend_axes = axes
                continue
            image = _draw_panel(axes, probes[panel["system"]], panel, looks)
            if panel["show"] == "output":
                belongs_to(panel["system"], axes)
            if image is not None:
                images[panel["floor_db"]] = image
        for axes in grid[:, 0]:
            axes.set_ylabel("frequency (kHz)")
        for above, below in zip(grid[:-1].flat, grid[1:].flat, strict=True):
            above.set_xlabel("" if below is not legend_axes else "time (s)")
        if legend_axes is not None:
            _draw_legend(legend_axes, images, outputs, looks)
    return figure


def draw_models(
    array_paths: Mapping[str, str | Path],
    image_paths: Sequence[str | Path],
    layout: Layout,
    looks: Mapping[str, Look],
) -> None:
    """Draw the saved probes of networks; see :func:`models`.

    Args:
        array_paths: By system, an ``.npz`` with ``frequencies_hz``, ``times_seconds``,
            ``noise_db`` ``(frequency, time)``, the same three with the prefix ``input_``,
            ``rate_hz``, ``tones_hz`` and ``valleys_hz``.
        image_paths: The images to write.
        layout: The panels, row by row.
        looks: Labels of the systems.

    Raises:
        InputError: A system of the layout has no arrays.
    """
    systems = {panel["system"] for panel in chain(*layout) if panel}
    if missing := sorted(systems - set(array_paths)):
        name = Path(image_paths[0]).stem
        raise InputError(f"{name}: no arrays for {', '.join(missing)}; probe them first")
    probes = {system: read_probe(array_paths[system]) for system in systems}
    style.save_figure(models(probes, layout, looks), image_paths)


def read_probe(path: str | Path) -> Probe:
    """Read one ``.npz`` as described in :func:`draw_models`."""
    with np.load(path) as arrays:
        return Probe(
            output=_read_spectrogram(arrays, ""),
            input=_read_spectrogram(arrays, "input_"),
            rate_hz=float(arrays["rate_hz"]),
            tones_hz=arrays["tones_hz"],
            valleys_hz=arrays["valleys_hz"],
        )


def _read_spectrogram(arrays: Mapping[str, np.ndarray], prefix: str) -> Spectrogram:
    return (
        arrays[f"{prefix}frequencies_hz"].astype(np.float32),
        arrays[f"{prefix}times_seconds"].astype(np.float32),
        arrays[f"{prefix}noise_db"].astype(np.float32),
    )


def _draw_panel(
    axes: Axes, probe: Probe, panel: Panel, looks: Mapping[str, Look]
) -> AxesImage | None:
    is_input = panel["show"] == "input"
    spectrogram = probe.input if is_input else probe.output
    image = panels.draw(axes, spectrogram, panel["floor_db"], 0.0, probe.input[2].max())
    if is_input:
        axes.set_title(f"white noise, {probe.rate_hz / 1000:g} kHz", fontweight="normal")
    else:
        axes.set_title(_title(panel, looks), fontweight="bold")
        tones = panel["marks"] == "tones"
        predicted_hz = probe.tones_hz if tones else probe.valleys_hz
        panels.mark(axes, predicted_hz, tones)
        _write_contrast(axes, *strongest(spectrogram, predicted_hz, tones))
    axes.set_xlabel("time (s)")
    return image


def _write_contrast(axes: Axes, frequency_hz: float, contrast_db: float) -> None:
    """Write above a line how far it stands out."""
    number = f"{contrast_db:+.0f}".replace("-", "−")
    axes.annotate(
        f"{number} dB at {frequency_hz / 1000:.1f} kHz", (0.97, frequency_hz / 1000), (0, 5),
        xycoords=axes.get_yaxis_transform(), textcoords="offset points", ha="right", va="bottom",
        fontsize=8, bbox={"fc": "white", "ec": "none", "alpha": 0.85, "pad": 1.5},
    )  # fmt: skip


def _title(panel: Panel, looks: Mapping[str, Look]) -> str:
    return panel["title"] or looks[panel["system"]]["label"]


def _draw_legend(
    axes: Axes,
    images: Mapping[float, AxesImage],
    outputs: Sequence[Panel],
    looks: Mapping[str, Look],
) -> None:
    """Draw one color scale per floor, and explain the marks."""
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    axes.axis("off")
    axes.text(0.5, 0.9, "level (dB re the input's maximum)", ha="center")
    top = 0.86
    usual_floor_db = max(images, default=0.0)
    for floor_db in sorted(images, reverse=True):
        titles = [_title(panel, looks) for panel in outputs if panel["floor_db"] == floor_db]
        if floor_db == usual_floor_db:
            titles = ["all others"] if len(images) > 1 else []
        top -= 0.13 + 0.08 * len(titles)
        scale_axes = axes.inset_axes((0.08, top, 0.84, 0.06))
        scale_axes.set_title("\n".join(titles), pad=3)
        bar = figure.colorbar(images[floor_db], cax=scale_axes, orientation="horizontal")
        bar.outline.set_visible(False)
        top -= 0.13
    kinds = {panel["marks"] == "tones" for panel in outputs}
    panels.legend(axes, kinds, loc="upper center", bbox_to_anchor=(0.5, top), borderpad=0)
