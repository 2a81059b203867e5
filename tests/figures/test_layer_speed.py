"""Speed-ups of fused layers, drawn at the values of the table."""

from pathlib import Path

import pytest
from matplotlib.axes import Axes
from upsampling_artifacts.benchmarks.upsamplers_table import speed_ups
from upsampling_artifacts.figures.layer_speed import draw_layer_speed, layer_speed

from ..speeds import make_layers

SPEED_UPS = {
    ("nearest", 64, 100): 0.8,
    ("nearest", 64, 1000): 2.0,
    ("nearest", 128, 1000): 2.5,
    ("linear", 64, 100): 0.5,
}


def points(axes: Axes) -> dict[tuple[float, float], bool]:
    """Whether each point is filled, by its position."""
    return {
        (int(line.get_xdata()[0]), round(float(line.get_ydata()[0]), 3)): (
            not isinstance(line.get_markerfacecolor(), str)
        )
        for line in axes.lines
        if line.get_marker() == "o" and len(line.get_xdata()) == 1
    }


def test_speed_ups_are_of_forward_and_backward_pass_together() -> None:
    layers = make_layers(SPEED_UPS, min_fused=1000)
    table = speed_ups(layers)
    assert table["speed_up"].tolist() == pytest.approx(list(SPEED_UPS.values()))
    assert table["samples"].tolist() == [samples for *_, samples in SPEED_UPS]
    assert speed_ups(layers.assign(direction="forward")).empty
    assert speed_ups(layers.assign(c_out=8))["widths"].tolist()[0] == "64 to 8"


def test_each_interpolation_has_a_panel_and_each_width_a_line() -> None:
    figure = layer_speed(speed_ups(make_layers(SPEED_UPS, min_fused=1000)))
    nearest, linear = figure.axes
    assert (nearest.get_title(), linear.get_title()) == ("nearest", "linear")
    assert points(nearest) == {(100, 0.8): False, (1000, 2.0): True, (1000, 2.5): True}
    assert points(linear) == {(100, 0.5): False}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["64", "128"]


def test_layer_speed_is_drawn_from_its_table(tmp_path: Path) -> None:
    make_layers(SPEED_UPS, min_fused=1000).to_csv(tmp_path / "upsamplers.csv", index=False)
    paths = [tmp_path / f"layer_speed.{kind}" for kind in ("png", "svg")]
    draw_layer_speed(tmp_path / "upsamplers.csv", paths)
    assert paths[0].stat().st_size > 5000 and b"<svg" in paths[1].read_bytes()
