"""Numbers as text, costs, excerpts and verdicts."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.report import findings
from upsampling_artifacts.report.audio import busiest_start
from upsampling_artifacts.report.comparison import trained_for
from upsampling_artifacts.report.costs import job_costs
from upsampling_artifacts.report.numbers import (
    duration,
    listed,
    millions,
    number,
    significant,
    with_interval,
)

from ..looks import make_looks


def test_numbers_have_a_true_minus_and_dashes_where_there_is_nothing() -> None:
    assert number(-1.26) == "−1.3"
    assert number(float("nan")) == number(None) == number(float("-inf")) == "-"
    assert with_interval(5.0, 5.25, 2) == "5.00 ± 0.25"
    assert with_interval(5.0, float("nan"), 2) == "5.00"
    assert with_interval(float("nan"), float("nan")) == "-"
    assert [millions(n) for n in (703148208, 8893348, 1128104)] == ["703M", "8.9M", "1.13M"]
    assert [duration(s) for s in (42.4, 785, 25380)] == ["42 s", "13 min 5 s", "7 h 3 min"]
    assert [listed(list(s)) for s in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]


def test_costs_are_summed_per_rule_and_overlapping_jobs_count_once_by_the_clock(
    tmp_path: Path,
) -> None:
    # Two jobs that ran side by side, and one long after them.
    paths = []
    for name, end, seconds, memory in (
        ("a", 1100, 100, 50),
        ("b", 1150, 100, 90),
        ("c", 9000, 5, 1),
    ):
        path = tmp_path / f"{name}.tsv"
        path.write_text(f"s\tmax_rss\n{seconds}\t{memory}\n")
        os.utime(path, (end, end))
        paths.append(str(path))
    costs = job_costs({"train": paths[:2], "score": [paths[2], str(tmp_path / "lost.tsv")]})
    assert costs["rules"][0] == {
        "rule": "train", "jobs": 2, "seconds": 200, "longest_seconds": 100, "peak_memory_mb": 90,
    }  # fmt: skip
    assert costs["rules"][1]["jobs"] == 1
    assert (costs["seconds"], costs["busy_seconds"], costs["peak_memory_mb"]) == (205, 155, 90)


def write_job(path: Path, seconds: float) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\tmax_rss\n{seconds}\t1\n")
    os.utime(path, (seconds, seconds))  # all of them began at once, as far as the clock goes
    return str(path)


def test_the_longest_chain_of_jobs_goes_through_the_slowest_run(tmp_path: Path) -> None:
    def run(system: str, name: str, seconds: float) -> str:
        return write_job(tmp_path / f"variants/{system}/seed-0/benchmarks/{name}.tsv", seconds)

    benchmarks = {
        "song": [write_job(tmp_path / "songs/train/a.tsv", 7)],
        "cache": [write_job(tmp_path / f"cache/{song}.tsv", s) for song, s in (("a", 1), ("b", 5))],
        "train": [run("fast", "train", 50), run("slow", "train", 60)],
        "separate": [run("fast", "separate", 10), run("slow", "separate", 5)],
        "score": [run("fast", "score", 20), run("slow", "score", 10), run("mixture", "score", 25)],
        "baseline": [run("mixture", "baseline", 2)],
        "probe": [run("slow", "probe_trained", 14), run("slow", "probe_initialization", 80)],
        "probe_system": [write_job(tmp_path / "probes/benchmarks/melgan.tsv", 85)],
    }
    path = job_costs(benchmarks)["critical_path"]
    # The second song took longer to cache, but the first had to be rendered before; the training
    # of the slow run was longer, but not all that came of it.
    assert [(job["rule"], job["seconds"]) for job in path["jobs"]] == [
        ("song", 7), ("cache", 1), ("train", 50), ("separate", 10), ("score", 20),
    ]  # fmt: skip
    assert path["run"] == "fast, seed 0"
    assert path["seconds"] == 88 and path["share_percent"] == pytest.approx(100 * 88 / 85)
    # A probe after training waits for it, too; a table waits for the scores of all.
    run("slow", "probe_trained", 30)
    path = job_costs(benchmarks)["critical_path"]
    assert [job["rule"] for job in path["jobs"]] == ["song", "cache", "train", "probe"]
    benchmarks["table_1"] = [write_job(tmp_path / "benchmarks/table_1.tsv", 75)]
    path = job_costs(benchmarks)["critical_path"]
    assert [job["rule"] for job in path["jobs"]][-2:] == ["score", "table_1"]


def test_without_measured_jobs_there_is_no_chain() -> None:
    costs = job_costs({"train": ["lost.tsv"]})
    assert costs["critical_path"]["jobs"] == costs["rules"] == []


def test_a_job_too_short_to_measure_has_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "short.tsv"
    path.write_text("s\tmax_rss\n0.02\t-\n")
    assert np.isnan(job_costs({"rule": [str(path)]})["rules"][0]["peak_memory_mb"])


def test_the_excerpt_is_where_the_rarest_source_plays() -> None:
    stems = np.ones((2, 1, 100))
    stems[1, :, :60] = 0
    stems[1, :, 80:] = 0
    assert busiest_start(stems, 20, 10) == 60
    assert busiest_start(stems, 100, 10) == 0
    assert busiest_start(stems, 500, 10) == 0
    assert busiest_start(np.zeros((2, 1, 100)), 20, 10) == 0


@pytest.mark.parametrize(
    "prominence_db, low_db, level_db, n_silent, kind",
    [
        (80.0, 70.0, -50.0, 0, "tone"),
        (80.0, float("nan"), -50.0, 0, "tone"),
        (20.0, 5.0, -50.0, 0, "undecided"),
        (9.0, 8.0, -50.0, 0, "no_tone"),
        (20.0, 15.0, -150.0, 0, "no_tone"),
        (float("nan"), float("nan"), float("nan"), 3, "silent"),
    ],
)
def test_verdicts(
    prominence_db: float, low_db: float, level_db: float, n_silent: int, kind: str
) -> None:
    row = {
        "system": "x", "signal": "silence", "stage": "trained", "n_seeds": 3, "n_silent": n_silent,
        "prominence_db": prominence_db, "prominence_low_db": low_db,
        "prominence_high_db": 2 * prominence_db - low_db, "level_db": level_db,
        "level_low_db": level_db, "level_high_db": level_db,
    }  # fmt: skip
    answer = findings.tones(
        pd.DataFrame([row]), "silence", ["x", "not_there"], make_looks("x", "not_there")
    )
    assert [name for name, found in answer.items() if found] == [kind]


def test_unscored_frames_that_differ_between_systems_are_told() -> None:
    columns = ["system", "song", "metric", "n_frames", "n_frames_scored"]
    rows = [("a", "s", "SDR", 30, 30), ("b", "s", "SDR", 30, 28), ("b", "s", "SIR", 30, 0)]
    told = findings.unscored_frames(pd.DataFrame(rows, columns=columns))
    assert (told["n_frames"], told["n_unscored"], told["same_for_all"]) == (30, 2, False)


def test_the_headline_compares_upsamplers_of_one_network() -> None:
    demucs = {"architecture": "demucs", "options": {}, "modified_from": None}
    systems = {
        "demucs_transposed": demucs,
        "mine": demucs,
        "demucs": demucs | {"options": {"encoder_context": 1}},
        "without_biases": demucs
        | {"options": {"bias": False}, "modified_from": "demucs_transposed"},
        "wave_unet": demucs | {"architecture": "wave_unet"},
    }
    assert findings.kinds_of_systems({"variants": list(systems), "systems": systems}) == {
        "same": ["demucs_transposed", "mine"],
        "modified": ["without_biases"],
        "other": ["demucs", "wave_unet"],
    }


@pytest.mark.parametrize(
    ("least", "changes", "said"),
    [
        (90, [{}, {}], "Each trained for 3 epochs, 90 steps"),
        (60, [{}, {}], "Each trained for 3 epochs, 60 to 90 steps"),
        (60, [{"minutes": 2.5}] * 2, "Each trained for 2.5 minutes, and to the end of the epoch "
         "then begun, 3 epochs at most: 60 to 90 steps"),
        (60, [{}, {"epochs": 2}],
         "Systems differ in how long config lets them train: 60 to 90 steps"),
    ],
)  # fmt: skip
def test_the_report_says_whether_steps_or_time_are_the_same(
    least: int, changes: list[dict], said: str
) -> None:
    table = pd.DataFrame({"steps_least": [90, least, None], "steps_most": [90, 90, None]})
    trainings = [{"epochs": 3, "minutes": None} | change for change in changes]
    assert trained_for(table, trainings) == said


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.12478, "0.125"), (34.873, "34.9"), (0.0999999, "0.100"), (1234.5, "1,230"), (None, "-")],
)
def test_significant_digits(value: float | None, text: str) -> None:
    assert significant(value) == text
