"""After training: each cell shows the margin of its system and signal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from upsampling_artifacts.figures.after_training import (
    LOWEST_DB,
    RANGE_DB,
    after_training_figure,
    draw_after_training,
)
from upsampling_artifacts.probes.after_training import COLUMNS

from ..looks import make_looks

LOOKS = make_looks("demucs_transposed", "demucs_nearest")
CELLS = {
    ("demucs_nearest", "door"): (-70.4, "inaudible", "bass"),
    ("demucs_nearest", "silence"): (-np.inf, "silent", ""),
    ("demucs_nearest", "near_silence"): (-np.inf, "inaudible", "drums"),
    ("demucs_transposed", "door"): (0.2, "undecided", "vocals"),
    ("demucs_transposed", "near_silence"): (-5.4, "undecided", "drums"),
    ("demucs_transposed", "silence"): (29.6, "audible", "other"),
}


@pytest.fixture
def table() -> pd.DataFrame:
    rows = [
        {
            "system": system, "signal": signal, "margin_db": margin_db, "response": response,
            "source": source,
        }
        for (system, signal), (margin_db, response, source) in CELLS.items()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


@pytest.fixture
def figure(table: pd.DataFrame) -> Figure:
    return after_training_figure(table, LOOKS, 2000.0)


def texts(figure: Figure, x: int, y: int) -> list[str]:
    return [
        text.get_text() for text in figure.axes[0].texts
        if np.allclose(text.get_position(), (x, y), atol=0.4)
    ]  # fmt: skip


def test_systems_go_down_and_signals_across_the_users_last(figure: Figure) -> None:
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["transposed", "nearest"]
    names = [label.get_text().replace("-\n", "-") for label in axes.get_xticklabels()]
    assert names == ["silence", "near-silence", "door"]


def test_cells_show_the_margin_and_the_source(figure: Figure) -> None:
    assert texts(figure, 0, 0) == ["+30", "other"]
    assert texts(figure, 1, 0) == ["−5?", "drums"]
    assert texts(figure, 2, 0) == ["0?", "vocals"]
    assert texts(figure, 0, 1) == ["exactly\nsilent"]
    assert texts(figure, 1, 1) == ["−∞", "drums"]
    assert texts(figure, 2, 1) == ["−70", "bass"]
    bold = [text.get_text() for text in figure.axes[0].texts if text.get_fontweight() == "bold"]
    assert bold == ["+30"]


def test_colors_are_the_margins_and_end_at_the_range(figure: Figure) -> None:
    first, second = (mesh for mesh in figure.axes[0].collections if isinstance(mesh, QuadMesh))
    assert first.get_array().tolist() == [[29.6, -5.4, 0.2]]
    assert second.get_array().tolist() == [[LOWEST_DB, LOWEST_DB, -70.4]]
    assert first.get_clim() == second.get_clim() == (-RANGE_DB, RANGE_DB)
    green, white, orange = (first.cmap(first.norm(value)) for value in (-RANGE_DB, 0, RANGE_DB))
    assert green[1] > green[0] and orange[0] > orange[1] and min(white[:3]) > 0.99


def test_a_system_that_was_not_probed_is_left_out(table: pd.DataFrame) -> None:
    fewer = table[table["system"] == "demucs_nearest"]
    axes = after_training_figure(fewer, LOOKS, 2000.0).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["nearest"]


def test_the_figure_is_drawn_from_its_file(table: pd.DataFrame, tmp_path: Path) -> None:
    table.to_csv(tmp_path / "after.csv", index=False)
    paths = [tmp_path / "after.png", tmp_path / "after.svg"]
    draw_after_training(tmp_path / "after.csv", paths, LOOKS, 2000.0)
    assert all(path.stat().st_size > 5000 for path in paths)
