"""Whatever ends a training on a cluster, it goes on, and to the same weights."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

import psutil
import pytest

from ..clone import Clone
from .conftest import CHECKPOINT, MODEL, TRAIN, Slurm, ended, output_of, wait_for

LOG = "logs/results/tiny/variants/demucs_nearest/seed-0/train.log"


def training_of(clone: Clone) -> psutil.Process:
    """The process that trains: a job of this cluster is a process of this machine."""
    scripts = str(clone.root / ".snakemake/scripts")
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if len(command) == 2 and command[1].startswith(scripts):
            return process
    raise AssertionError("nothing trains")


@contextmanager
def frozen_training(clone: Clone) -> Iterator[None]:
    """A training of seconds waits amid its steps for what is to happen to it."""
    wait_for((clone.root / CHECKPOINT).exists, 60, "the training is under way")
    process = training_of(clone)
    process.suspend()
    try:
        yield
    finally:
        with suppress(psutil.NoSuchProcess):
            process.resume()


def log_of(clone: Clone) -> str:
    return (clone.root / LOG).read_text()


def went_on(clone: Clone) -> bool:
    """Whether the last training began with a checkpoint, and not at the first step."""
    found = re.search(r"resuming from .* at step (\d+)", log_of(clone))
    return bool(found) and int(found[1]) > 0


def assert_no_step_is_lost(clone: Clone, job: dict[str, str], told: str) -> None:
    """The first job says at which step and why it stopped; the second goes on just there."""
    first = clone.root / f"logs/slurm/rule_train/demucs_nearest_0/{job['JobId']}.log"
    stopped = re.search(f"stopped by {told} at step (\\d+) ", first.read_text())
    assert stopped, first.read_text()
    assert f"at step {stopped[1]}\n" in log_of(clone)
    assert "User defined signal" not in first.read_text()  # it ended by itself, not by SIGUSR1


@pytest.mark.parametrize("state", ["FAILED", "TIMEOUT"])
def test_a_job_out_of_time_goes_on_in_a_second_one(
    untrained: Clone, slurm: Slurm, weights: bytes, state: str
) -> None:
    """Frozen, a training of seconds meets the limit of a minute: sees it coming, or is ended."""
    clone = untrained
    running = slurm.start(clone, "--set-resources", "train:runtime=1", *TRAIN)
    try:
        with frozen_training(clone):
            (job,) = slurm.jobs(clone, "train")
            late = datetime.fromisoformat(job["StartTime"]) + timedelta(seconds=40)
            if state == "FAILED":
                wait_for(lambda: datetime.now() > late, 90, "time passes")
            else:  # SLURM wakes it, with SIGTERM, when the limit is over
                wait_for(lambda: slurm.jobs(clone, "train")[0]["JobState"] == state, 150, state)
        code = ended(running, 180)
    finally:
        running.kill()
    assert code == 0, output_of(clone)
    assert [job["JobState"] for job in slurm.jobs(clone, "train")] == [state, "COMPLETED"]
    assert_no_step_is_lost(clone, job, "its time limit" if state == "FAILED" else "SIGTERM")
    assert (clone.root / MODEL).read_bytes() == weights


def test_a_pre_empted_job_goes_back_to_the_queue_and_finishes(
    untrained: Clone, slurm: Slurm, weights: bytes
) -> None:
    clone = untrained
    running = slurm.start(clone, "--set-resources", "train:slurm_partition=scavenge", *TRAIN)
    try:
        with frozen_training(clone):
            urgent = slurm.ask(
                "sbatch", "--parsable", "--partition=urgent", "--exclusive", "--output=/dev/null",
                "--wrap=sleep 2",
            ).strip()  # fmt: skip
            wait_for(
                lambda: "JobState=COMPLETED" in slurm.ask("scontrol", "show", "job", urgent),
                90,
                "the urgent job has taken the node",
            )
        code = ended(running, 240)
    finally:
        running.kill()
    assert code == 0, output_of(clone)
    (job,) = slurm.jobs(clone, "train")
    assert (job["JobState"], job["Restarts"]) == ("COMPLETED", "1")
    assert went_on(clone)
    assert (clone.root / MODEL).read_bytes() == weights


@pytest.mark.parametrize(("option", "told"), [([], "SIGTERM"), (["--signal=USR1"], "SIGUSR1")])
def test_a_job_that_is_ended_is_sent_again(
    untrained: Clone, slurm: Slurm, weights: bytes, option: list[str], told: str
) -> None:
    """By whoever cancels it, or by `sbatch --signal=USR1@300`, five minutes before its limit."""
    clone = untrained
    running = slurm.start(clone, *TRAIN)
    try:
        with frozen_training(clone):
            (job,) = slurm.jobs(clone, "train")
            slurm.ask("scancel", *option, job["JobId"])
        code = ended(running, 240)
    finally:
        running.kill()
    assert code == 0, output_of(clone)
    state = "CANCELLED" if told == "SIGTERM" else "FAILED"
    assert [job["JobState"] for job in slurm.jobs(clone, "train")] == [state, "COMPLETED"]
    assert_no_step_is_lost(clone, job, told)
    assert (clone.root / MODEL).read_bytes() == weights


def test_a_job_short_of_memory_gets_more(untrained: Clone, slurm: Slurm, weights: bytes) -> None:
    clone = untrained
    short = "train:mem_mb=100 if attempt == 1 else 32000"
    code, output = slurm.run(clone, "--set-resources", short, *TRAIN)
    assert code == 0, output
    first, second = slurm.jobs(clone, "train")
    assert first["JobState"] in ("FAILED", "OUT_OF_MEMORY")
    assert (first["MinMemoryNode"], second["MinMemoryNode"]) == ("100M", "32000M")
    assert second["JobState"] == "COMPLETED"
    assert (clone.root / MODEL).read_bytes() == weights


def test_ctrl_c_ends_everything_and_the_next_run_goes_on(
    untrained: Clone, slurm: Slurm, weights: bytes
) -> None:
    clone = untrained
    running = slurm.start(clone, *TRAIN)
    try:
        with frozen_training(clone):
            running.send_signal(signal.SIGINT)
            code = ended(running, 60)
    finally:
        running.kill()
    assert code != 0
    (job,) = slurm.jobs(clone, "train")
    wait_for(lambda: not still_there(slurm, job), 30, "the job is gone")
    assert not (clone.root / MODEL).exists()
    code, output = slurm.run(clone, *TRAIN)  # no --unlock
    assert code == 0, output
    assert went_on(clone)
    assert (clone.root / MODEL).read_bytes() == weights


def test_a_killed_snakemake_leaves_nothing_that_trains_twice(
    untrained: Clone, slurm: Slurm, weights: bytes
) -> None:
    clone = untrained
    running = slurm.start(clone, *TRAIN)
    with frozen_training(clone):
        running.kill()
        running.wait(timeout=30)
        (orphan,) = slurm.jobs(clone, "train")
        assert still_there(slurm, orphan)
        code, output = slurm.run(clone, "--unlock", *TRAIN, seconds=60)
        assert code == 0, output
        code, output = slurm.run(clone, *TRAIN)
    assert code == 0, output
    assert f"ended jobs that an earlier run left behind: {orphan['JobId']}" in output
    orphan, job = slurm.jobs(clone, "train")
    assert (orphan["JobState"], job["JobState"]) == ("CANCELLED", "COMPLETED")
    assert orphan["EndTime"] <= job["StartTime"]  # never both at once
    assert went_on(clone)
    assert (clone.root / MODEL).read_bytes() == weights


def still_there(slurm: Slurm, job: dict[str, str]) -> bool:
    return bool(slurm.ask("squeue", "--noheader", f"--jobs={job['JobId']}").strip())
