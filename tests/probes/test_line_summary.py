"""The line at one frequency: means over songs and seeds, and whether it is more than chance."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from upsampling_artifacts.artifacts.chance import BY_CHANCE
from upsampling_artifacts.probes.line_summary import (
    lines_at,
    lines_by_seed,
    read_lines,
    summarize_arithmetics,
    summarize_lines,
)
from upsampling_artifacts.probes.measures_table import VARIANT_COLUMNS

from ..measures import as_measures, make_lines


def some_lines() -> pd.DataFrame:
    """Not in alphabetical order; one run is exactly silent."""
    return make_lines(
        [
            {"system": "z", "seed": 1, "signal": "silence", "frequency_hz": 4000.0,
             "level_db": -np.inf},
            {"system": "z", "seed": 1, "signal": "music", "song": "b", "level_db": -50.5,
             "audibility_margin_db": 2.0,
             "masking_margin_db": 3.0, "prominence_db": 12.25, "chance": 0.5, "input_chance": 0.25},
            {"system": "z", "seed": 1, "signal": "music", "song": "a", "level_db": -51.5,
             "masking_margin_db": 4.0, "prominence_db": 12.5, "chance": 0.75, "input_chance": 0.5},
            {"system": "a", "stage": "initialization", "signal": "noise", "frequency_hz": 689.0625,
             "level_db": -70.0, "masking_margin_db": -9.0, "prominence_db": 4.0, "chance": 1.0},
        ]
    )  # fmt: skip


def test_lines_are_read_in_the_order_of_the_table(tmp_path: Path) -> None:
    as_measures(some_lines()).to_csv(tmp_path / "variants.csv", index=False)
    pd.testing.assert_frame_equal(
        read_lines(tmp_path / "variants.csv"), some_lines(), check_names=False
    )


def test_only_lines_of_single_sources_in_separation_are_read(tmp_path: Path) -> None:
    key = ("z", 1, "trained", "music", "output")
    separation = ("a", "separation", "-", "32-true")
    others = [
        (*key, "found_line_level", 123.0, -20.0, "dB", *separation, None),
        (*key, "offset_level", np.nan, -20.0, "dB", *separation, None),
        (
            "z",
            1,
            "trained",
            "music",
            "layer_1",
            "line_level",
            2000.0,
            99.0,
            "dB",
            *separation,
            None,
        ),
        (*key, "line_level", 2000.0, 99.0, "dB", "a", "reference", "plain", "32-true", "drums"),
        # The mean of all sources, and the chance in one of them.
        (*key, "line_level", 2000.0, 99.0, "dB", *separation, None),
        (*key, "line_prominence_chance", 2000.0, 0.99, "1", *separation, "drums"),
    ]
    measures = pd.concat([pd.DataFrame(others, columns=VARIANT_COLUMNS), as_measures(some_lines())])
    measures.to_csv(tmp_path / "variants.csv", index=False)
    lines = read_lines(tmp_path / "variants.csv")
    pd.testing.assert_frame_equal(lines, some_lines(), check_names=False)


def test_the_source_in_which_a_measure_is_largest_counts(tmp_path: Path) -> None:
    measures = as_measures(some_lines())
    levels = measures[measures["source"].notna()]
    softer = levels.assign(source="bass", value=levels["value"] - 10)
    pd.concat([softer, measures, softer.assign(source="vocals")]).to_csv(
        tmp_path / "variants.csv", index=False
    )
    lines = read_lines(tmp_path / "variants.csv")
    pd.testing.assert_frame_equal(lines, some_lines(), check_names=False)


def test_a_frequency_rounded_to_six_digits_is_found() -> None:
    lines = some_lines().assign(frequency_hz=[4000.0, 15848.4, 15849.4, 2000.0])
    assert lines_at(lines, 15848.4375)["frequency_hz"].tolist() == [15848.4]


def test_songs_are_averaged_before_seeds() -> None:
    # The song's own level must not widen the interval over seeds.
    rows = [
        {"system": "a", "seed": seed, "signal": "music", "song": song,
         "level_db": -50.0 + seed + 20 * (song == "loud")}
        for seed in range(3) for song in ("loud", "quiet")
    ]  # fmt: skip
    lines = make_lines(rows)
    assert lines_by_seed(lines)["level_db"].tolist() == [-40, -39, -38]
    row = summarize_lines(lines, 2000.0).iloc[0]
    assert row["level_db"] == pytest.approx(-39)
    assert row["level_high_db"] == pytest.approx(-39 + 4.3027 / np.sqrt(3), abs=1e-3)
    assert (row["n_seeds"], row["n_runs"], row["n_silent"]) == (3, 6, 0)


def test_the_summary_is_of_one_frequency() -> None:
    rows = [
        {"system": "a", "seed": seed, "signal": "noise", "frequency_hz": hz,
         "masking_margin_db": margin_db + seed, "level_db": 0.0}
        for seed in range(3) for hz, margin_db in ((2000.0, 10.0), (4000.0, 99.0))
    ]  # fmt: skip
    row = summarize_lines(make_lines(rows), 2000.0).iloc[0]
    assert row["masking_margin_db"] == pytest.approx(11)


def test_exactly_silent_runs_are_left_out_of_the_mean() -> None:
    rows = [
        {"system": "a", "seed": 0, "signal": "silence", "level_db": -np.inf},
        {"system": "a", "seed": 1, "signal": "silence", "level_db": -60.0,
         "masking_margin_db": 4.0},
    ]  # fmt: skip
    row = summarize_lines(make_lines(rows), 2000.0).iloc[0]
    assert (row["n_seeds"], row["n_silent"]) == (2, 1)
    assert (row["level_db"], row["masking_margin_db"]) == (-60, 4)


@pytest.mark.parametrize(
    "chance, input_chance, n_standing_out",
    [(0.01, 0.5, 6), (0.01, np.nan, 6), (0.06, 0.5, 0), (0.01, 0.02, 0)],
)
def test_a_line_stands_out_unless_the_input_has_it_too(
    chance: float, input_chance: float, n_standing_out: int
) -> None:
    rows = [
        {"system": "a", "seed": seed, "signal": "music", "song": song, "level_db": -50.0,
         "chance": chance, "input_chance": input_chance}
        for seed in range(3) for song in ("one", "two")
    ]  # fmt: skip
    row = summarize_lines(make_lines(rows), 2000.0).iloc[0]
    assert (row["n_standing_out"], row["n_runs"]) == (n_standing_out, 6)
    expected = binomtest(n_standing_out, 6, BY_CHANCE, alternative="greater").pvalue
    assert row["by_chance"] == pytest.approx(expected)


def test_arithmetics_are_compared_only_where_there_are_several(tmp_path: Path) -> None:
    rows = [{"system": name, "signal": "silence", "level_db": -80.0} for name in ("one", "two")]
    separation = as_measures(make_lines(rows))
    reference = separation[separation["model"] == "two"].assign(arithmetic="reference", value=-190)
    pd.concat([separation, reference]).to_csv(tmp_path / "variants.csv", index=False)
    levels = summarize_arithmetics(tmp_path / "variants.csv", 2000.0)
    assert levels["system"].unique().tolist() == ["two"]
    assert levels.set_index("arithmetic")["level_db"].to_dict() == {
        "separation": -80,
        "reference": -190,
    }
