"""Numbers as text, job costs, excerpts and findings."""

import os
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.report import findings
from upsampling_artifacts.report.audio import busiest_start
from upsampling_artifacts.report.comparison import training_length
from upsampling_artifacts.report.costs import job_costs
from upsampling_artifacts.report.numbers import (
    counted,
    duration,
    listed,
    millions,
    number,
    percent,
    significant,
    with_interval,
)
from upsampling_artifacts.report.rendering import make_environment

from ..looks import make_looks


def test_numbers_have_a_true_minus_and_a_dash_for_missing_values() -> None:
    assert number(-1.26) == "−1.3"
    assert number(float("nan")) == number(None) == number(float("-inf")) == "-"
    assert with_interval(5.0, 5.25, 2) == "5.00 ± 0.25"
    assert with_interval(5.0, float("nan"), 2) == "5.00"
    assert with_interval(float("nan"), float("nan")) == "-"
    assert [millions(n) for n in (703148208, 8893348, 1128104)] == ["703M", "8.9M", "1.13M"]
    assert [duration(s) for s in (42.4, 785, 25380)] == ["42 s", "13 min 5 s", "7 h 3 min"]
    assert [counted(n, "seed") for n in (0, 1, 2)] == ["0 seeds", "1 seed", "2 seeds"]
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
    costs = job_costs(
        {"train": paths[:2], "score": [paths[2], str(tmp_path / "lost.tsv")]}, dependencies={}
    )
    assert costs["rules"][0] == {
        "rule": "train", "jobs": 2, "seconds": 200, "longest_seconds": 100, "peak_memory_mb": 90,
    }  # fmt: skip
    assert costs["rules"][1]["jobs"] == 1
    assert (costs["seconds"], costs["busy_seconds"], costs["peak_memory_mb"]) == (205, 155, 90)


def write_job(path: Path, seconds: float) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\tmax_rss\n{seconds}\t1\n")
    os.utime(path, (seconds, seconds))  # by their times, all jobs started at once
    return str(path)


def test_the_critical_path_is_the_slowest_chain_of_dependent_jobs(tmp_path: Path) -> None:
    def run(system: str, name: str, seconds: float) -> str:
        return write_job(tmp_path / f"variants/{system}/seed-0/benchmarks/{name}.tsv", seconds)

    song = write_job(tmp_path / "songs/train/a.tsv", 7)
    cache = [write_job(tmp_path / f"cache/{name}.tsv", s) for name, s in (("a", 1), ("b", 5))]
    train = {"fast": run("fast", "train", 50), "slow": run("slow", "train", 60)}
    separate = {"fast": run("fast", "separate", 10), "slow": run("slow", "separate", 5)}
    baseline = run("mixture", "baseline", 2)
    score = {name: run(name, "score", s) for name, s in (("fast", 20), ("slow", 10))}
    mixture_score = run("mixture", "score", 25)
    probes = [run("slow", "probe_trained", 14), run("slow", "probe_initialization", 80)]
    table_1 = str(tmp_path / "benchmarks/table_1.tsv")
    benchmarks = {
        "song": [song],
        "cache": cache,
        "train": list(train.values()),
        "separate": list(separate.values()),
        "baseline": [baseline],
        "score": [*score.values(), mixture_score],
        "probe": probes,
        "probe_system": [write_job(tmp_path / "probes/benchmarks/melgan.tsv", 85)],
        "table_1": [table_1],  # not measured yet
    }
    dependencies = {
        cache[0]: [song],
        **dict.fromkeys((*train.values(), baseline), cache),
        **{separate[system]: [train[system], *cache] for system in train},
        **{score[system]: [separate[system]] for system in train},
        mixture_score: [baseline],
        probes[0]: [train["slow"]],
        table_1: [*score.values(), mixture_score],
    }

    def critical_path() -> dict:
        return job_costs(benchmarks, dependencies)["critical_path"]

    # The second song took longer to cache, but the first had to be rendered first. Training took
    # longer in the slow run, but the entire chain took longer in the fast one.
    path = critical_path()
    assert [(job["rule"], job["seconds"]) for job in path["jobs"]] == [
        ("song", 7), ("cache", 1), ("train", 50), ("separate", 10), ("score", 20),
    ]  # fmt: skip
    assert path["run"] == "fast, seed 0"
    assert path["seconds"] == 88 and path["share_percent"] == pytest.approx(100 * 88 / 85)
    # A probe of the trained model waits for its training; a table waits for the scores of all runs.
    run("slow", "probe_trained", 30)
    assert [job["rule"] for job in critical_path()["jobs"]] == ["song", "cache", "train", "probe"]
    write_job(Path(table_1), 75)
    assert [job["rule"] for job in critical_path()["jobs"]][-2:] == ["score", "table_1"]


def test_the_critical_path_passes_through_jobs_that_were_not_measured(tmp_path: Path) -> None:
    paths = [write_job(tmp_path / "cache/a.tsv", 2), str(tmp_path / "lost.tsv")]
    paths.append(write_job(tmp_path / "table.tsv", 3))
    costs = job_costs(
        {"cache": paths[:1], "train": paths[1:2], "table_1": paths[2:]},
        {paths[1]: paths[:1], paths[2]: paths[1:2]},
    )
    assert costs["critical_path"]["seconds"] == 5


def test_without_measured_jobs_there_is_no_chain() -> None:
    costs = job_costs({"train": ["lost.tsv"]}, {})
    assert costs["critical_path"]["jobs"] == costs["rules"] == []


def test_a_job_too_short_to_measure_has_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "short.tsv"
    path.write_text("s\tmax_rss\n0.02\t-\n")
    assert np.isnan(job_costs({"rule": [str(path)]}, {})["rules"][0]["peak_memory_mb"])


def test_the_excerpt_starts_where_the_rarest_source_plays() -> None:
    stems = np.ones((2, 1, 100))
    stems[1, :, :60] = 0
    stems[1, :, 80:] = 0
    assert busiest_start(stems, 20, 10) == 60
    assert busiest_start(stems, 100, 10) == 0
    assert busiest_start(stems, 500, 10) == 0
    assert busiest_start(np.zeros((2, 1, 100)), 20, 10) == 0


@pytest.mark.parametrize(
    "share, text", [(0.005, "0.5 %"), (0.124, "12 %"), (1.0, "100 %"), (float("nan"), "-")]
)
def test_a_share_is_a_percentage(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    "margin_db, low_db, n_silent, kind",
    [
        (8.0, 7.0, 0, "audible"),
        (8.0, float("nan"), 0, "audible"),
        (2.0, -1.0, 0, "undecided"),
        (-2.0, -5.0, 0, "undecided"),
        (-2.0, -3.0, 0, "inaudible"),
        (-2.0, float("nan"), 0, "inaudible"),
        (float("nan"), float("nan"), 3, "silent"),
    ],
)
def test_a_response_is_sorted_by_the_interval_of_its_margin(
    margin_db: float, low_db: float, n_silent: int, kind: str
) -> None:
    row = {
        "system": "x", "signal": "silence", "stage": "trained", "n_seeds": 3, "n_silent": n_silent,
        "audibility_margin_db": margin_db, "audibility_margin_low_db": low_db,
        "audibility_margin_high_db": 2 * margin_db - low_db, "level_db": -50.0,
    }  # fmt: skip
    responses = findings.tones(
        pd.DataFrame([row]), "silence", ["x", "not_probed"], make_looks("x", "not_probed")
    )
    assert [name for name, systems in responses.items() if systems] == [kind]


def test_systems_with_different_numbers_of_unscored_frames_are_detected() -> None:
    columns = ["system", "song", "metric", "n_frames", "n_frames_scored"]
    rows = [("a", "s", "SDR", 30, 30), ("b", "s", "SDR", 30, 28), ("b", "s", "SIR", 30, 0)]
    unscored = findings.unscored_frames(pd.DataFrame(rows, columns=columns))
    counts = unscored["n_frames"], unscored["n_unscored"], unscored["same_for_all"]
    assert counts == (30, 2, False)
    assert unscored["remarks"] == {}


def test_a_run_that_could_not_be_scored_counts_in_no_number_of_frames() -> None:
    columns = ["system", "seed", "song", "metric", "n_frames", "n_frames_scored", "remark"]
    rows = [
        ("a", 0, "s", "SDR", 30, 28, None),
        ("b", 0, "s", "SDR", 30, 28, "estimates are 1 sample late"),
        ("c", 1, "s", "SDR", 30, 0, "not scored: silent"),
    ]
    unscored = findings.unscored_frames(pd.DataFrame(rows, columns=columns))
    counts = unscored["n_frames"], unscored["n_unscored"], unscored["same_for_all"]
    assert counts == (30, 2, True)
    assert unscored["remarks"] == {
        "b": "seed 0, s: estimates are 1 sample late",
        "c": "seed 1, s: not scored: silent",
    }


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
    assert findings.group_by_network({"variants": list(systems), "systems": systems}) == {
        "same": ["demucs_transposed", "mine"],
        "modified": ["without_biases"],
        "other": ["demucs", "wave_unet"],
    }


@pytest.mark.parametrize(
    ("min_steps", "changes", "sentence"),
    [
        (90, [{}, {}], "Each system was trained for 3 epochs (90 steps)"),
        (60, [{}, {}], "Each system was trained for 3 epochs (60 to 90 steps)"),
        (60, [{"minutes": 2.5}] * 2, "Each system was trained for 2.5 minutes and then to the end "
         "of the epoch in progress, for at most 3 epochs (60 to 90 steps)"),
        (60, [{}, {"epochs": 2}],
         "The configured training length differs between systems: 60 to 90 steps"),
    ],
)  # fmt: skip
def test_the_training_length_is_stated_in_epochs_or_in_minutes(
    min_steps: int, changes: list[dict], sentence: str
) -> None:
    table = pd.DataFrame({"steps_least": [90, min_steps, None], "steps_most": [90, 90, None]})
    trainings = [{"epochs": 3, "minutes": None} | change for change in changes]
    assert training_length(table, trainings) == sentence


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.12478, "0.125"), (34.873, "34.9"), (0.0999999, "0.100"), (1234.5, "1,230"), (None, "-")],
)
def test_numbers_are_rounded_to_significant_digits(value: float | None, text: str) -> None:
    assert significant(value) == text


@pytest.mark.parametrize(
    "name",
    ["my table.csv", "a#b?c=d&e.csv", "\"'><b onclick=x>.csv", "javascript:x", "100%.csv", "völkl"],
)
def test_a_link_leads_to_its_file_whatever_the_name(tmp_path: Path, name: str) -> None:
    links: list[str] = []

    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list) -> None:
            links.append(tag)
            assert [key for key, _ in attributes] == ["class", "href"]
            links.append(dict(attributes)["href"])

    template = make_environment(tmp_path).from_string("{{ path | link }}")
    Links().feed(template.render(path=str(tmp_path / "a folder" / name)))
    assert links[0] == "a" and len(links) == 2
    parts = urlsplit(links[1])
    assert unquote(parts.path) == f"a folder/{name}"
    assert not parts.scheme and not parts.query and not parts.fragment
    assert " " not in links[1]


def test_a_link_is_never_a_program(tmp_path: Path) -> None:
    link = make_environment(tmp_path).filters["link"]
    assert 'href="javascript%3Ax"' in link(str(tmp_path / "javascript:x"))
