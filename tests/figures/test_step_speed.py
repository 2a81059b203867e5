"""Training steps: ratios and the paper's epochs are drawn at the values of the tables."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from upsampling_artifacts.benchmarks.steps_table import measured_references, paper_epoch_ratios
from upsampling_artifacts.figures.step_speed import draw_step_speed, step_speed

from ..looks import make_looks
from ..speeds import make_steps

ROWS = {
    ("demucs_transposed", "-"): 1.0,
    ("demucs_nearest", "plain"): 1.5,
    ("demucs_nearest", "fused"): 1.1,
    ("demucs_nearest", "auto"): 1.09,
    ("mine", "-"): 2.5,
}
PAPER = pd.DataFrame(
    {
        "system": ["demucs_transposed", "demucs_nearest", "wave_unet"],
        "paper_epoch_seconds": [300.0, 400.0, np.nan],
    }
)


LOOKS = make_looks("demucs_transposed", "demucs_nearest", "mine", "wave_unet")
REFERENCES = {name: look["reference"] for name, look in LOOKS.items()}


def drawn(steps: pd.DataFrame, paper: pd.DataFrame = PAPER) -> Figure:
    references = measured_references(steps["system"], REFERENCES)
    return step_speed(steps, paper_epoch_ratios(paper, REFERENCES), LOOKS, references)


def marks(axes: Axes, marker: str) -> list[tuple[float, float]]:
    return [
        (float(line.get_xdata()[0]), float(line.get_ydata()[0]))
        for line in axes.lines
        if line.get_marker() == marker
    ]


def test_each_system_has_its_points_and_the_papers_epoch() -> None:
    axes = drawn(make_steps(ROWS)).axes[0]
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == ["transposed", "nearest", "mine"]
    assert marks(axes, "o") == [(1.0, 0), (1.5, 1), (1.1, 1), (2.5, 2)]
    assert marks(axes, "|") == [(1.0, 0), (pytest.approx(4 / 3), 1)]
    open_, filled = axes.containers[1][0], axes.containers[2][0]
    assert open_.get_markerfacecolor() == "white" != filled.get_markerfacecolor()
    low, high = axes.get_xlim()
    assert low < 0.95 and 2.6 < high < 3


def test_bars_are_quartiles_of_the_ratio() -> None:
    axes = drawn(make_steps(ROWS)).axes[0]
    (bar,) = axes.containers[3][2][0].get_segments()
    np.testing.assert_allclose(bar, [(2.4, 2), (2.6, 2)])


def test_a_system_that_was_not_measured_is_named_without_a_point() -> None:
    axes = drawn(make_steps(ROWS | {("mine", "-"): np.nan})).axes[0]
    assert [y for _, y in marks(axes, "o")] == [0, 1, 1]
    (text,) = axes.texts
    assert (text.get_text().strip(), text.get_position()[1]) == ("not measured", 2)
    assert axes.get_xlim()[1] < 2


def test_a_figure_without_any_measured_system_is_drawn() -> None:
    axes = drawn(make_steps(dict.fromkeys(ROWS, np.nan)), PAPER.iloc[:0]).axes[0]
    assert not marks(axes, "o") and len(axes.get_yticklabels()) == 3


def test_the_axis_names_the_reference_that_was_measured() -> None:
    steps = make_steps({("wave_unet", "-"): 1.0, ("mine", "-"): 2.0})
    assert measured_references(steps["system"], REFERENCES) == {
        "wave_unet": "wave_unet", "mine": "wave_unet",
    }  # fmt: skip
    assert "re Wave-U-Net" in drawn(steps).axes[0].get_xlabel()
    assert "re transposed convolution" in drawn(make_steps(ROWS)).axes[0].get_xlabel()


def test_systems_may_have_references_of_their_own() -> None:
    references = REFERENCES | {"demucs_nearest": "demucs_nearest", "mine": "demucs_nearest"}
    assert measured_references(make_steps(ROWS)["system"], references) == {
        "demucs_transposed": "demucs_transposed", "demucs_nearest": "demucs_nearest",
        "mine": "demucs_nearest",
    }  # fmt: skip
    ratios = paper_epoch_ratios(PAPER, references)
    assert ratios.to_dict() == pytest.approx(
        {"demucs_transposed": 1, "demucs_nearest": 1, "wave_unet": np.nan}, nan_ok=True
    )


def test_step_speed_is_drawn_from_its_tables(tmp_path: Path) -> None:
    make_steps(ROWS).to_csv(tmp_path / "steps.csv", index=False)
    PAPER.to_csv(tmp_path / "paper.csv", index=False)
    paths = [tmp_path / f"step_speed.{kind}" for kind in ("png", "svg")]
    draw_step_speed(tmp_path / "steps.csv", tmp_path / "paper.csv", paths, LOOKS)
    assert paths[0].stat().st_size > 5000 and b"<svg" in paths[1].read_bytes()
