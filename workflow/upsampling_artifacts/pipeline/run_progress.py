"""What a run has finished, and how long the rest will take."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_SECONDS = 2.0
"""A job of a rule without a record: it draws a figure or joins tables."""

TRUSTED_SECONDS = 60.0
"""A recorded run counts as much as so many seconds of this one, whose first jobs await imports."""


def read_seconds(csv_path: str | Path) -> dict[str, float]:
    """The mean seconds of each rule's jobs in ``job_costs.csv``; none if it is lost."""
    try:
        with Path(csv_path).open(encoding="utf-8", newline="") as file:
            return {row["rule"]: float(row["mean_seconds"]) for row in csv.DictReader(file)}
    except (OSError, KeyError, ValueError):
        return {}


@dataclass
class TimeLeft:
    """Estimates when a run ends.

    A rule's next job takes as long as its jobs did on average: those of this run, and one of a
    recorded run. That one is multiplied by the ratio of this run to the recorded one in the rules
    that both know.

    Attributes:
        left: Number of jobs to finish, by rule.
        recorded: Mean seconds of a job in the recorded run, by rule.
        seconds: Of the finished jobs, by rule.

    Example:
        >>> run = TimeLeft(Counter(train=4, score=2), {"train": 10.0, "score": 4.0})
        >>> run.finish("train", seconds=80.0)  # twice as slow: (80 + 60) / (10 + 60)
        >>> run.seconds_left(elapsed_seconds=40.0)  # two at once: (3 x 50 + 2 x 8) / 2
        83.0
    """

    left: Counter[str]
    recorded: Mapping[str, float]
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def finish(self, rule: str, seconds: float) -> None:
        """Count a job as finished."""
        self.left[rule] -= 1
        self.seconds.setdefault(rule, []).append(seconds)

    def seconds_left(self, elapsed_seconds: float, running_seconds: float = 0.0) -> float:
        """Seconds until the last job ends, with as many jobs at once as so far.

        Args:
            elapsed_seconds: Since the first job started.
            running_seconds: What the jobs that run now have taken so far, in all.
        """
        done = sum(map(sum, self.seconds.values()))
        expected = sum(len(jobs) * self._recorded(rule) for rule, jobs in self.seconds.items())
        ratio = (done + TRUSTED_SECONDS) / (expected + TRUSTED_SECONDS)
        work = sum(n_jobs * self._job_seconds(rule, ratio) for rule, n_jobs in self.left.items())
        jobs_at_once = max(1.0, (done + running_seconds) / elapsed_seconds)
        return work / jobs_at_once

    def _job_seconds(self, rule: str, ratio: float) -> float:
        jobs = [ratio * self._recorded(rule), *self.seconds.get(rule, [])]
        return sum(jobs) / len(jobs)

    def _recorded(self, rule: str) -> float:
        return self.recorded.get(rule, DEFAULT_SECONDS)


class Milestones:
    """Results that can be looked at before the run ends.

    Args:
        files: For each result, described in a few words, its files.
        planned: The files that the run will make. A result of which it makes nothing is no news.

    Example:
        >>> milestones = Milestones({"figures": ["a.png", "b.png"]}, planned=["b.png"])
        >>> milestones.reached(["b.png"])
        ['figures']
    """

    def __init__(self, files: Mapping[str, Iterable[str]], planned: Iterable[str]):
        planned = set(planned)
        self._missing = {name: set(paths) & planned for name, paths in files.items()}
        self._missing = {name: paths for name, paths in self._missing.items() if paths}

    def reached(self, made: Iterable[str]) -> list[str]:
        """The results that are complete now that these files have been made."""
        made = set(made)
        for paths in self._missing.values():
            paths -= made
        complete = [name for name, paths in self._missing.items() if not paths]
        for name in complete:
            del self._missing[name]
        return complete
