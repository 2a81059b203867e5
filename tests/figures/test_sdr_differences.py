"""The figure of SDR differences: positions of points, intervals and the paper's marks."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.evaluation.sdr import MEAN
from upsampling_artifacts.evaluation.sdr_differences import COLUMNS
from upsampling_artifacts.figures.sdr_differences import (
    draw_sdr_differences,
    sdr_differences_figure,
)

from ..looks import make_looks

LOOKS = make_looks("demucs_transposed", "wave_unet", "demucs_nearest", "my_upsampler")


@pytest.fixture
def table() -> pd.DataFrame:
    rows = [
        ("wave_unet", False, MEAN, -1.0, -1.1, -0.9, 1, -1.1, -0.9, -1.0, -2.12),
        ("demucs_nearest", True, MEAN, -0.1, -0.4, 0.2, 2, -9.0, 8.8, -0.1, -0.18),
        ("demucs_nearest", True, "bass", 7.0, 6.0, 8.0, 2, 5.0, 9.0, 7.0, np.nan),
        ("my_upsampler", True, MEAN, 0.3, np.nan, np.nan, 2, np.nan, np.nan, 0.3, np.nan),
    ]
    rows = [
        (name, "demucs_transposed", same, source, 3, 3, *rest, "")
        for name, same, source, *rest in rows
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def test_points_and_intervals_lie_at_the_values_of_the_table(table: pd.DataFrame) -> None:
    axes = sdr_differences_figure(table, LOOKS).axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["nearest", "my upsampler", "Wave-U-Net"]  # other networks last
    markers = {
        kind: [
            (float(line.get_xdata()[0]), float(line.get_ydata()[0]))
            for line in axes.lines
            if line.get_marker() == kind and len(line.get_xdata())
        ]
        for kind in "oD"
    }
    assert markers["o"] == [(-0.1, 0), (0.3, 1), (-1.0, 2)]
    assert [x for x, _ in markers["D"]] == pytest.approx([-0.18, np.nan, -2.12], nan_ok=True)
    thin, thick = (lines.get_segments()[0][:, 0].tolist() for lines in axes.collections[:2])
    assert (thin, thick) == ([-9.0, 8.8], [-0.4, 0.2])
    assert axes.get_xlabel() == "SDR minus that of transposed convolution (dB)"


def test_long_intervals_do_not_set_the_scale(table: pd.DataFrame) -> None:
    low, high = sdr_differences_figure(table, LOOKS).axes[0].get_xlim()
    assert -4 < low < -2.12 and 0.3 < high < 2.5


def test_the_figure_is_drawn_from_its_table(table: pd.DataFrame, tmp_path: Path) -> None:
    table.to_csv(tmp_path / "sdr_differences.csv", index=False)
    path = tmp_path / "sdr_differences.svg"
    draw_sdr_differences(tmp_path / "sdr_differences.csv", [path], LOOKS)
    assert b"<svg" in path.read_bytes()


def test_an_empty_table_gives_an_empty_figure(table: pd.DataFrame) -> None:
    axes = sdr_differences_figure(table.iloc[:0], LOOKS).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == []
