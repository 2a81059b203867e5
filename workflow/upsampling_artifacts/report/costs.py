"""Job costs: what Snakemake measured of each job, and the longest chain of dependent jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd


@dataclass(frozen=True)
class Job:
    """A job that Snakemake has measured.

    Attributes:
        rule: Name of its rule.
        path: Its benchmark file, written when the job ended.
        seconds: Its duration.
        peak_memory_mb: Its peak memory; NaN for a job too short to be measured.
    """

    rule: str
    path: Path
    seconds: float
    peak_memory_mb: float


def job_costs(
    benchmarks: Mapping[str, Sequence[str]], dependencies: Mapping[str, Sequence[str]]
) -> dict[str, object]:
    """Time and memory of the jobs of each rule, as Snakemake measured them.

    Args:
        benchmarks: For each rule, the benchmark files of its jobs. Missing files are skipped: their
            jobs ran elsewhere, or long ago.
        dependencies: For a benchmark file, those of the jobs that its job waits for.

    Returns:
        ``rules``, a list of ``{"rule", "jobs", "seconds", "longest_seconds", "peak_memory_mb"}``;
        ``seconds``, the sum over all jobs; ``busy_seconds``, the time by the clock during which at
        least one job ran; the highest ``peak_memory_mb``; and :func:`critical_path`.
    """
    jobs = {rule: _read(rule, paths) for rule, paths in benchmarks.items()}
    every_job = [job for rule_jobs in jobs.values() for job in rule_jobs]
    rules = [
        {
            "rule": rule,
            "jobs": len(rule_jobs),
            "seconds": _total_seconds(rule_jobs),
            "longest_seconds": max(job.seconds for job in rule_jobs),
            "peak_memory_mb": _peak_memory_mb(rule_jobs),
        }
        for rule, rule_jobs in jobs.items()
        if rule_jobs
    ]
    ends = [job.path.stat().st_mtime for job in every_job]
    busy_seconds = _covered_seconds(
        [(end - job.seconds, end) for job, end in zip(every_job, ends, strict=True)]
    )
    return {
        "rules": rules,
        "seconds": _total_seconds(every_job),
        "busy_seconds": busy_seconds,
        "peak_memory_mb": _peak_memory_mb(every_job),
        "critical_path": critical_path(every_job, dependencies, busy_seconds),
    }


def critical_path(
    jobs: Sequence[Job], dependencies: Mapping[str, Sequence[str]], busy_seconds: float
) -> dict[str, object]:
    """The longest chain of jobs in which each waits for the one before.

    The experiment takes at least this long on any number of cores. Jobs without a benchmark file
    are not counted.

    Args:
        jobs: All measured jobs.
        dependencies: For a benchmark file, those of the jobs that its job waits for.
        busy_seconds: The time to which the length of the chain is compared.

    Returns:
        ``jobs``, a list of ``{"rule", "seconds"}`` from first to last; ``run``, their variant and
        seed ("demucs_nearest, seed 0"; empty if none); ``seconds``, the sum over these jobs; and
        ``share_percent``, that sum as a share of ``busy_seconds``.
    """
    measured = {str(job.path): job for job in jobs}

    @cache
    def longest_chain(path: str) -> tuple[Job, ...]:
        chains = map(longest_chain, dependencies.get(path, []))
        earlier = max(chains, key=_total_seconds, default=())
        return (*earlier, measured[path]) if path in measured else earlier

    chain = max(map(longest_chain, measured), key=_total_seconds, default=())
    seconds = _total_seconds(chain)
    runs = [job.path.parents[1] for job in chain if job.path.parents[1].name.startswith("seed-")]
    return {
        "jobs": [{"rule": job.rule, "seconds": job.seconds} for job in chain],
        "run": f"{runs[0].parent.name}, {runs[0].name.replace('-', ' ')}" if runs else "",
        "seconds": seconds,
        "share_percent": 100 * seconds / busy_seconds if busy_seconds else float("nan"),
    }


def _read(rule: str, paths: Sequence[str]) -> list[Job]:
    jobs = []
    for path in filter(Path.exists, map(Path, paths)):
        row = pd.read_csv(path, sep="\t", na_values="-").iloc[-1]
        jobs.append(Job(rule, path, float(row["s"]), float(row["max_rss"])))
    return jobs


def _total_seconds(jobs: Sequence[Job]) -> float:
    return sum(job.seconds for job in jobs)


def _peak_memory_mb(jobs: Sequence[Job]) -> float:
    return float(pd.Series([job.peak_memory_mb for job in jobs], dtype=float).max())


def _covered_seconds(spans: list[tuple[float, float]]) -> float:
    """Length of the union of intervals."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
