"""Training curves, and SDR by source."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.evaluation.sdr import MEAN, sdr_by_source, summarize_sdr
from upsampling_artifacts.figures.source_scores import draw_source_scores, source_scores
from upsampling_artifacts.figures.training_curves import draw_training_curves, training_curves

from ..looks import make_looks

SYSTEMS = ["demucs_transposed", "my_upsampler"]
SOURCES = ["drums", "bass"]
SONGS = ["one", "two", "three"]


@pytest.fixture
def scores() -> pd.DataFrame:
    """Songs 0, 1 and 9 dB above the system's value, bass 2 dB above drums, seeds 1 dB apart."""
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


def test_sdr_of_a_run_is_the_median_over_songs_and_the_mean_over_sources(
    scores: pd.DataFrame,
) -> None:
    table = sdr_by_source(scores, SONGS).set_index(["system", "seed", "source"])["sdr_db"]
    assert table["demucs_transposed", 0, "drums"] == 4.0
    assert table["demucs_transposed", 2, "bass"] == 8.0
    assert table["my_upsampler", 1, MEAN] == 8.0


def test_sdr_is_summarized_as_mean_and_interval_over_seeds(scores: pd.DataFrame) -> None:
    summary = summarize_sdr(scores, SONGS).set_index(["system", "source"])
    row = summary.loc[("demucs_transposed", "drums")]
    assert (row["sdr_db"], row["n_seeds"]) == (5.0, 3)
    half = 4.30265 / np.sqrt(3)
    assert [row["sdr_low_db"], row["sdr_high_db"]] == pytest.approx([5 - half, 5 + half], abs=1e-4)
    assert summary.loc[("mixture", MEAN), "sdr_db"] == 2.0
    assert np.isnan(summary.loc[("mixture", MEAN), "sdr_low_db"])


def test_runs_that_could_not_be_scored_count_in_no_mean(scores: pd.DataFrame) -> None:
    is_unscored = (scores["system"] == "my_upsampler") & (scores["seed"] == 2)
    scores.loc[is_unscored, "value_db"] = np.nan
    summary = summarize_sdr(scores, SONGS).set_index(["system", "source"])
    assert summary.loc[("my_upsampler", "drums"), "sdr_db"] == 6.5


def test_means_and_baselines_are_drawn_at_their_values(scores: pd.DataFrame) -> None:
    runs, summary = sdr_by_source(scores, SONGS), summarize_sdr(scores, SONGS)
    axes = source_scores(runs, summary, make_looks(*SYSTEMS), SOURCES).axes[0]
    means = [float(container[0].get_ydata()[0]) for container in axes.containers]
    assert means == pytest.approx([5, 7, 7, 9, 6, 8])
    assert [label.get_text() for label in axes.get_xticklabels()] == [*SOURCES, MEAN]
    baselines = [segment[0][1] for lines in axes.collections for segment in lines.get_segments()]
    assert {1.0, 3.0, 2.0} <= {float(level) for level in baselines}


def test_source_scores_are_drawn_from_their_table(scores: pd.DataFrame, tmp_path: Path) -> None:
    scores.to_csv(tmp_path / "scores.csv", index=False)
    path = tmp_path / "scores.svg"
    draw_source_scores(tmp_path / "scores.csv", [path], make_looks(*SYSTEMS), SOURCES, SONGS)
    assert b"<svg" in path.read_bytes()


def log(offset: float) -> pd.DataFrame:
    return pd.DataFrame({"step": [10, 20, 30], "valid_loss": np.array([0.3, 0.2, 0.1]) + offset})


def test_thick_curves_are_means_over_seeds_and_thin_ones_single_seeds() -> None:
    logs = {("my_upsampler", 0): log(0.0), ("my_upsampler", 1): log(0.2)}
    figure = training_curves(logs, make_looks("my_upsampler"))
    axes = figure.axes[0]
    thick = max(axes.lines, key=lambda line: line.get_linewidth())
    assert list(thick.get_ydata()) == pytest.approx([0.4, 0.3, 0.2])
    assert list(thick.get_xdata()) == [10, 20, 30]
    drawn = [line for line in axes.lines if len(line.get_xdata())]  # the legend's have no data
    assert len(drawn) == 3
    assert figure.legends[0].get_texts()[0].get_text() == "my upsampler"


def test_a_diverging_training_run_does_not_flatten_the_other_curves() -> None:
    diverged = pd.DataFrame({"step": [10, 20, 30], "valid_loss": [0.3, 2e3, 1e2]})
    logs = {("good", 0): log(0.0), ("bad", 0): diverged}
    figure = training_curves(logs, make_looks("good", "bad"))
    low, high = figure.axes[0].get_ylim()
    assert low < 0.1 and 0.3 < high < 0.4


def test_modified_systems_are_dashed() -> None:
    names = ("demucs_transposed", "modified_transposed")
    figure = training_curves({(name, 0): log(0.0) for name in names}, make_looks(*names))
    lines = figure.legends[0].get_lines()
    assert [line.is_dashed() for line in lines] == [False, True]


def test_training_curves_are_drawn_from_logs(tmp_path: Path) -> None:
    paths = [tmp_path / f"demucs_linear/seed-{seed}/training.csv" for seed in (0, 1)]
    for path in paths:
        path.parent.mkdir(parents=True)
        log(0.1).to_csv(path, index=False)
    draw_training_curves(paths, [tmp_path / "curves.png"], make_looks("demucs_linear"))
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
