"""Large experiments are planned in linear time, with few jobs, and their cost is estimated."""

from __future__ import annotations

import re
import shutil

import pytest

from ..clone import TINY, Clone
from .planning import SEEDS, Planning, plan, write_experiment

MOST_VARIANTS = 41


@pytest.fixture
def planned(clone: Clone):
    """A function that plans an experiment with given numbers of variants and test songs."""

    def planning(variants: int, test_songs: int = 50) -> Planning:
        config = clone.root / "config/planned.yaml"
        write_experiment(config, variants, test=test_songs)
        return plan(clone, "--configfile", str(config))

    return planning


def test_the_time_and_memory_of_planning_are_linear_in_the_variants(planned) -> None:
    # The first time, networks are built in a process of their own, which takes more memory.
    planned(MOST_VARIANTS)
    one, many, more = planned(1), planned(21), planned(MOST_VARIANTS)
    first, second = (many.seconds - one.seconds, more.seconds - many.seconds)
    assert second < 2 * first
    assert more.memory_bytes - many.memory_bytes < 2 * (many.memory_bytes - one.memory_bytes)
    # Measured: 0.05 s and 0.7 MB per variant.
    assert first / 20 < 0.25
    assert (more.memory_bytes - one.memory_bytes) / 40 < 2e6


def test_the_number_of_jobs_per_run_does_not_grow_with_the_songs(planned) -> None:
    few, many = planned(2, test_songs=3).jobs, planned(2, test_songs=50).jobs
    assert many["score"] == few["score"] == 2 * SEEDS + 2  # the baselines too
    for songs in ("song", "cache"):
        assert many.pop(songs) - few.pop(songs) == 47
    assert many == few


def rows(text: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split() for line in text.splitlines() if line.strip()}


def test_the_plan_counts_jobs_as_snakemake_does(clone: Clone) -> None:
    arguments = ("--configfile", TINY, "--config", "seeds=[0,1,2]", "scoring={processes: 2}")
    result = clone.snakemake("plan", *arguments)
    assert result.returncode == 0, result.stdout
    plan, jobs = rows(result.stdout), clone.planned(*arguments)
    for rule in ("cache", "train", "probe", "probe_snapshots", "separate", "score"):
        assert int(plan[rule][1]) == jobs[rule]
    assert not (clone.root / "results/tiny").exists()


def test_the_plan_counts_files_as_they_are_on_disk(finished: Clone) -> None:
    plan = rows(finished.snakemake("plan", "--configfile", TINY).stdout)
    results = finished.root / "results/tiny"
    files = [path for name in ("cache", "variants") for path in (results / name).rglob("*")]
    assert int(plan["files"][1]) == sum(path.is_file() for path in files)


def test_scoring_requests_memory_for_its_longest_songs(clone: Clone) -> None:
    def memory_mb(processes: int) -> int:
        scoring = f"scoring={{processes: {processes}}}"
        result = clone.snakemake("-n", "scores", "--configfile", TINY, "--config", scoring)
        score = result.stdout.partition("rule score:")[2]
        return int(re.search(r"mem_mb=([0-9]+)", score).group(1))

    # The second process scores the excerpt, six seconds long.
    assert memory_mb(2) - memory_mb(1) == pytest.approx(300 + 18 * 6 * 8000 / 44100, abs=2)


def test_estimates_of_a_finished_experiment_can_be_deleted(copy_of_finished: Clone) -> None:
    for estimates in copy_of_finished.root.glob("results/tiny/variants/*/*/estimates"):
        shutil.rmtree(estimates)
    assert copy_of_finished.planned("--configfile", TINY) == {}
