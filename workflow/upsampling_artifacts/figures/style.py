"""One style for all figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypedDict

import matplotlib as mpl
from matplotlib.figure import Figure

from upsampling_artifacts.figures.drawn_values import drawn_values
from upsampling_artifacts.files import atomic_write

PAGE_WIDTH_INCHES = 10.0
INK = "#222222"
FAINT = "#8a8a8a"
COLOR_MAP = "magma"  # as in the paper

STYLE: dict[Any, Any] = {
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.dpi": 160,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # ships with matplotlib: the same on every machine
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
    "svg.fonttype": "none",  # text stays text: smaller, searchable, and sharp at any size
    "svg.hashsalt": "upsampling-artifacts",  # the same figure gives the same bytes
}


class Look(TypedDict):
    """How figures and the report show a system: keys of its row in config.

    Attributes:
        label: Its name in figures and tables.
        prose_name: Its name in running text.
        color: "#rrggbb".
        marker: A marker of matplotlib, which no other system of the experiment has.
        modified_from: The system of which it is a modification, drawn dashed; None for others.
        reference: The system that its training steps and epochs are compared with.
    """

    label: str
    prose_name: str
    color: str
    marker: str
    modified_from: str | None
    reference: str


class BaselineLook(TypedDict):
    """How figures and the report show a separation without a model.

    Attributes:
        label: Its name.
        dashes: Dash pattern of its line, ``(offset, (on, off))`` in points.
    """

    label: str
    dashes: tuple[float, tuple[float, float]]


SYMBOLS = {
    "o": "●", "s": "■", "^": "▲", "D": "◆", "P": "✚", "X": "✖", "v": "▼", "<": "◀", ">": "▶",
    "p": "⬟", "h": "⬢", "*": "★",
}  # fmt: skip
"""The markers as text."""

BASELINES: dict[str, BaselineLook] = {
    "mixture": {"label": "mixture, split evenly", "dashes": (0, (4, 2))},
    "ideal_ratio_mask": {"label": "ideal ratio mask", "dashes": (0, (1, 1.2))},
}
"""Looks of the separations in ``registry.BASELINES``."""


def applied() -> AbstractContextManager[None]:
    """Context manager: apply the common style while a figure is drawn or saved."""
    return mpl.rc_context(STYLE)


def new_figure(height_inches: float, width_inches: float = PAGE_WIDTH_INCHES) -> Figure:
    """Create an empty figure whose parts are laid out without overlap."""
    return Figure(figsize=(width_inches, height_inches), layout="constrained")


def wrapped(label: str) -> str:
    """Put each word of a label on a line of its own, for narrow places."""
    return label.replace(" ", "\n")


def dashes(look: Look) -> Any:
    """The line style of a system: modified systems are dashed."""
    return (0, (4, 2)) if look["modified_from"] else "solid"


def reference_name(looks: Mapping[str, Look], references: Iterable[str]) -> str:
    """Name what ratios are relative to, in running text: one system, or "its reference"."""
    names = set(references)
    return looks[names.pop()]["prose_name"] if len(names) == 1 else "its reference"


def save_figure(figure: Figure, paths: Iterable[str | Path]) -> None:
    """Write a figure to each path, in the format of its suffix.

    Args:
        figure: The figure.
        paths: ``.png`` or ``.svg``. An svg also has the numbers that the figure shows, as csv in
            its description.
    """
    with applied():
        for path in paths:
            with atomic_write(path) as unfinished:
                metadata = _svg_metadata(figure) if unfinished.suffix == ".svg" else None
                figure.savefig(unfinished, metadata=metadata)


def _svg_metadata(figure: Figure) -> dict[str, str | None]:
    numbers = drawn_values(figure).to_csv(index=False, float_format="%.5g")
    return {"Date": None, "Description": numbers}
