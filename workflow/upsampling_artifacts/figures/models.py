"""Full-size models after random initialization, white noise in (figures 1 and 9 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from upsampling_artifacts.artifacts.spectra import Spectrogram
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.figures import panels, style

TITLES = {
    "melgan": "MelGAN",
    "demucs_transposed": "Demucs, transposed",
    "demucs_nearest": "Demucs, nearest",
    "demucs_linear": "Demucs, linear",
    "demucs_subpixel": "Demucs, subpixel",
    "modified_transposed": "modified, transposed",
    "modified_subpixel": "modified, subpixel",
}
INTERPOLATIONS = {"demucs_nearest", "demucs_linear"}  # valleys where the others have tones
LOW_DB = {"melgan": -200.0}
USUAL_LOW_DB = -150.0

INPUT = " input"  # after a system's name: what it was fed with
KEY = ""  # the scales and what the marks mean
LAYOUTS = {
    1: [
        ["melgan" + INPUT, "melgan", "demucs_transposed" + INPUT, "demucs_transposed"],
        ["demucs_nearest", "demucs_subpixel", "demucs_linear", KEY],
    ],
    9: [
        ["demucs_transposed" + INPUT, "demucs_transposed", "modified_transposed"],
        [KEY, "demucs_subpixel", "modified_subpixel"],
    ],
}


@dataclass(frozen=True)
class Probe:
    """What one model makes of white noise.

    Attributes:
        output: Mean power of all sources and channels.
        input: What it was fed with; its maximum is the reference of both.
        rate_hz: Sampling rate.
        tones_hz: Where theory predicts tones.
        valleys_hz: Where it predicts valleys, if the model interpolates.
    """

    output: Spectrogram
    input: Spectrogram
    rate_hz: float
    tones_hz: np.ndarray
    valleys_hz: np.ndarray


def models(probes: Mapping[str, Probe], layout: list[list[str]]) -> Figure:
    """One panel for each model, beside what they were fed with.

    Args:
        probes: By system.
        layout: Rows of names: of a system, or with ``INPUT`` added its input; once ``KEY``.
    """
    with style.look():
        figure = style.new_figure(2.55 * len(layout))
        grid = figure.subplots(len(layout), len(layout[0]), squeeze=False)
        images = {}
        for axes, name in zip(grid.flat, np.ravel(layout).tolist(), strict=True):
            if name == KEY:
                key = axes
                continue
            system = name.removesuffix(INPUT)
            image = _panel(axes, probes[system], system, is_input=name.endswith(INPUT))
            images[image.norm.vmin] = image
        for axes in grid[:, 0]:
            axes.set_ylabel("frequency (kHz)")
        for above, below in zip(grid[:-1].flat, grid[1:].flat, strict=True):
            above.set_xlabel("" if below is not key else "time (s)")
        _explain(key, images, {name not in INTERPOLATIONS for name in np.ravel(layout) if name})
    return figure


def draw_models(
    arrays_paths: Mapping[str, str | Path], image_paths: list[str | Path], number: int
) -> None:
    """Draw what the probes of full-size models have saved.

    Args:
        arrays_paths: By system, an ``.npz`` with ``frequencies_hz``, ``times_seconds``,
            ``noise_db`` ``(frequency, time)``, the same three with ``input_`` before them,
            ``rate_hz``, ``tones_hz`` and ``valleys_hz``.
        image_paths: Where to.
        number: 1 or 9, as in the paper.

    Raises:
        InputError: A system of the figure has no arrays.
    """
    layout = LAYOUTS[number]
    systems = {name.removesuffix(INPUT) for row in layout for name in row if name != KEY}
    if missing := sorted(systems - set(arrays_paths)):
        raise InputError(f"figure {number}: no arrays for {', '.join(missing)}; probe them first")
    probes = {system: read_probe(arrays_paths[system]) for system in systems}
    style.save_figure(models(probes, layout), image_paths)


def read_probe(path: str | Path) -> Probe:
    """Read one ``.npz`` that :func:`draw_models` describes."""
    with np.load(path) as arrays:
        output, fed = (
            tuple(
                arrays[prefix + name].astype(np.float32)
                for name in ("frequencies_hz", "times_seconds", "noise_db")
            )
            for prefix in ("", "input_")
        )
        rate_hz = float(arrays["rate_hz"])
        return Probe(output, fed, rate_hz, arrays["tones_hz"], arrays["valleys_hz"])


def _panel(axes: Axes, probe: Probe, system: str, is_input: bool) -> AxesImage:
    low_db = USUAL_LOW_DB if is_input else LOW_DB.get(system, USUAL_LOW_DB)
    spectrogram = probe.input if is_input else probe.output
    image = panels.draw(axes, spectrogram, low_db, 0.0, reference_db=probe.input[2].max())
    if is_input:
        title = f"white noise, {probe.rate_hz / 1000:g} kHz"
    else:
        title = TITLES[system]
        tones = system not in INTERPOLATIONS
        panels.mark(axes, probe.tones_hz if tones else probe.valleys_hz, tones)
    axes.set_title(title, fontweight="normal" if is_input else "bold")
    axes.set_xlabel("time (s)")
    return image


def _explain(axes: Axes, images: dict[float, AxesImage], kinds: set[bool]) -> None:
    """The scales, by their lowest level, and the marks, in a place without a panel."""
    axes.axis("off")
    axes.text(0.5, 0.9, "level (dB re the input's maximum)", ha="center")
    top = 0.86
    for low_db in sorted(images, reverse=True):
        whose = [TITLES[system] for system, low in LOW_DB.items() if low == low_db]
        place = axes.inset_axes((0.08, top - 0.2, 0.84, 0.06))
        place.set_title(", ".join(whose) or ("all others" if len(images) > 1 else ""), pad=3)
        bar = axes.figure.colorbar(images[low_db], cax=place, orientation="horizontal")
        bar.outline.set_visible(False)
        top -= 0.34
    panels.legend(axes, kinds, loc="upper center", bbox_to_anchor=(0.5, top), borderpad=0)
