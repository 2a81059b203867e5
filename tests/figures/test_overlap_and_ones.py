"""Figures 2 to 5: boxes, rows and signals show the values of the arrays."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from upsampling_artifacts.figures.ones import BOUNDARY_COLOR, draw_ones, ones
from upsampling_artifacts.figures.overlap import Overlap, draw_overlap, overlap
from upsampling_artifacts.probes.figure_arrays import ones_arrays, overlap_arrays


def parts(stride: int, weights: list[float], n_inputs: int = 4) -> Overlap:
    """A transposed convolution of ones, built sample by sample."""
    copies = np.full((n_inputs, (n_inputs - 1) * stride + len(weights)), np.nan)
    for index in range(n_inputs):
        copies[index, index * stride : index * stride + len(weights)] = weights
    return Overlap(stride, np.array(weights), np.ones(n_inputs), copies, np.nansum(copies, axis=0))


def stem_heights(figure: Figure) -> dict[int, float]:
    axes = figure.axes[-1]
    points = [line for line in axes.lines if line.get_marker() in ("o", "D")]
    return {
        int(x): float(y) for p in points for x, y in zip(p.get_xdata(), p.get_ydata(), strict=True)
    }


@pytest.mark.parametrize(
    "stride, weights, boundary, rows",
    [
        (3, [0.2, 0.3, -0.01], [], [0, 0, 0, 0]),
        (2, [1, 1, 1], [0, 8], [0, 1, 0, 1]),
        (1, [1, 1, 1], [0, 1, 4, 5], [0, 1, 2, 3]),
    ],
)
def test_boundary_samples_and_rows_of_copies(
    stride: int, weights: list, boundary: list, rows: list
) -> None:
    convolution = parts(stride, weights)
    assert np.flatnonzero(convolution.boundary).tolist() == boundary
    assert convolution.rows == rows


def test_boxes_show_inputs_copies_and_their_sum_column_by_column() -> None:
    figure = overlap(parts(2, [1.0, 2.0, 4.0]))
    boxes = figure.axes[0]
    n_boxes = sum(isinstance(patch, Rectangle) for patch in boxes.patches)
    assert n_boxes == 4 + 4 * 3 + 9
    texts = {(round(t.get_position()[0], 1), t.get_text()) for t in boxes.texts}
    assert {
        (2.0, "$a_{0}w_{2}$"),
        (2.0, "$a_{1}w_{0}$"),
        (2.0, "5"),
        (8.0, "$a_{3}w_{2}$"),
    } <= texts
    assert stem_heights(figure) == dict(enumerate([1, 2, 5, 2, 5, 2, 5, 2, 4]))


def test_the_marked_period_is_the_stride_and_a_constant_has_none() -> None:
    def texts(stride: int, weights: list[float]) -> list[str]:
        return [text.get_text() for text in overlap(parts(stride, weights)).axes[1].texts]

    assert "period 3" in texts(3, [0.2, 0.3, -0.01])
    assert "period 2" in texts(2, [1, 1, 1])
    assert texts(1, [1, 1, 1]) == []
    arrow = next(t for t in overlap(parts(2, [1, 1, 1])).axes[1].texts if t.arrow_patch)
    assert arrow.xy == (2, 2) and arrow.xyann == (4, 2)


def test_stems_have_the_outputs_heights_and_boundary_samples_another_color() -> None:
    output, boundary = np.array([1.0, 3.0, 2.0]), np.array([True, False, False])
    figure = ones({"a case": (output, boundary)})
    assert stem_heights(figure) == {0: 1, 1: 3, 2: 2}
    boundary_lines = [line for line in figure.axes[0].lines if line.get_color() == BOUNDARY_COLOR]
    assert [line.get_xdata().tolist() for line in boundary_lines] == [[0]]
    assert figure.axes[0].get_title(loc="left") == "a case"


def test_figures_2_to_5_are_drawn_from_arrays(tmp_path: Path) -> None:
    overlap_arrays(tmp_path / "overlap.npz")
    ones_arrays(tmp_path / "ones.npz")
    for number in (2, 3, 4):
        draw_overlap(tmp_path / "overlap.npz", [tmp_path / f"figure_{number}.png"], number)
    draw_ones(tmp_path / "ones.npz", [tmp_path / "figure_5.png", tmp_path / "figure_5.svg"])
    for number in (2, 3, 4, 5):
        assert (tmp_path / f"figure_{number}.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (tmp_path / "figure_5.svg").read_bytes()
