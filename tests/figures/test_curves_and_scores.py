"""Training curves and scores by source."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.figures.source_scores import MEAN, draw_source_scores, sdr_by_source
from upsampling_artifacts.figures.source_scores import source_scores as draw_scores
from upsampling_artifacts.figures.training_curves import draw_training_curves, training_curves

SOURCES = ["drums", "bass"]
SONGS = ["one", "two", "three"]


@pytest.fixture
def scores() -> pd.DataFrame:
    """Songs 0, 1 and 9 dB over the system's value, bass 2 dB above drums; seeds 1 dB apart."""
    rows = []
    systems = {"demucs_transposed": 3.0, "my_upsampler": 5.0, "mixture": 0.0}
    for system, base_db in systems.items():
        for seed in range(1 if system == "mixture" else 3):
            for song, song_db in [*zip(SONGS, (0.0, 1.0, 9.0), strict=True), ("excerpt", 50.0)]:
                for source, source_db in zip(SOURCES, (0.0, 2.0), strict=True):
                    value_db = base_db + seed + song_db + source_db
                    rows.append((system, seed, song, source, "SDR", value_db))
                    rows.append((system, seed, song, source, "SIR", 99.0))
    columns = ["system", "seed", "song", "source", "metric", "value_db"]
    return pd.DataFrame(rows, columns=columns)


def test_median_over_the_chosen_songs_and_mean_over_sources(scores: pd.DataFrame) -> None:
    table = sdr_by_source(scores, SONGS).set_index(["system", "seed", "source"])["sdr_db"]
    assert table["demucs_transposed", 0, "drums"] == 4.0
    assert table["demucs_transposed", 2, "bass"] == 8.0
    assert table["my_upsampler", 1, MEAN] == 8.0


def test_scores_stand_where_the_table_says(scores: pd.DataFrame) -> None:
    axes = draw_scores(scores, ["demucs_transposed", "my_upsampler"], SOURCES, SONGS).axes[0]
    means = [float(container[0].get_ydata()[0]) for container in axes.containers]
    assert means == pytest.approx([5, 7, 7, 9, 6, 8])
    assert [label.get_text() for label in axes.get_xticklabels()] == [*SOURCES, MEAN]
    baselines = [segment[0][1] for lines in axes.collections for segment in lines.get_segments()]
    assert {1.0, 3.0, 2.0} <= {float(level) for level in baselines}


def test_score_files_are_written(scores: pd.DataFrame, tmp_path: Path) -> None:
    scores.to_csv(tmp_path / "scores.csv", index=False)
    path = tmp_path / "scores.svg"
    draw_source_scores(tmp_path / "scores.csv", [path], ["my_upsampler"], SOURCES, SONGS)
    assert b"<svg" in path.read_bytes()


def log(offset: float) -> pd.DataFrame:
    return pd.DataFrame({"step": [10, 20, 30], "valid_loss": np.array([0.3, 0.2, 0.1]) + offset})


def test_curves_are_means_over_seeds_with_each_seed_thin() -> None:
    figure = training_curves({("my_upsampler", 0): log(0.0), ("my_upsampler", 1): log(0.2)})
    axes = figure.axes[0]
    thick = max(axes.lines, key=lambda line: line.get_linewidth())
    assert list(thick.get_ydata()) == pytest.approx([0.4, 0.3, 0.2])
    assert list(thick.get_xdata()) == [10, 20, 30]
    drawn = [line for line in axes.lines if len(line.get_xdata())]  # the legend's have no data
    assert len(drawn) == 3
    assert figure.legends[0].get_texts()[0].get_text() == "my upsampler"


def test_a_training_that_diverges_does_not_flatten_the_others() -> None:
    diverged = pd.DataFrame({"step": [10, 20, 30], "valid_loss": [0.3, 2e3, 1e2]})
    figure = training_curves({("good", 0): log(0.0), ("bad", 0): diverged})
    low, high = figure.axes[0].get_ylim()
    assert low < 0.1 and 0.3 < high < 0.4


def test_curve_files_are_written_from_logs(tmp_path: Path) -> None:
    paths = [tmp_path / f"demucs_linear/seed-{seed}/training.csv" for seed in (0, 1)]
    for path in paths:
        path.parent.mkdir(parents=True)
        log(0.1).to_csv(path, index=False)
    draw_training_curves(paths, [tmp_path / "curves.png"])
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
