"""Single layers: one row each, theory where it predicts something, exact zeros at the floor."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from upsampling_artifacts.figures.layers import PANELS, draw_layers, layers
from upsampling_artifacts.probes.layer_summary import FLOOR_DB, summarize_layers
from upsampling_artifacts.probes.measures_table import PREDICTED

from ..looks import make_looks

LOOKS = make_looks("demucs_transposed", "demucs_nearest", "mine")
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


def points(axes: Axes, marker: str) -> list[float]:
    return [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == marker]


def test_layers_are_summarized_with_theory_and_exact_zeros_at_the_floor() -> None:
    summary = summarize_layers(measures()).set_index(["system", "measure"])
    assert list(summary.index.levels[0]) == ["demucs_nearest", "demucs_transposed", "mine"]
    nearest = summary.loc[("demucs_nearest", "offset_replica_level")]
    assert (nearest[["mean", "low", "high", "predicted"]] == FLOOR_DB).all()
    transposed = summary.loc[("demucs_transposed", "offset_replica_level")]
    assert np.allclose(transposed[["mean", "predicted"]].to_numpy(float), [4.9, 4.8])
    assert summary.loc["mine", "predicted"].isna().all()


def test_each_layer_has_a_row_with_its_mean_interval_and_theory() -> None:
    figure = layers(summarize_layers(measures()), LOOKS)
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["transposed", "nearest", "mine"]
    assert np.allclose(points(axes, "o"), [4.9, FLOOR_DB, -19.9])
    assert np.allclose(points(axes, "|"), [4.8, FLOOR_DB])  # theory predicts nothing for mine
    intervals = [line for line in figure.axes[1].lines if len(line.get_xdata()) == 2]
    assert len(intervals) == 3
    assert np.allclose(np.mean(intervals[1].get_xdata()), -10.3)


def test_layers_are_drawn_from_their_table(tmp_path: Path) -> None:
    measures().to_csv(tmp_path / "layers.csv", index=False)
    draw_layers(tmp_path / "layers.csv", [tmp_path / "layers.png", tmp_path / "layers.svg"], LOOKS)
    assert (tmp_path / "layers.png").stat().st_size > 5000
