"""The tone over training: means over seeds at each step, and when it becomes audible."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.probes.over_training import (
    COLUMNS,
    first_step_above,
    summarize_over_training,
    write_over_training,
)

from ..measures import as_measures, make_lines

HALF_WIDTH = 4.302653 / np.sqrt(3)  # of three seeds with deviation 1


def runs(seeds: range = range(3)) -> pd.DataFrame:
    """A tone that rises by 10 dB a snapshot, and by 1 dB a seed; seeds keep different weights."""
    rows = []
    for seed in seeds:
        for stage, step, level_db in (
            ("initialization", 0, -80.0), ("trained", 10 + seed, -50.0), ("training", 10, -50.0),
            ("training", 1, -70.0), ("training", 3, -60.0),
        ):  # fmt: skip
            for signal in ("silence", "music"):
                rows.append(
                    {"system": "z", "seed": seed, "stage": stage, "step": step, "signal": signal,
                     "level_db": level_db + seed, "audibility_margin_db": level_db + seed + 65}
                )  # fmt: skip
    return make_lines(rows)


def summarized(lines: pd.DataFrame, folder: Path) -> pd.DataFrame:
    as_measures(lines).to_csv(folder / "variants.csv", index=False)
    return summarize_over_training(folder / "variants.csv", 2000.0)


def test_each_step_has_a_mean_over_seeds_with_its_interval(tmp_path: Path) -> None:
    table = summarized(runs(), tmp_path)
    assert list(table.columns) == COLUMNS
    assert set(table["signal"]) == {"silence"}  # snapshots are not probed with music
    rows = table[["stage", "step", "level_db", "n_seeds"]].values.tolist()
    assert rows == [
        ["initialization", 0, -79, 3], ["training", 1, -69, 3], ["training", 3, -59, 3],
        ["training", 10, -49, 3], ["trained", 11, -49, 3],
    ]  # fmt: skip
    assert np.allclose(table["level_high_db"] - table["level_db"], HALF_WIDTH)
    assert table["audibility_margin_low_db"].iloc[2] == pytest.approx(6 - HALF_WIDTH)


def test_exactly_silent_runs_are_counted(tmp_path: Path) -> None:
    lines = runs()
    silent = (lines["step"] == 1) & (lines["seed"] == 0)
    lines.loc[silent, ["level_db", "audibility_margin_db"]] = -np.inf
    row = summarized(lines, tmp_path).iloc[1]
    assert (row["step"], row["n_seeds"], row["n_silent"], row["level_db"]) == (1, 3, 1, -68.5)


def test_the_table_is_written_and_read_back(tmp_path: Path) -> None:
    as_measures(runs()).to_csv(tmp_path / "variants.csv", index=False)
    write_over_training(tmp_path / "variants.csv", 2000.0, tmp_path / "over_training.csv")
    table = pd.read_csv(tmp_path / "over_training.csv")
    expected = summarize_over_training(tmp_path / "variants.csv", 2000.0)
    pd.testing.assert_frame_equal(
        table, expected.reset_index(drop=True), rtol=1e-5, check_dtype=False
    )


@pytest.mark.parametrize(
    ("seeds", "more_db", "step"),
    [
        (range(3), 0.0, 3),  # 6 dB over the threshold, minus 2.5
        (range(3), -4.0, 10),  # its interval includes zero at step 3
        (range(1), -4.0, 3),  # a single seed has no interval
        (range(3), 20.0, 0),
        (range(3), -40.0, None),
    ],
)
def test_a_tone_is_audible_from_the_step_at_which_its_interval_is(
    tmp_path: Path, seeds: range, more_db: float, step: int | None
) -> None:
    lines = runs(seeds)
    lines["audibility_margin_db"] += more_db
    assert first_step_above(summarized(lines, tmp_path), "audibility_margin", 0.0) == step


def test_a_tone_appears_when_its_level_is_above_a_threshold(tmp_path: Path) -> None:
    table = summarized(runs(), tmp_path)  # -79, -69, -59, -49 dB, minus 2.5
    assert first_step_above(table, "level", -72.0) == 1
    assert first_step_above(table, "level", -71.0) == 3


def test_a_tone_that_vanishes_is_not_audible_in_the_end(tmp_path: Path) -> None:
    lines = runs()
    lines["audibility_margin_db"] += 20.0
    lines.loc[lines["stage"] == "trained", "audibility_margin_db"] = -9.0
    assert first_step_above(summarized(lines, tmp_path), "audibility_margin", 0.0) is None
