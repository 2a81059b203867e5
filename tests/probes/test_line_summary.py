"""Means of lines over seeds, and the prominence that noise reaches by chance."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.artifacts.lines import measure_line
from upsampling_artifacts.probes.line_summary import (
    CHANCE_DB,
    lines_at,
    read_lines,
    summarize_lines,
)
from upsampling_artifacts.probes.measures_table import MEASURES_COLUMNS

from ..measures import as_measures

COLUMNS = ["system", "seed", "stage", "signal", "frequency_hz", "level_db", "prominence_db"]


def some_lines() -> pd.DataFrame:
    """Not in alphabetical order; one run is exactly silent."""
    rows = [
        ("z", 1, "trained", "silence", 4000.0, -np.inf, np.nan),
        ("z", 1, "trained", "noise", 2000.0, -50.5, 12.25),
        ("z", 0, "initialization", "noise", 2000.0, -60.0, 3.0),
        ("a", 0, "trained", "noise", 689.0625, -70.0, 4.0),
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def test_lines_are_read_in_the_order_of_the_table(tmp_path: Path) -> None:
    as_measures(some_lines()).to_csv(tmp_path / "measures.csv", index=False)
    lines = read_lines(tmp_path / "measures.csv")
    pd.testing.assert_frame_equal(lines[COLUMNS], some_lines(), check_names=False)


def test_only_lines_at_the_output_are_read(tmp_path: Path) -> None:
    others = [
        ("z", 1, "trained", "noise", "output", "found_line_level", 123.0, -20.0, "dB"),
        ("z", 1, "trained", "noise", "output", "offset_level", np.nan, -20.0, "dB"),
        ("z", 1, "trained", "noise", "layer_1", "line_level", 2000.0, 99.0, "dB"),
    ]
    measures = pd.concat(
        [pd.DataFrame(others, columns=MEASURES_COLUMNS), as_measures(some_lines())]
    )
    measures.to_csv(tmp_path / "measures.csv", index=False)
    lines = read_lines(tmp_path / "measures.csv")
    pd.testing.assert_frame_equal(lines[COLUMNS], some_lines(), check_names=False)


def test_a_frequency_rounded_to_six_digits_is_found() -> None:
    lines = some_lines().assign(frequency_hz=[4000.0, 15848.4, 15849.4, 2000.0])
    assert lines_at(lines, 15848.4375)["frequency_hz"].tolist() == [15848.4]


def test_the_summary_is_mean_and_interval_over_seeds_at_one_frequency() -> None:
    rows = [("a", seed, "trained", "noise", 2000.0, -50 + seed, 10.0 * seed) for seed in range(3)]
    rows += [("a", seed, "trained", "noise", 4000.0, 0.0, 99.0) for seed in range(3)]
    row = summarize_lines(pd.DataFrame(rows, columns=COLUMNS), 2000.0).iloc[0]
    assert row["prominence_db"] == pytest.approx(10)
    assert row["prominence_high_db"] == pytest.approx(10 + 4.3027 * 10 / np.sqrt(3), abs=1e-3)
    assert row["level_db"] == pytest.approx(-49)
    assert (row["n_seeds"], row["n_silent"]) == (3, 0)


def test_exactly_silent_runs_are_left_out_of_the_mean() -> None:
    rows = [
        ("a", 0, "trained", "silence", 2000.0, -np.inf, np.nan),
        ("a", 1, "trained", "silence", 2000.0, -60.0, 40.0),
    ]
    row = summarize_lines(pd.DataFrame(rows, columns=COLUMNS), 2000.0).iloc[0]
    assert (row["n_seeds"], row["n_silent"]) == (2, 1)
    assert row["prominence_db"] == pytest.approx(40)


def test_noise_without_a_tone_stays_below_chance_39_times_in_40() -> None:
    rng = np.random.default_rng(0)
    prominences = [
        measure_line(rng.standard_normal((1, 32000)), 8000, 2000).prominence_db for _ in range(200)
    ]
    assert np.mean(np.array(prominences) < CHANCE_DB) >= 0.96
    assert np.mean(prominences) == pytest.approx(5, abs=1)
