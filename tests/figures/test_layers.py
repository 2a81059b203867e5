"""The figure of single layers: a row each, theory where there is one, exact zeros at the border."""

from pathlib import Path

import numpy as np
import pandas as pd
from upsampling_artifacts.figures.layers import FLOOR_DB, PANELS, PREDICTED, draw_layers, layers

VALUES = {
    "layer_demucs_transposed": {"offset_replica_level": 4.8, "replica_level": 0.0},
    "layer_demucs_nearest": {"offset_replica_level": -np.inf, "replica_level": -10.4},
    "layer_mine": {"offset_replica_level": -20.0, "replica_level": -3.0},
}


def measures() -> pd.DataFrame:
    rows = []
    for model, values in VALUES.items():
        for measure in PANELS:
            value = values.get(measure, 1.0)
            rows += [(model, seed, measure, value + seed / 10) for seed in range(3)]
            if model != "layer_mine":
                rows += [(model, seed, measure + PREDICTED, value) for seed in range(3)]
    return pd.DataFrame(rows, columns=["model", "seed", "measure", "value"])


def points(axes, marker: str) -> list[float]:
    return [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == marker]


def test_a_row_for_each_layer_with_its_mean_interval_and_theory() -> None:
    figure = layers(measures())
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["transposed", "nearest", "mine"]
    assert np.allclose(points(axes, "o"), [4.9, FLOOR_DB, -19.9])
    assert np.allclose(points(axes, "|"), [4.8, FLOOR_DB])  # nothing is known of mine
    intervals = [line for line in figure.axes[1].lines if len(line.get_xdata()) == 2]
    assert len(intervals) == 3
    assert np.allclose(np.mean(intervals[1].get_xdata()), -10.3)


def test_it_is_drawn_from_the_table(tmp_path: Path) -> None:
    measures().to_csv(tmp_path / "layers.csv", index=False)
    draw_layers(tmp_path / "layers.csv", [tmp_path / "layers.png", tmp_path / "layers.svg"])
    assert (tmp_path / "layers.png").stat().st_size > 5000
