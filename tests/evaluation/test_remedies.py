"""Remedies compared with doing nothing: from hand-made runs to tables with known changes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from upsampling_artifacts.evaluation.remedies import COLUMNS, NOTHING, write_remedies
from upsampling_artifacts.evaluation.remedy_summary import (
    SUMMARY_COLUMNS,
    read_summary,
    summarize_remedies,
)
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.models.saved import save_model

from ..measures import as_measures, make_lines

SONGS = ["one", "two"]
REMEDIES = {"filtered": "low-pass", "derived": "subtracted"}
REFERENCES = dict.fromkeys(REMEDIES, "plain")
# By system: levels of three seeds in near-silence, and SDR of two songs (seed 0; each next seed is
# 0.1 dB better).
LEVELS_DB = {
    "plain": [-50.0, -52.0, -54.0],
    "filtered": [-80.0, -81.0, -82.0],
    "derived": [-np.inf, -np.inf, -np.inf],
}
SDR_DB = {"plain": [3.0, 5.0], "filtered": [2.0, 4.5], "derived": [3.0, 5.0]}
STEPS_PER_SECOND = {"plain": 20.0, "filtered": 10.0}
TAPS = {"plain": "none", "filtered": "learnable", "derived": "none"}
ABOUT = {
    "architecture": "demucs",
    "options": {"channels": 2, "depth": 1, "lstm_layers": 0},
    "sources": ["drums", "bass"],
    "audio_channels": 2,
    "rate_hz": 8000,
    "seed": 0,
}
PLAIN_PARAMETERS = (2 * 2 * 8 + 2) + 2 * (2 * 4 * 3 + 4) + (2 * 4 * 8 + 4)


def write_run(folder: Path, system: str, seed: int) -> Path:
    """The files of one run: its model, its probe, its log and museval's scores."""
    run = folder / system / f"seed-{seed}"
    (run / "probe").mkdir(parents=True)
    upsampler = {"name": "transposed", "length": 8, "low_pass": TAPS[system]}
    about = {**ABOUT, "upsampler": upsampler}
    model = build_model("demucs", ABOUT["options"], upsampler, n_sources=2, audio_channels=2)
    save_model(run / "model.safetensors", model.state_dict(), about)
    level_db = LEVELS_DB[system][seed]
    lines = [
        {"system": system, "seed": seed, "signal": "near_silence", "level_db": level_db,
         "audibility_margin_db": level_db + 60},
        *(
            {"system": system, "seed": seed, "signal": "music", "song": song, "level_db": level}
            for song, level in (("one", -70.0), ("two", -60.0))
        ),
        {"system": system, "seed": seed, "signal": "near_silence", "level_db": 7.0,
         "frequency_hz": 4000.0},
    ]  # fmt: skip
    as_measures(make_lines(lines)).to_csv(run / "probe/trained.csv", index=False)
    if system in STEPS_PER_SECOND:
        log = pd.DataFrame({"step": [1, 2], "steps_per_second": STEPS_PER_SECOND[system]})
        log.to_csv(run / "training.csv", index=False)
    for song, sdr_db in zip([*SONGS, "excerpt"], [*SDR_DB[system], 50.0], strict=True):
        metrics = dict.fromkeys(["ISR", "SIR", "SAR"], 0.0)
        targets = [
            {
                "name": source,
                "frames": [
                    {"metrics": metrics | {"SDR": sdr_db + 0.1 * seed + offset}}
                    for offset in (-9.0, 0.0, 1.0)  # their median is 0
                ],
            }
            for source in ABOUT["sources"]
        ]
        path = run / "scores/test" / f"{song}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"targets": targets}))
    return run


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("variants")
    folders = [write_run(folder, system, seed) for system in LEVELS_DB for seed in range(3)]
    paths = [folder / name for name in ("remedies.csv", "summary.csv")]
    write_remedies(folders, *paths, REMEDIES, REFERENCES, SONGS, 2000.0)
    return pd.read_csv(paths[0]).fillna({"signal": ""}), read_summary(paths[1])


def summary_row(tables: tuple, system: str, measure: str, signal: str = "") -> pd.Series:
    summary = tables[1]
    chosen = (summary["system"] == system) & (summary["measure"] == measure)
    (row,) = summary[chosen & (summary["signal"] == signal)].to_dict("records")
    return pd.Series(row)


def test_the_table_has_a_row_per_run_signal_and_measure(tables) -> None:
    table = tables[0]
    assert list(table.columns) == COLUMNS
    assert dict(zip(table["system"], table["remedy"], strict=True)) == REMEDIES | {"plain": NOTHING}
    plain = table[(table["system"] == "plain") & (table["seed"] == 1)]
    values = plain.set_index(["measure", "signal"])["value"]
    assert values["line_level", "near_silence"] == -52
    assert values["audibility_margin", "near_silence"] == 8
    assert values["line_level", "music"] == -65  # the mean over songs
    assert values["sdr", "one"] == pytest.approx(3.1)
    assert values["step_seconds", ""] == pytest.approx(0.05)
    assert values["parameters", ""] == PLAIN_PARAMETERS
    assert ("sdr", "excerpt") not in values
    derived = table[table["system"] == "derived"]
    assert "step_seconds" not in set(derived["measure"])  # it was not trained


def test_changes_are_paired_by_seed(tables) -> None:
    level = summary_row(tables, "filtered", "line_level", "near_silence")
    changes = np.array([-30.0, -29.0, -28.0])
    assert level["reference"] == "plain"
    assert level["remedy"] == "low-pass"
    assert (level["value"], level["reference_value"], level["change"]) == (-81, -52, -29)
    half = stats.t.ppf(0.975, 2) * changes.std(ddof=1) / np.sqrt(3)
    assert level["high"] == pytest.approx(-29 + half, abs=1e-3)
    assert level["value_high"] == pytest.approx(-81 + half, abs=1e-3)
    together = stats.t.ppf(1 - 0.025 / 2, 2) / stats.t.ppf(0.975, 2)
    assert level["n_comparisons"] == 2
    assert level["simultaneous_low"] == pytest.approx(-29 - together * half, abs=1e-3)


def test_changes_of_sdr_are_paired_by_seed_and_song(tables) -> None:
    """Both songs are 2 dB apart and seeds 0.1; the changes are -1 and -0.5 dB in every seed."""
    sdr = summary_row(tables, "filtered", "sdr")
    assert (sdr["n_seeds"], sdr["n_songs"]) == (3, 2)
    assert sdr["change"] == pytest.approx(-0.75)
    half = stats.t.ppf(0.975, 1) * 0.25  # over songs; seeds change nothing
    assert (sdr["low"], sdr["high"]) == pytest.approx((-0.75 - half, -0.75 + half), rel=1e-4)
    same = summary_row(tables, "derived", "sdr")
    assert (same["change"], same["low"], same["high"]) == pytest.approx((0, 0, 0), abs=1e-9)


def test_costs_are_ratios(tables) -> None:
    assert summary_row(tables, "filtered", "step_seconds")["change"] == pytest.approx(2)
    parameters = summary_row(tables, "filtered", "parameters")
    # 31 taps for each of the four output channels.
    assert parameters["change"] == pytest.approx(1 + 31 * 4 / PLAIN_PARAMETERS, rel=1e-5)
    assert parameters["change_unit"] == "1"
    assert summary_row(tables, "filtered", "gflop_per_second")["change"] > 1


def test_an_exactly_silent_output_has_no_interval(tables) -> None:
    level = summary_row(tables, "derived", "line_level", "near_silence")
    assert level["value"] == level["change"] == -np.inf
    assert np.isnan([level["low"], level["simultaneous_high"], level["value_low"]]).all()


def test_seeds_that_one_system_lacks_do_not_count(tables) -> None:
    table = tables[0]
    table = table[(table["system"] != "filtered") | (table["seed"] < 2)]
    summary = summarize_remedies(table, {"filtered": "plain"})
    assert list(summary.columns) == SUMMARY_COLUMNS
    assert set(summary["n_seeds"]) == {2}
    level = summary[(summary["measure"] == "line_level") & (summary["signal"] == "near_silence")]
    assert level["change"].item() == -29.5
    assert set(summary["n_comparisons"]) == {1}


def test_one_seed_and_one_song_give_changes_without_intervals(tables) -> None:
    table = tables[0]
    one = table[(table["seed"] == 0) & ~table["signal"].eq("two")]
    summary = summarize_remedies(one, {"filtered": "plain"}).set_index("measure")
    assert summary.loc["sdr", "change"] == pytest.approx(-1)
    assert np.isnan(summary.loc["sdr", ["low", "high"]].astype(float)).all()
