"""The figure of training steps: ratios where the table has them, the paper's beside."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from upsampling_artifacts.figures.step_speed import draw_step_speed, reference_of, step_speed

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


def marks(axes: Axes, marker: str) -> list[tuple[float, float]]:
    return [
        (float(line.get_xdata()[0]), float(line.get_ydata()[0]))
        for line in axes.lines
        if line.get_marker() == marker
    ]


def test_each_system_has_its_points_and_the_papers_beside() -> None:
    axes = step_speed(make_steps(ROWS), PAPER).axes[0]
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == ["transposed", "nearest", "mine"]
    assert marks(axes, "o") == [(1.0, 0), (1.5, 1), (1.1, 1), (2.5, 2)]
    assert marks(axes, "|") == [(1.0, 0), (pytest.approx(4 / 3), 1)]
    open_, filled = axes.containers[1][0], axes.containers[2][0]
    assert open_.get_markerfacecolor() == "white" != filled.get_markerfacecolor()
    low, high = axes.get_xlim()
    assert low < 0.95 and 2.6 < high < 3


def test_bars_are_quartiles_of_the_ratio() -> None:
    axes = step_speed(make_steps(ROWS), PAPER).axes[0]
    (bar,) = axes.containers[3][2][0].get_segments()
    np.testing.assert_allclose(bar, [(2.4, 2), (2.6, 2)])


def test_what_was_not_measured_is_named_without_a_point() -> None:
    axes = step_speed(make_steps(ROWS | {("mine", "-"): np.nan}), PAPER).axes[0]
    assert [y for _, y in marks(axes, "o")] == [0, 1, 1]
    (told,) = axes.texts
    assert (told.get_text().strip(), told.get_position()[1]) == ("not measured", 2)
    assert axes.get_xlim()[1] < 2


def test_nothing_at_all_measured_is_drawn_too() -> None:
    axes = step_speed(make_steps(dict.fromkeys(ROWS, np.nan)), PAPER.iloc[:0]).axes[0]
    assert not marks(axes, "o") and len(axes.get_yticklabels()) == 3


def test_the_axis_says_what_ratios_are_of() -> None:
    steps = make_steps({("wave_unet", "-"): 1.0, ("mine", "-"): 2.0})
    assert reference_of(steps) == "wave_unet"
    by_chance = make_steps({("mine", "-"): 1.0, **ROWS})
    by_chance.loc[0, ["ratio_low_quartile", "ratio_high_quartile"]] = 0.99, 1.01
    assert reference_of(by_chance) == "demucs_transposed"
    assert "re Wave-U-Net" in step_speed(steps, PAPER).axes[0].get_xlabel()


def test_it_is_drawn_from_the_tables(tmp_path: Path) -> None:
    make_steps(ROWS).to_csv(tmp_path / "steps.csv", index=False)
    PAPER.to_csv(tmp_path / "paper.csv", index=False)
    paths = [tmp_path / f"step_speed.{kind}" for kind in ("png", "svg")]
    draw_step_speed(tmp_path / "steps.csv", tmp_path / "paper.csv", paths)
    assert paths[0].stat().st_size > 5000 and b"<svg" in paths[1].read_bytes()
