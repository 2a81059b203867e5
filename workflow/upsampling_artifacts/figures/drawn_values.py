"""The numbers that a figure shows, read back from what is drawn."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import LineCollection, PathCollection, PolyCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter

from upsampling_artifacts.figures.systems import system_of

COLUMNS = ["panel", "system", "series", "kind", "x", "y", "value"]


def drawn_values(figure: Figure) -> pd.DataFrame:
    """List the points, lines, intervals, bands and cells of a figure, in the axes' units.

    Where an axis names things instead of counting, the table has the names. Spectrograms are left
    out: they hold a hundred thousand levels each.

    Args:
        figure: A figure with its final axes.

    Returns:
        A row per point, with the columns ``COLUMNS``. A line has its points in order; an interval
        has its two ends; a band its outline; a cell its center, and its value.
    """
    rows = [
        (_title(axes), system_of(artist) or system_of(axes), _series(artist), kind, x, y, value)
        for axes in figure.axes
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
    if isinstance(artist, PathCollection):
        return artist.get_offset_transform().contains_branch(axes.transData)
    return artist.get_visible() and all(
        artist.get_transform().contains_branch_seperately(axes.transData)
    )


def _points(axes: Axes, artist: Artist) -> Iterator[tuple[str, object, object, float | None]]:
    """``(kind, x, y, value)`` of each point of an artist."""
    if isinstance(artist, QuadMesh):
        corners = artist.get_coordinates()
        centers = (corners[:-1, :-1] + corners[1:, 1:]) / 2
        values = np.ma.filled(artist.get_array(), np.nan).ravel()
        kind, points = "cell", centers.reshape(-1, 2)
    elif isinstance(artist, Line2D):
        kind, points = "line", artist.get_xydata()
    elif isinstance(artist, PathCollection):
        kind, points = "point", np.asarray(artist.get_offsets())
    elif isinstance(artist, LineCollection):
        kind, points = "interval", np.concatenate([np.empty((0, 2)), *artist.get_segments()])
    elif isinstance(artist, PolyCollection):
        outlines = [path.vertices for path in artist.get_paths()]
        kind, points = "band", np.concatenate([np.empty((0, 2)), *outlines])
    else:
        return
    named = _names(axes.xaxis), _names(axes.yaxis)
    for index, point in enumerate(np.asarray(points, dtype=float)):
        if np.isfinite(point).all():
            x, y = (
                names[round(place)] if names and 0 <= round(place) < len(names) else float(place)
                for names, place in zip(named, point, strict=True)
            )
            yield kind, x, y, float(values[index]) if kind == "cell" else None


def _names(axis: Axis) -> list[str]:
    """The names at the places 0, 1, 2, ... of an axis; empty if it counts."""
    formatter = axis.get_major_formatter()
    places = axis.get_majorticklocs()
    if not isinstance(formatter, FixedFormatter) or list(places) != list(range(len(places))):
        return []
    return [" ".join(name.split()) for name in formatter.seq]
