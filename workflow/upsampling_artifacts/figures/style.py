"""One look for all figures."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from upsampling_artifacts.files import atomic_write

PAGE_WIDTH_INCHES = 10.0
INK = "#222222"
FAINT = "#8a8a8a"
COLOUR_MAP = "magma"  # the paper's

LABELS = {
    "demucs_subpixel_icnr": "subpixel, ICNR",
    "demucs": "Demucs",
    "wave_unet": "Wave-U-Net",
    "open_unmix": "Open-Unmix",
    "sams_net": "Sams-Net, reconstructed",
    "mixture": "mixture, shared out",
    "ideal_ratio_mask": "ideal ratio mask",
}

PROSE = {
    "demucs_transposed": "transposed convolution",
    "demucs_nearest": "nearest-neighbour interpolation",
    "demucs_linear": "linear interpolation",
    "demucs_subpixel": "subpixel convolution",
    "modified_transposed": "modified transposed convolution",
    "modified_subpixel": "modified subpixel convolution",
}

# Okabe & Ito's colours, which stay apart for colour-blind readers: warm for the upsamplers that
# repeat a learnt pattern, blue for interpolation.
COLOURS = {
    "demucs_transposed": "#d55e00",
    "demucs_nearest": "#0072b2",
    "demucs_linear": "#56b4e9",
    "demucs_subpixel": "#cc79a7",
    "modified_transposed": "#e69f00",
    "modified_subpixel": "#009e73",
}
OTHER_COLOURS = ["#332288", "#882255", "#117733", "#999933", "#44aa99", "#661100"]  # Paul Tol's

LOOK = {
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.dpi": 160,
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.framealpha": 1,
    "legend.edgecolor": "white",
    "legend.fontsize": 8.5,
    "svg.hashsalt": "upsampling-artifacts",  # the same figure gives the same bytes
}


def look() -> AbstractContextManager:
    """The common settings, for the time a figure is drawn or saved."""
    return mpl.rc_context(LOOK)


def new_figure(height_inches: float, width_inches: float = PAGE_WIDTH_INCHES) -> Figure:
    """An empty figure that keeps its parts from overlapping."""
    return Figure(figsize=(width_inches, height_inches), layout="constrained")


def label(system: str) -> str:
    """A system's name for readers. The Demucs-like ones are called by their upsampler."""
    return LABELS.get(system, system.removeprefix("demucs_").replace("_", " "))


def prose(system: str) -> str:
    """A system's name as it stands in a sentence."""
    return PROSE.get(system, label(system))


def colours(systems: Iterable[str]) -> dict[str, str]:
    """One colour for each system: fixed for the paper's, cycling for others."""
    others = [system for system in systems if system not in COLOURS]
    cycle = {name: OTHER_COLOURS[i % len(OTHER_COLOURS)] for i, name in enumerate(others)}
    return {system: COLOURS.get(system) or cycle[system] for system in systems}


def is_modified(system: str) -> bool:
    """Whether it is one of the paper's modified systems, which are drawn dashed."""
    return system.startswith("modified_")


def save_figure(figure: Figure, paths: Iterable[str | Path]) -> None:
    """Write a figure to each of the paths, in the format that the suffix names.

    Args:
        figure: The figure.
        paths: ``.png`` or ``.svg``. Text in an svg becomes outlines, so that it needs no font.
    """
    with look():
        for path in paths:
            with atomic_write(path) as unfinished:
                metadata = {"Date": None} if unfinished.suffix == ".svg" else None
                figure.savefig(unfinished, metadata=metadata)
