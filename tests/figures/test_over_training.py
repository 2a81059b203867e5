"""The tone over training: curves, bands and kept weights are drawn at the values of the table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from upsampling_artifacts.figures.over_training import LOWEST_DB, draw_over_training, over_training
from upsampling_artifacts.probes.over_training import COLUMNS, SIGNALS

from ..looks import make_looks

SYSTEMS = ["demucs_transposed", "modified_transposed"]
LOOKS = make_looks(*SYSTEMS)
STEPS = [0, 1, 10, 100]


def make_over_training(systems: list[str] = SYSTEMS) -> pd.DataFrame:
    """A tone that falls by 30 dB per snapshot, 20 dB further down with each system. In silence, the
    last system is exactly silent."""
    rows = []
    for index, system in enumerate(systems):
        for signal in SIGNALS:
            for step, stage in [*zip(STEPS, ["initialization"] + ["training"] * 3, strict=True),
                                (90, "trained")]:  # fmt: skip
                level_db = -20.0 * index - 30.0 * len([x for x in STEPS if x < step])
                silent = signal == "silence" and index == len(systems) - 1
                values = [value + bound for value in (level_db, level_db + 40)
                          for bound in (0, -2, 2)]  # fmt: skip
                values = [np.nan] * 6 if silent else values
                rows.append((system, signal, stage, step, 2000.0, 3, 3 * silent, *values))
    return pd.DataFrame(rows, columns=COLUMNS)


@pytest.fixture
def figure() -> Figure:
    return over_training(make_over_training(), LOOKS)


def curves(axes: Axes) -> dict[str, list[tuple[float, float]]]:
    """Points by kind and color."""
    return {
        f"{line.get_label()} {line.get_color()}": list(
            zip(map(float, line.get_xdata()), map(float, line.get_ydata()), strict=True)
        )
        for line in axes.lines
    }


def test_a_curve_starts_at_initialization_and_kept_weights_are_marked(figure: Figure) -> None:
    color = LOOKS["demucs_transposed"]["color"]
    level = curves(figure.axes[1])  # near-silence
    assert level[f"mean {color}"] == [(0, 0), (1, -30), (10, -60), (100, -90)]
    assert level[f"weights kept {color}"] == [(90, -90)]
    margin = curves(figure.axes[4])
    assert margin[f"mean {color}"][:3] == [(0, 40), (1, 10), (10, -20)]


def test_values_below_the_axis_are_drawn_at_its_end(figure: Figure) -> None:
    color = LOOKS["demucs_transposed"]["color"]
    assert curves(figure.axes[4])[f"mean {color}"][3] == (100, LOWEST_DB["audibility_margin"])
    assert figure.axes[4].get_ylim()[0] == LOWEST_DB["audibility_margin"]


def test_bands_are_the_intervals(figure: Figure) -> None:
    band = figure.axes[1].collections[0].get_paths()[0].vertices
    assert {tuple(point) for point in band} >= {(0, -2), (0, 2), (1, -32), (1, -28)}


def test_exactly_silent_systems_have_no_curve(figure: Figure) -> None:
    points = curves(figure.axes[0])[f"mean {LOOKS['modified_transposed']['color']}"]
    assert points == []


def test_panels_name_their_signal_and_the_legend_the_systems(figure: Figure) -> None:
    titles = [axes.get_title(loc="left") for axes in figure.axes[:3]]
    assert titles == ["silence in", "near-silence in", "white noise in"]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == [look["label"] for look in LOOKS.values()]
    assert figure.axes[0].get_xticks().tolist() == [0, 1, 10, 100]


def test_the_figure_is_drawn_from_its_table(tmp_path: Path) -> None:
    make_over_training().to_csv(tmp_path / "over_training.csv", index=False)
    draw_over_training(
        tmp_path / "over_training.csv", [tmp_path / "f.png", tmp_path / "f.svg"], LOOKS
    )
    assert (tmp_path / "f.png").stat().st_size > 5000
    assert (tmp_path / "f.svg").exists()
