"""Paired differences of SDR: their mean, their intervals, and what those cover."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from upsampling_artifacts.evaluation.scoring import COLUMNS as SCORE_COLUMNS
from upsampling_artifacts.evaluation.sdr import MEAN, sdr_by_run
from upsampling_artifacts.evaluation.sdr_differences import (
    COLUMNS,
    sdr_differences,
    write_sdr_differences,
)

PAPER = pd.DataFrame({"system": ["a", "b"], "paper_sdr_db": [5.35, 5.17]})
SONGS = ["s", "t", "u"]
SONG_DB = {"s": -4.0, "t": 1.0, "u": 9.0, "excerpt": 50.0}


def make_scores(
    systems: dict[str, np.ndarray], sources: tuple[str, ...] = ("drums", "bass")
) -> pd.DataFrame:
    """Scores of systems with tables ``(seeds, songs)``; songs differ far more than systems do."""
    rows = [
        (
            name,
            seed,
            song,
            source,
            metric,
            SONG_DB[song] + value + 3 * (metric == "SIR"),
            1,
            1,
            None,
        )
        for name, table in systems.items()
        for seed, values in enumerate(table)
        for song, value in zip([*SONGS, "excerpt"], [*values, 7.0], strict=False)
        for source in sources
        for metric in ("SDR", "SIR")
    ]
    return pd.DataFrame(rows, columns=SCORE_COLUMNS)


def compare(systems: dict[str, np.ndarray], songs: list[str] = SONGS) -> pd.DataFrame:
    pairs = [(name, "a", name != "other") for name in systems if name != "a"]
    return sdr_differences(make_scores(systems), songs, pairs, PAPER)


def test_the_difference_is_the_mean_of_differences_song_by_song() -> None:
    """The published statistic sees the middle song only."""
    change = np.array([[0.0, -0.5, -1.0], [0.3, -0.5, -1.0], [0.6, -0.5, -1.0]])
    table = compare({"a": np.zeros((3, 3)), "b": change}).set_index("source")
    assert list(table.index) == [MEAN, "bass", "drums"]
    assert table["difference_db"].to_numpy() == pytest.approx([-0.4] * 3)
    assert table["difference_of_medians_db"].to_numpy() == pytest.approx([-0.5] * 3)
    assert (table["n_seeds"].unique(), table["n_songs"].unique()) == ([3], [3])


def test_the_difference_of_medians_is_that_of_the_published_statistic() -> None:
    rng = np.random.default_rng(0)
    systems = {name: rng.normal(size=(3, 3)) for name in "ab"}
    runs = sdr_by_run(make_scores(systems), SONGS).groupby("system")["sdr_db"].mean()
    row = compare(systems).iloc[0]
    assert row["difference_of_medians_db"] == pytest.approx(runs["b"] - runs["a"])


def test_intervals_are_wider_the_more_systems_are_compared() -> None:
    """With five comparisons each interval has 99 %. Other networks are a family of their own."""
    rng = np.random.default_rng(1)
    systems = {name: rng.normal(size=(3, 3)) for name in ("a", "b", "c", "d", "e", "f", "other")}
    table = compare(systems)
    means = table[table["source"] == MEAN].set_index("system")
    assert means["n_comparisons"].to_dict() == dict.fromkeys("bcdef", 5) | {"other": 1}
    sources = table[table["source"] != MEAN].set_index("system")
    assert sources["n_comparisons"].to_dict() == dict.fromkeys("bcdef", 10) | {"other": 2}
    b, other = means.loc["b"], means.loc["other"]
    wider = stats.t.ppf(0.995, 2) / stats.t.ppf(0.975, 2)
    half, together = b["high_db"] - b["difference_db"], b["simultaneous_high_db"]
    assert together - b["difference_db"] == pytest.approx(wider * half)
    assert b["simultaneous_low_db"] == pytest.approx(b["difference_db"] - wider * half)
    assert other["simultaneous_low_db"] == other["low_db"]


def test_the_interval_covers_seeds_and_songs_as_far_as_there_are_several() -> None:
    change = np.array([[0.1, -0.2, 0.5], [0.3, 0.4, -0.1], [-0.6, 0.2, 0.4]])
    both, seeds, songs, none = (
        compare({"a": 0 * values, "b": values}, SONGS[: values.shape[1]]).iloc[0]
        for values in (change, change[:, :1], change[:1], change[:1, :1])
    )
    assert "over seeds and over songs" in both["method"]
    for row, values in ((seeds, change[:, 0]), (songs, change[0])):
        expected = stats.t.interval(0.95, 2, values.mean(), stats.sem(values))
        assert (row["low_db"], row["high_db"]) == pytest.approx(expected)
    assert (seeds["method"], songs["method"]) == (
        "Student t over seeds; one song", "Student t over songs; one seed",
    )  # fmt: skip
    bounds = ["low_db", "high_db", "simultaneous_low_db", "simultaneous_high_db"]
    assert none[bounds].isna().all() and none["difference_db"] == pytest.approx(0.1)
    assert none["method"] == "no interval: one seed and one song"


def test_seeds_and_songs_that_one_system_lacks_do_not_count() -> None:
    scores = make_scores({"a": np.zeros((3, 3)), "b": np.ones((2, 3))})
    unscored = (scores["system"] == "b") & (scores["seed"] == 1) & (scores["song"] == "t")
    scores.loc[unscored & (scores["source"] == "bass"), "value_db"] = np.nan
    table = sdr_differences(scores, SONGS, [("b", "a", True)], PAPER).set_index("source")
    assert table["n_seeds"].to_dict() == {MEAN: 2, "bass": 2, "drums": 2}
    assert table["n_songs"].to_dict() == {MEAN: 2, "bass": 2, "drums": 3}


def test_the_papers_difference_stands_beside_the_mean_over_sources_only() -> None:
    table = compare({"a": np.zeros((2, 2)), "b": np.eye(2), "c": np.eye(2)}, SONGS[:2])
    papers = table.set_index(["system", "source"])["paper_difference_db"].dropna()
    assert papers.to_dict() == {("b", MEAN): pytest.approx(-0.18)}


def test_systems_without_scores_are_left_out(tmp_path: Path) -> None:
    make_scores({"a": np.zeros((2, 2)), "b": np.eye(2)}).to_csv(
        tmp_path / "scores.csv", index=False
    )
    PAPER.to_csv(tmp_path / "paper.csv", index=False)
    paths = tmp_path / "scores.csv", tmp_path / "paper.csv", tmp_path / "sdr_differences.csv"
    write_sdr_differences(*paths, SONGS, [("b", "a", True), ("absent", "a", True)])
    table = pd.read_csv(tmp_path / "sdr_differences.csv")
    assert list(table.columns) == COLUMNS
    assert set(table["system"]) == {"b"} and table["n_comparisons"].tolist() == [1, 2, 2]


def test_a_system_that_could_not_be_scored_changes_no_row_of_another() -> None:
    rng = np.random.default_rng(0)
    pairs = [("b", "a", True), ("c", "a", True)]
    scores = make_scores({name: rng.standard_normal((2, 3)) for name in "abc"})
    before = sdr_differences(scores, SONGS, pairs, PAPER)
    scores.loc[scores["system"] == "c", "value_db"] = np.nan
    after = sdr_differences(scores, SONGS, pairs, PAPER)
    assert set(after["system"]) == {"b"}
    pd.testing.assert_frame_equal(after, before[before["system"] == "b"])
