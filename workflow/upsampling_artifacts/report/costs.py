"""What the jobs took, and which of them had to wait for one another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd


@dataclass(frozen=True)
class Job:
    """A job that Snakemake has measured.

    Attributes:
        rule: Its rule.
        path: Its benchmark file, written when it ended.
        seconds: How long it took.
        peak_memory_mb: NaN if it was too short to measure.
    """

    rule: str
    path: Path
    seconds: float
    peak_memory_mb: float


def _any(_job: Job, _earlier: Job) -> bool:
    return True


def _same_song(job: Job, earlier: Job) -> bool:
    return job.path.name == earlier.path.name


def _same_run(job: Job, earlier: Job) -> bool:
    return job.path.parent == earlier.path.parent


def _same_run_if_trained(job: Job, earlier: Job) -> bool:
    return _same_run(job, earlier) and job.path.stem == "probe_trained"


WAITS: dict[str, dict[str, Callable[[Job, Job], bool]]] = {
    "cache": {"song": _same_song},
    "train": {"cache": _any},
    "baseline": {"cache": _any},
    "separate": {"train": _same_run},
    "probe": {"train": _same_run_if_trained},
    "score": {"separate": _same_run, "baseline": _same_run},
    "table_1": {"score": _any, "step_speed": _any},
}
"""For which jobs of which rules a job of a rule waits."""


def job_costs(benchmarks: dict[str, list[str]]) -> dict[str, object]:
    """What Snakemake measured: time and memory of the jobs of each rule.

    Args:
        benchmarks: For each rule, the benchmark files of its jobs; those of jobs that have left
            none (they ran elsewhere, or long ago) are left out.

    Returns:
        ``rules``, a list of ``{"rule", "jobs", "seconds", "longest_seconds",
        "peak_memory_mb"}``; ``seconds`` of all jobs together; ``busy_seconds``, the time by the
        clock during which at least one of them ran; the highest ``peak_memory_mb``; and
        :func:`critical_path`.
    """
    jobs = {rule: _read(rule, paths) for rule, paths in benchmarks.items()}
    every = [job for of_rule in jobs.values() for job in of_rule]
    rules = [
        {
            "rule": rule,
            "jobs": len(of_rule),
            "seconds": sum(job.seconds for job in of_rule),
            "longest_seconds": max(job.seconds for job in of_rule),
            "peak_memory_mb": _highest(of_rule),
        }
        for rule, of_rule in jobs.items()
        if of_rule
    ]
    ends = [job.path.stat().st_mtime for job in every]
    busy_seconds = _covered(
        [(end - job.seconds, end) for job, end in zip(every, ends, strict=True)]
    )
    return {
        "rules": rules,
        "seconds": sum(job.seconds for job in every),
        "busy_seconds": busy_seconds,
        "peak_memory_mb": _highest(every),
        "critical_path": critical_path(jobs, busy_seconds),
    }


def critical_path(jobs: dict[str, list[Job]], busy_seconds: float) -> dict[str, object]:
    """The longest chain of jobs each of which had to wait for the one before.

    However many cores there are, the experiment takes no less. Rules that are not measured are no
    part of it.

    Args:
        jobs: Of each rule.
        busy_seconds: What its length is compared with.

    Returns:
        ``jobs``, ``{"rule", "seconds"}`` from the first to the last; ``run`` that they belong to
        ("demucs_nearest, seed 0"; empty for none); ``seconds`` of all; and ``share_percent``.
    """

    @cache
    def chain(job: Job) -> tuple[Job, ...]:
        waited_for = [
            chain(earlier)
            for rule, does_wait in WAITS.get(job.rule, {}).items()
            for earlier in jobs.get(rule, [])
            if does_wait(job, earlier)
        ]
        return (*max(waited_for, key=_length, default=()), job)

    path = max(
        (chain(job) for of_rule in jobs.values() for job in of_rule), key=_length, default=()
    )
    seconds = _length(path)
    runs = [job.path.parents[1] for job in path if job.path.parents[1].name.startswith("seed-")]
    return {
        "jobs": [{"rule": job.rule, "seconds": job.seconds} for job in path],
        "run": f"{runs[0].parent.name}, {runs[0].name.replace('-', ' ')}" if runs else "",
        "seconds": seconds,
        "share_percent": 100 * seconds / busy_seconds if busy_seconds else float("nan"),
    }


def _read(rule: str, paths: list[str]) -> list[Job]:
    jobs = []
    for path in filter(Path.exists, map(Path, paths)):
        row = pd.read_csv(path, sep="\t", na_values="-").iloc[-1]
        jobs.append(Job(rule, path, float(row["s"]), float(row["max_rss"])))
    return jobs


def _length(path: tuple[Job, ...]) -> float:
    return sum(job.seconds for job in path)


def _highest(jobs: list[Job]) -> float:
    return float(pd.Series([job.peak_memory_mb for job in jobs], dtype=float).max())


def _covered(spans: list[tuple[float, float]]) -> float:
    """Length of the union of intervals."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
