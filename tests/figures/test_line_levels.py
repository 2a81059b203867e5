"""Line levels: means, intervals and silent runs are drawn at the values of the table."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from upsampling_artifacts.figures.line_levels import LOWEST_DB, draw_line_levels, line_levels
from upsampling_artifacts.probes.line_summary import lines_at, lines_by_seed, summarize_lines

from ..looks import make_looks
from ..measures import as_measures, make_lines

SYSTEMS = ["demucs_transposed", "demucs_nearest", "my_upsampler"]
LOOKS = make_looks(*SYSTEMS)
MARGIN_DB = {  # of seed 0, by system and stage; each further seed has 2 dB more
    ("demucs_transposed", "initialization"): 45.0,
    ("demucs_transposed", "trained"): 30.0,
    ("demucs_nearest", "initialization"): -10.0,
    ("demucs_nearest", "trained"): -90.0,
    ("my_upsampler", "initialization"): 5.0,
    ("my_upsampler", "trained"): 15.0,
}


@pytest.fixture
def lines() -> pd.DataFrame:
    rows = []
    for (system, stage), margin_db in MARGIN_DB.items():
        for seed in range(3):
            for signal in ("silence", "near_silence", "noise", "music"):
                run = {"system": system, "stage": stage, "seed": seed, "signal": signal}
                silent = signal == "silence" and system == "my_upsampler"
                values = {"level_db": -50.0, "audibility_margin_db": margin_db + 2 * seed}
                rows.append(run | ({"level_db": -np.inf} if silent else values))
                rows.append(run | {"frequency_hz": 4000.0, "audibility_margin_db": 77.0})
    return make_lines(rows)


def drawn(lines: pd.DataFrame) -> Figure:
    summary = summarize_lines(lines, 2000.0)
    return line_levels(lines_by_seed(lines_at(lines, 2000.0)), summary, LOOKS, 2000.0)


@pytest.fixture
def figure(lines: pd.DataFrame) -> Figure:
    return drawn(lines)


def test_means_and_seeds_are_drawn_at_their_margin(figure: Figure) -> None:
    noise = figure.axes[2]
    means = [container[0].get_ydata()[0] for container in noise.containers]
    in_view = [value for value in MARGIN_DB.values() if value > LOWEST_DB]
    assert sorted(means) == pytest.approx(sorted(value + 2 for value in in_view))
    seeds = [y for line in noise.lines if line.get_marker() == "." for y in line.get_ydata()]
    assert len(seeds) == len(SYSTEMS) * 2 * 3
    assert 77.0 not in seeds


def test_a_margin_below_the_axis_is_a_triangle_at_its_bottom(figure: Figure) -> None:
    noise = figure.axes[2]
    (triangle,) = [line for line in noise.lines if line.get_marker() == "v"]
    assert round(float(triangle.get_xdata()[0])) == SYSTEMS.index("demucs_nearest")
    assert triangle.get_ydata()[0] == pytest.approx(noise.get_ylim()[0])
    assert LOWEST_DB - 10 < noise.get_ylim()[0] < LOWEST_DB


def test_a_margin_of_minus_infinity_is_below_the_axis(lines: pd.DataFrame) -> None:
    nearest = (lines["system"] == "demucs_nearest") & (lines["signal"] == "silence")
    lines.loc[nearest, "audibility_margin_db"] = -np.inf
    silence = drawn(lines).axes[0]
    triangles = [line for line in silence.lines if line.get_marker() == "v"]
    assert len(triangles) == 2


def test_arrows_point_from_initialization_to_trained(figure: Figure) -> None:
    noise = figure.axes[2]
    arrows = [text for text in noise.texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == len(SYSTEMS)
    floor = noise.get_ylim()[0]
    for system, arrow in zip(SYSTEMS, arrows, strict=True):
        ends = [max(MARGIN_DB[system, stage] + 2, floor) for stage in ("initialization", "trained")]
        assert [arrow.xyann[1], arrow.xy[1]] == pytest.approx(ends)
        assert arrow.xyann[0] < arrow.xy[0]


def test_markers_are_open_after_initialization_and_filled_after_training(figure: Figure) -> None:
    for container in figure.axes[1].containers:
        marker = container[0]
        open_marker = marker.get_markerfacecolor() == "white"
        assert open_marker == (marker.get_xdata()[0] < round(marker.get_xdata()[0]))


def test_exactly_silent_systems_are_squares_below_the_axis(figure: Figure) -> None:
    silence, noise = figure.axes[0], figure.axes[2]
    squares = [line for line in silence.lines if line.get_marker() == "s"]
    assert len(squares) == 2
    assert {round(float(line.get_xdata()[0])) for line in squares} == {2}
    assert all(line.get_ydata()[0] < silence.get_yticks().min() for line in squares)
    assert "exactly silent" in [text.get_text() for text in silence.texts]
    assert not [line for line in noise.lines if line.get_marker() == "s"]


def test_trained_lines_in_view_are_annotated_with_their_level(figure: Figure) -> None:
    assert [text.get_text() for text in figure.axes[0].texts].count("−50") == 1


def test_every_system_is_labeled_below_the_panels(figure: Figure) -> None:
    names = [label.get_text() for label in figure.axes[3].get_xticklabels()]
    assert names == ["transposed", "nearest", "my\nupsampler"]


def test_one_seed_is_drawn_without_an_interval(lines: pd.DataFrame) -> None:
    figure = drawn(lines[lines["seed"] == 0])
    assert len(figure.axes[1].containers) == len(MARGIN_DB) - 1  # one is below the axis


def test_line_levels_are_drawn_from_measures(lines: pd.DataFrame, tmp_path: Path) -> None:
    as_measures(lines).to_csv(tmp_path / "measures.csv", index=False)
    paths = [tmp_path / f"figures/line_levels.{kind}" for kind in ("png", "svg")]
    draw_line_levels(tmp_path / "measures.csv", paths, LOOKS, 2000.0)
    assert paths[0].read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in paths[1].read_bytes()
