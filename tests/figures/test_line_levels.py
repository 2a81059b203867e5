"""Line levels: means, intervals and silent runs are drawn at the values of the table."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from upsampling_artifacts.figures.line_levels import draw_line_levels, line_levels
from upsampling_artifacts.probes.line_summary import lines_at, summarize_lines

from ..looks import make_looks
from ..measures import as_measures

SYSTEMS = ["demucs_transposed", "demucs_nearest", "my_upsampler"]
LOOKS = make_looks(*SYSTEMS)
PROMINENCE_DB = {  # of seed 0, by system and stage; each further seed has 2 dB more
    ("demucs_transposed", "initialization"): 100.0,
    ("demucs_transposed", "trained"): 60.0,
    ("demucs_nearest", "initialization"): -10.0,
    ("demucs_nearest", "trained"): -30.0,
    ("my_upsampler", "initialization"): 5.0,
    ("my_upsampler", "trained"): 15.0,
}


@pytest.fixture
def lines() -> pd.DataFrame:
    rows = []
    for (system, stage), prominence_db in PROMINENCE_DB.items():
        for seed in range(3):
            for signal in ("silence", "noise", "music"):
                level_db, value_db = -50.0, prominence_db + 2 * seed
                if signal == "silence" and system == "my_upsampler":
                    level_db, value_db = -np.inf, np.nan
                rows.append((system, seed, stage, signal, 2000.0, level_db, value_db))
                rows.append((system, seed, stage, signal, 4000.0, 0.0, 77.0))
    columns = ["system", "seed", "stage", "signal", "frequency_hz", "level_db", "prominence_db"]
    return pd.DataFrame(rows, columns=columns)


def drawn(lines: pd.DataFrame) -> Figure:
    summary = summarize_lines(lines, 2000.0)
    return line_levels(lines_at(lines, 2000.0), summary, LOOKS, 2000.0)


@pytest.fixture
def figure(lines: pd.DataFrame) -> Figure:
    return drawn(lines)


def test_means_and_seeds_are_drawn_at_their_prominence(figure: Figure) -> None:
    noise = figure.axes[1]
    means = [container[0].get_ydata()[0] for container in noise.containers]
    assert sorted(means) == pytest.approx(sorted(v + 2 for v in PROMINENCE_DB.values()))
    seeds = [y for line in noise.lines if line.get_marker() == "." for y in line.get_ydata()]
    assert len(seeds) == len(SYSTEMS) * 2 * 3
    assert 77.0 not in seeds


def test_arrows_point_from_initialization_to_trained(figure: Figure) -> None:
    arrows = [text for text in figure.axes[1].texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == len(SYSTEMS)
    for system, arrow in zip(SYSTEMS, arrows, strict=True):
        assert arrow.xyann[1] == pytest.approx(PROMINENCE_DB[system, "initialization"] + 2)
        assert arrow.xy[1] == pytest.approx(PROMINENCE_DB[system, "trained"] + 2)
        assert arrow.xyann[0] < arrow.xy[0]


def test_markers_are_open_after_initialization_and_filled_after_training(figure: Figure) -> None:
    for container in figure.axes[1].containers:
        marker = container[0]
        open_marker = marker.get_markerfacecolor() == "white"
        assert open_marker == (marker.get_xdata()[0] < round(marker.get_xdata()[0]))


def test_exactly_silent_systems_are_squares_below_the_axis(figure: Figure) -> None:
    silence, noise, _ = figure.axes[:3]
    squares = [line for line in silence.lines if line.get_marker() == "s"]
    assert len(squares) == 2
    assert {round(float(line.get_xdata()[0])) for line in squares} == {2}
    assert all(line.get_ydata()[0] < min(PROMINENCE_DB.values()) for line in squares)
    assert "exactly silent" in [text.get_text() for text in silence.texts]
    assert not [line for line in noise.lines if line.get_marker() == "s"]


def test_trained_lines_in_silence_are_annotated_with_their_level(figure: Figure) -> None:
    assert [text.get_text() for text in figure.axes[0].texts].count("−50") == 2


def test_every_system_is_labeled_below_the_panels(figure: Figure) -> None:
    names = [label.get_text() for label in figure.axes[2].get_xticklabels()]
    assert names == ["transposed", "nearest", "my\nupsampler"]


def test_one_seed_is_drawn_without_an_interval(lines: pd.DataFrame) -> None:
    figure = drawn(lines[lines["seed"] == 0])
    assert len(figure.axes[1].containers) == len(PROMINENCE_DB)


def test_line_levels_are_drawn_from_measures(lines: pd.DataFrame, tmp_path: Path) -> None:
    as_measures(lines).to_csv(tmp_path / "measures.csv", index=False)
    paths = [tmp_path / f"figures/line_levels.{kind}" for kind in ("png", "svg")]
    draw_line_levels(tmp_path / "measures.csv", paths, LOOKS, 2000.0)
    assert paths[0].read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in paths[1].read_bytes()
