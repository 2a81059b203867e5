"""Means of lines over seeds, and what counts as chance."""

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.artifacts.line_summary import CHANCE_DB, summarise_lines
from upsampling_artifacts.artifacts.lines import measure_line

COLUMNS = ["system", "seed", "stage", "signal", "frequency_hz", "level_db", "prominence_db"]


def test_mean_and_interval_over_seeds_of_one_frequency() -> None:
    rows = [("a", seed, "trained", "noise", 2000.0, -50 + seed, 10.0 * seed) for seed in range(3)]
    rows += [("a", seed, "trained", "noise", 4000.0, 0.0, 99.0) for seed in range(3)]
    row = summarise_lines(pd.DataFrame(rows, columns=COLUMNS), 2000.0).iloc[0]
    assert row["prominence_db"] == pytest.approx(10)
    assert row["prominence_high_db"] == pytest.approx(10 + 4.3027 * 10 / np.sqrt(3), abs=1e-3)
    assert row["level_db"] == pytest.approx(-49)
    assert (row["n_seeds"], row["n_silent"]) == (3, 0)


def test_exactly_silent_runs_are_counted_and_enter_no_mean() -> None:
    rows = [
        ("a", 0, "trained", "silence", 2000.0, -np.inf, np.nan),
        ("a", 1, "trained", "silence", 2000.0, -60.0, 40.0),
    ]
    row = summarise_lines(pd.DataFrame(rows, columns=COLUMNS), 2000.0).iloc[0]
    assert (row["n_seeds"], row["n_silent"]) == (2, 1)
    assert row["prominence_db"] == pytest.approx(40)


def test_noise_without_a_tone_stays_below_chance_39_times_in_40() -> None:
    rng = np.random.default_rng(0)
    prominences = [
        measure_line(rng.standard_normal((1, 32000)), 8000, 2000).prominence_db for _ in range(200)
    ]
    assert np.mean(np.array(prominences) < CHANCE_DB) >= 0.96
    assert np.mean(prominences) == pytest.approx(5, abs=1)
