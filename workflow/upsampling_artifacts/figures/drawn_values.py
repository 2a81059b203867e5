"""The numbers that a figure shows, read back from what is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import LineCollection, PathCollection, PolyCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter
from numpy.typing import ArrayLike

from upsampling_artifacts.figures.systems import system_of

COLOR_BAR = "<colorbar>"  # matplotlib's label of its axes
COLUMNS = ["panel", "system", "series", "kind", "x", "y", "value"]


def drawn_values(figure: Figure) -> pd.DataFrame:
    """List the points, lines, intervals, bands and cells of a figure, in the axes' units.

    Where an axis names things instead of counting, the table has the names. Of a spectrogram, which
    holds a hundred thousand levels, it has the median over time at each frequency.

    Args:
        figure: A figure with its final axes.

    Returns:
        A row per point, with the columns ``COLUMNS``. A line has its points in order; an interval
        has its two ends; a band its outline; a cell its center, and its value; a spectrogram y, the
        frequency, and the value.
    """
    rows = [
        (_title(axes), system_of(artist) or system_of(axes), _series(artist), kind, x, y, value)
        for axes in figure.axes
        if axes.get_label() != COLOR_BAR
        for artist in axes.get_children()
        if _in_units_of(axes, artist)
        for kind, x, y, value in _points(axes, artist)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _title(axes: Axes) -> str:
    titles = (axes.get_title(loc) for loc in ("center", "left", "right"))
    return " ".join(next(filter(None, titles), "").split())


def _series(artist: Artist) -> str:
    label = str(artist.get_label())
    return "" if label.startswith("_") else label


def _in_units_of(axes: Axes, artist: Artist) -> bool:
    """Whether both coordinates are data: grid lines and arrowheads at the margin are none."""
    if isinstance(artist, AxesImage):
        return True
    if isinstance(artist, PathCollection):
        transform = artist.get_offset_transform()
    elif isinstance(artist, Line2D | LineCollection | PolyCollection | QuadMesh):
        transform = artist.get_transform()
    else:
        return False
    return all(transform.contains_branch_separately(axes.transData))


def _points(axes: Axes, artist: Artist) -> Iterator[tuple[str, object, object, float]]:
    """``(kind, x, y, value)`` of each point of an artist; the value of what has none is NaN."""
    values = np.array([])
    parts: Sequence[ArrayLike]
    match artist:
        case Line2D():
            kind, parts = "line", [artist.get_xydata()]
        case PathCollection():
            kind, parts = "point", [artist.get_offsets()]
        case LineCollection():
            kind, parts = "interval", [part for part in artist.get_segments() if len(part)]
        case PolyCollection():
            kind, parts = "band", [path.vertices for path in artist.get_paths()]
        case QuadMesh():
            corners = np.asarray(artist.get_coordinates(), dtype=float)
            kind, parts = "cell", [((corners[:-1, :-1] + corners[1:, 1:]) / 2).reshape(-1, 2)]
            values = np.ma.masked_invalid(np.ma.asarray(artist.get_array())).filled(np.nan).ravel()
        case AxesImage():
            levels = np.asarray(artist.get_array(), dtype=float)
            _, _, bottom, top = artist.get_extent()
            half_bin = (top - bottom) / len(levels) / 2
            heights = np.linspace(bottom + half_bin, top - half_bin, len(levels))
            for height, level in zip(heights, np.median(levels, axis=1), strict=True):
                yield "median over time", None, height, level
            return
        case _:
            return
    points = np.concatenate([np.empty((0, 2)), *(np.asarray(part, dtype=float) for part in parts)])
    names = _names(axes.xaxis), _names(axes.yaxis)
    for index, (x, y) in enumerate(points):
        if np.isfinite([x, y]).all():
            value = float(values[index]) if len(values) else np.nan
            yield kind, _named(x, names[0]), _named(y, names[1]), value


def _named(place: float, names: list[str]) -> str | float:
    """The nearest name along an axis of names."""
    return names[round(place)] if 0 <= round(place) < len(names) else float(place)


def _names(axis: Axis) -> list[str]:
    """The names at the places 0, 1, 2, ... of an axis; empty if it counts."""
    formatter = axis.get_major_formatter()
    places = axis.get_majorticklocs()
    # `set_ticks` with labels looks them up in a function.
    if not isinstance(formatter, FuncFormatter) or list(places) != list(range(len(places))):
        return []
    return [" ".join(formatter(place).split()) for place in places]
