"""Place labels beside points so that they cover nothing."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.systems import belongs_to

DISTANCES_POINTS = (7, 12, 20, 30, 42, 56, 72, 90)
ANGLES = np.linspace(0, 2 * np.pi, 16, endpoint=False)
MARKER_POINTS = 5.0  # half a marker, with a margin
LEADER_LINE_FROM_POINTS = 15.0
# Costs of a position: for each marker or text that the label covers, for leaving the axes, for each
# interval or leader line that it crosses, and per point of distance.
OVERLAP, OUTSIDE, CROSSING, DISTANCE = 100.0, 1000.0, 10.0, 0.3


Bar = tuple[tuple[float, float], tuple[float, float]]
"""Both ends of an interval, ``((x, y), (x, y))``."""


class Label(NamedTuple):
    """The label of a point.

    Attributes:
        text: What it says.
        x: The point, in units of the axes.
        y: The point.
        color: Of its leader line.
        system: The system to which the point belongs.
    """

    text: str
    x: float
    y: float
    color: str
    system: str


def place_labels(
    axes: Axes,
    labels: Sequence[Label],
    bars: Sequence[Bar],
) -> list[Annotation]:
    """Label each point where the label covers nothing else; distant labels get a leader line.

    Labels are placed one by one; each takes the cheapest of some hundred positions around its
    point. Call this last, when the layout of the figure no longer changes.

    Args:
        axes: The axes to draw into.
        labels: The label of each point.
        bars: The intervals.

    Returns:
        The labels, in the order of the points.
    """
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()
    pixels = figure.dpi / 72
    points = [axes.transData.transform((label.x, label.y)) for label in labels]
    canvas = _Canvas(
        frame=axes.get_window_extent(),
        occupied=[
            *(_box(point, *[2 * MARKER_POINTS * pixels] * 2) for point in points),
            *(text.get_window_extent() for text in axes.texts),
        ],
        lines=[Path(axes.transData.transform(bar)) for bar in bars],
    )
    placed = []
    for label, point in zip(labels, points, strict=True):
        text = axes.annotate(
            label.text, (label.x, label.y), (0, 0), textcoords="offset points", ha="center",
            va="center", fontsize=8, color=style.INK, zorder=6,
            bbox={"fc": "white", "ec": "none", "alpha": 0.7, "pad": 0.5},
        )  # fmt: skip
        belongs_to(label.system, text)
        text.set_in_layout(False)
        size = text.get_window_extent()
        positions = [
            (distance, _box_beside(point, size, distance * pixels, angle))
            for distance, angle in itertools.product(DISTANCES_POINTS, ANGLES)
        ]
        costs = [canvas.cost(point, *position) for position in positions]
        distance, box = positions[int(np.argmin(costs))]
        center = box.get_points().mean(axis=0)
        text.set_position(tuple((center - point) / pixels))
        if distance >= LEADER_LINE_FROM_POINTS:
            end = np.clip(point, box.min, box.max)
            (x0, y0), (x1, y1) = axes.transData.inverted().transform([point, end])
            line = axes.plot(
                [x0, x1], [y0, y1], color=label.color, linewidth=0.6, zorder=2.5, label="_leader"
            )
            belongs_to(label.system, line)
            canvas.lines.append(Path([point, end]))
        canvas.occupied.append(box)
        placed.append(text)
    return placed


@dataclass
class _Canvas:
    """What has been drawn already, in pixels.

    Attributes:
        frame: The axes.
        occupied: Markers and texts.
        lines: Intervals and leader lines.
    """

    frame: Bbox
    occupied: list[Bbox]
    lines: list[Path]

    def cost(self, point: np.ndarray, distance_points: float, box: Bbox) -> float:
        """The cost of placing the label of ``point`` in ``box``."""
        frame = self.frame
        outside = not (frame.x0 <= box.x0 and box.x1 <= frame.x1) or not (
            frame.y0 <= box.y0 and box.y1 <= frame.y1
        )
        crossed = sum(line.intersects_bbox(box, filled=False) for line in self.lines)
        if distance_points >= LEADER_LINE_FROM_POINTS:
            leader_line = Path([point, box.get_points().mean(axis=0)])
            crossed += sum(
                leader_line.intersects_bbox(other, filled=False)
                for other in self.occupied
                if not other.contains(*point)
            )
        return (
            OVERLAP * sum(box.overlaps(other) for other in self.occupied)
            + OUTSIDE * outside
            + CROSSING * crossed
            + DISTANCE * distance_points
        )


def _box_beside(point: np.ndarray, size: Bbox, distance: float, angle: float) -> Bbox:
    direction = np.array([np.cos(angle), np.sin(angle)])
    offset = distance + np.array([size.width, size.height]) / 2
    return _box(point + direction * offset, size.width, size.height)


def _box(center: np.ndarray, width: float, height: float) -> Bbox:
    return Bbox.from_bounds(center[0] - width / 2, center[1] - height / 2, width, height)
