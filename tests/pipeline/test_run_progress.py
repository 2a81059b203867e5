"""The time left follows the jobs that have finished; what is ready is said once."""

from collections import Counter
from pathlib import Path

import pytest
from upsampling_artifacts.pipeline.run_progress import (
    DEFAULT_SECONDS,
    TRUSTED_SECONDS,
    Milestones,
    TimeLeft,
    read_seconds,
)

from ..clone import REPOSITORY


def test_a_run_like_the_recorded_one_takes_as_long() -> None:
    recorded = {"train": 20.0, "score": 5.0}
    run = TimeLeft(Counter(train=4, score=4), recorded)
    elapsed = 0.0
    for rule in ("train", "train", "score", "train"):
        run.finish(rule, recorded[rule])
        elapsed += recorded[rule]
    assert run.seconds_left(elapsed) == pytest.approx(20 + 3 * 5)


def test_jobs_at_once_shorten_the_time_left() -> None:
    run = TimeLeft(Counter(train=6), {"train": 10.0})
    run.finish("train", 10.0)
    assert run.seconds_left(elapsed_seconds=10.0, running_seconds=10.0) == pytest.approx(5 * 10 / 2)
    run.finish("train", 10.0)
    assert run.seconds_left(elapsed_seconds=10.0) == pytest.approx(4 * 10 / 2)


def test_a_rule_that_has_not_run_is_scaled_like_those_that_have() -> None:
    run = TimeLeft(Counter(train=1, score=2), {"train": 10.0, "score": 3.0})
    run.finish("train", 10_000.0)
    ratio = (10_000 + TRUSTED_SECONDS) / (10 + TRUSTED_SECONDS)
    assert run.seconds_left(elapsed_seconds=10_000.0) == pytest.approx(2 * 3 * ratio)


def test_a_slow_first_job_alarms_nobody() -> None:
    """It waits until the packages are imported."""
    run = TimeLeft(Counter(song=17, train=42), {"song": 5.0, "train": 35.0})
    run.finish("song", 20.0)
    seconds = run.seconds_left(elapsed_seconds=20.0, running_seconds=20.0)
    assert seconds < 1.5 * (16 * 5 + 42 * 35) / 2


def test_without_a_record_jobs_still_have_an_estimate(tmp_path: Path) -> None:
    assert read_seconds(tmp_path / "lost.csv") == {}
    run = TimeLeft(Counter(figure=2), {})
    run.finish("figure", DEFAULT_SECONDS)
    assert run.seconds_left(elapsed_seconds=DEFAULT_SECONDS) == pytest.approx(DEFAULT_SECONDS)


def test_the_record_covers_the_rules_that_take_long() -> None:
    recorded = read_seconds(REPOSITORY / "results/reference/job_costs.csv")
    assert {"train", "score", "probe", "probe_system", "separate"} <= recorded.keys()
    assert all(seconds > 0 for seconds in recorded.values())


def test_a_result_is_ready_once_with_its_last_file() -> None:
    milestones = Milestones({"both": ["a", "b"], "other": ["c"]}, planned=["a", "b", "c", "d"])
    assert milestones.reached(["a", "d"]) == []
    assert milestones.reached(["b"]) == ["both"]
    assert milestones.reached(["a", "b"]) == []
    assert milestones.reached(["c"]) == ["other"]


def test_what_is_up_to_date_is_no_news() -> None:
    milestones = Milestones({"old": ["a"], "half": ["b", "c"]}, planned=["c"])
    assert milestones.reached(["c"]) == ["half"]
