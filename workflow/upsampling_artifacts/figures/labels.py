"""Names beside points, without overlap."""

from __future__ import annotations

import itertools

import numpy as np
from matplotlib.axes import Axes
from matplotlib.path import Path
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

DISTANCES_POINTS = (7, 12, 20, 30, 42, 56, 72, 90)
ANGLES = np.linspace(0, 2 * np.pi, 16, endpoint=False)
MARKER_POINTS = 5.0  # half of one, with some air
FROM_HERE_ON_A_LINE = 15.0
# What a place for a name costs: on something else that is to be read, off the axes, over an
# interval, with a line through another name, and each point of distance.
OVERLAP, OUTSIDE, CROSSING, DISTANCE = 100.0, 1000.0, 10.0, 0.3


def place_labels(
    axes: Axes,
    labels: list[tuple[str, float, float, str]],
    bars: list[tuple[tuple[float, float], tuple[float, float]]],
) -> list[Annotation]:
    """Write a name beside each point, where it covers nothing else; far ones on a thin line.

    One after the other, each takes the best of a few dozen places around its point. To be called
    last: where things stand in the figure must be settled.

    Args:
        axes: Where to.
        labels: Text, x, y and colour of each point.
        bars: Both ends of each interval, ``((x, y), (x, y))``.
    """
    figure = axes.figure
    figure.draw_without_rendering()
    pixels = figure.dpi / 72
    frame = axes.get_window_extent()
    to_pixels = axes.transData.transform
    points = [to_pixels((x, y)) for _, x, y, _ in labels]
    taken = [_box(point, *[2 * MARKER_POINTS * pixels] * 2) for point in points]
    taken += [text.get_window_extent() for text in axes.texts]
    intervals = [Path(to_pixels(bar)) for bar in bars]
    lines: list[Path] = []
    written = []
    for (name, x, y, colour), point in zip(labels, points, strict=True):
        text = axes.annotate(
            name, (x, y), (0, 0), textcoords="offset points", ha="center", va="center",
            fontsize=8, color=colour, zorder=6,
        )  # fmt: skip
        text.set_in_layout(False)
        size = text.get_window_extent()

        def place(where: tuple[float, float], point=point, size=size) -> Bbox:
            distance, angle = where
            direction = np.array([np.cos(angle), np.sin(angle)])
            away = distance * pixels + np.array([size.width, size.height]) / 2
            return _box(point + direction * away, size.width, size.height)

        def cost(where: tuple[float, float], point=point, place=place) -> float:
            box = place(where)
            line = Path([point, box.get_points().mean(axis=0)])
            outside = not (frame.x0 <= box.x0 and box.x1 <= frame.x1) or not (
                frame.y0 <= box.y0 and box.y1 <= frame.y1
            )
            crossed = sum(bar.intersects_bbox(box, filled=False) for bar in [*intervals, *lines])
            if where[0] >= FROM_HERE_ON_A_LINE:
                crossed += sum(
                    line.intersects_bbox(other, filled=False)
                    for other in taken
                    if not other.contains(*point)
                )
            return (
                OVERLAP * sum(box.overlaps(other) for other in taken)
                + OUTSIDE * outside
                + CROSSING * crossed
                + DISTANCE * where[0]
            )

        best = min(itertools.product(DISTANCES_POINTS, ANGLES), key=cost)
        box = place(best)
        centre = box.get_points().mean(axis=0)
        text.set_position((centre - point) / pixels)
        if best[0] >= FROM_HERE_ON_A_LINE:
            end = np.clip(point, box.min, box.max)
            (x0, y0), (x1, y1) = axes.transData.inverted().transform([point, end])
            axes.plot([x0, x1], [y0, y1], color=colour, linewidth=0.6, zorder=2.5)
            lines.append(Path([point, end]))
        taken.append(box)
        written.append(text)
    return written


def _box(centre: np.ndarray, width: float, height: float) -> Bbox:
    return Bbox.from_bounds(centre[0] - width / 2, centre[1] - height / 2, width, height)
