"""What training leaves of a tone: means, intervals and responses of tables with known values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.probes.after_training import COLUMNS, write_after_training

from ..measures import as_measures, make_lines

T2, T1 = 4.302653, 12.706205  # Student's t of 95 %, two degrees of freedom and one


def summarized(folder: Path, rows: list[dict], **sources: float) -> pd.DataFrame:
    """The summary at 2 kHz, by system and signal; more sources, by how much they are softer."""
    measures = as_measures(make_lines(rows))
    of_sources = measures[measures["source"].notna()]
    softer = [
        of_sources.assign(source=source, value=of_sources["value"] - down_db)
        for source, down_db in sources.items()
    ]
    pd.concat([*softer, measures]).to_csv(folder / "variants.csv", index=False)
    write_after_training(folder / "variants.csv", folder / "after.csv", 2000.0)
    table = pd.read_csv(folder / "after.csv")
    assert list(table.columns) == COLUMNS
    return table.set_index(["system", "signal"])


def runs(margins_db: list[float], signal: str = "silence", **changes: object) -> list[dict]:
    """Trained runs of one system with these margins, one per seed."""
    return [
        {
            "system": "a", "seed": seed, "signal": signal, "level_db": -50.0,
            "audibility_margin_db": margin_db, "tone_margin_db": margin_db, **changes,
        }
        for seed, margin_db in enumerate(margins_db)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("margins_db", "changes", "response"),
    [
        ([9.0, 10.0, 11.0], {}, "audible"),
        ([-9.0, -10.0, -11.0], {}, "inaudible"),
        ([1.0, 5.0, 9.0], {}, "undecided"),
        ([-1.0, -5.0, -9.0], {}, "undecided"),
        # Audible, but no more than at other frequencies.
        ([9.0, 10.0, 11.0], {"tone_margin_db": -5.0}, "undecided"),
        # A single run has no interval, nor have exact zeros: then, every run decides.
        ([5.0], {}, "audible"),
        ([-5.0], {}, "inaudible"),
        ([-np.inf, -5.0, -9.0], {}, "inaudible"),
        ([-np.inf, 5.0, 9.0], {}, "undecided"),
        ([-np.inf] * 3, {"level_db": -np.inf}, "silent"),
    ],
)
def test_a_response_is_decided_by_whole_intervals(
    tmp_path: Path, margins_db, changes, response
) -> None:
    row = summarized(tmp_path, runs(margins_db, **changes)).loc[("a", "silence")]
    assert row["response"] == response
    assert row["n_seeds"] == len(margins_db)
    assert row["n_silent"] == (len(margins_db) if response == "silent" else 0)


def test_of_many_signals_only_what_controls_false_discoveries_is_audible(tmp_path: Path) -> None:
    """With three seeds, p is 0.013 for 4, 5, 6 dB: enough among three signals, not among four."""
    others = [runs([-1.0, 0.0, 1.0], f"sound {index}") for index in range(3)]
    for n_others, response in ((2, "audible"), (3, "undecided")):
        rows = [*runs([4.0, 5.0, 6.0]), *(row for other in others[:n_others] for row in other)]
        assert summarized(tmp_path, rows).loc[("a", "silence"), "response"] == response


def test_means_have_intervals_over_seeds(tmp_path: Path) -> None:
    before = [
        row | {"stage": "initialization", "level_db": -30.0 + 2 * row["seed"]}
        for row in runs([30.0] * 3)
    ]
    row = summarized(tmp_path, [*before, *runs([9.0, 10.0, 11.0])]).loc[("a", "silence")]
    assert (row["lowering_db"], row["margin_db"], row["tone_margin_db"]) == (22, 10, 10)
    assert row["lowering_high_db"] - 22 == pytest.approx(T2 * 2 / np.sqrt(3), rel=1e-4)
    assert row["margin_high_db"] - 10 == pytest.approx(T2 / np.sqrt(3), rel=1e-4)
    assert row["margin_low_db"] - 10 == pytest.approx(-T2 / np.sqrt(3), rel=1e-4)
    assert row["level_db"] == -50


def test_songs_are_crossed_with_seeds(tmp_path: Path) -> None:
    """All seeds agree, so the interval is that over two songs, 4 dB apart."""
    rows = runs([1.0] * 3, "music", song="one") + runs([5.0] * 3, "music", song="two")
    row = summarized(tmp_path, rows).loc[("a", "music")]
    assert (row["margin_db"], row["n_seeds"], row["n_songs"]) == (3, 3, 2)
    assert row["margin_high_db"] - 3 == pytest.approx(T1 * 2, rel=1e-4)


def test_the_most_audible_source_is_named(tmp_path: Path) -> None:
    table = summarized(tmp_path, runs([9.0, 10.0, 11.0]), bass=3.0, vocals=-2.0)
    row = table.loc[("a", "silence")]
    assert (row["source"], row["margin_db"], row["level_db"]) == ("vocals", 12, -48)


def test_a_signal_that_was_not_fed_before_training_has_no_lowering(tmp_path: Path) -> None:
    row = summarized(tmp_path, runs([9.0, 10.0, 11.0], "speech")).loc[("a", "speech")]
    assert np.isnan(row["lowering_db"]) and row["margin_db"] == 10


def test_other_frequencies_and_arithmetics_do_not_count(tmp_path: Path) -> None:
    rows = runs([9.0, 10.0, 11.0])
    others = runs([70.0] * 3, frequency_hz=4000.0)
    row = summarized(tmp_path, [*rows, *others]).loc[("a", "silence")]
    assert row["margin_db"] == 10
    variants = pd.read_csv(tmp_path / "variants.csv")
    reference = variants.assign(arithmetic="reference", value=99.0)
    pd.concat([variants, reference]).to_csv(tmp_path / "variants.csv", index=False)
    write_after_training(tmp_path / "variants.csv", tmp_path / "after.csv", 2000.0)
    assert pd.read_csv(tmp_path / "after.csv")["margin_db"].tolist() == [10]
