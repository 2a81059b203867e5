"""Training on a cluster resumes after any interruption and ends with the same weights."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

import psutil
import pytest

from ..clone import Clone
from .conftest import CHECKPOINT, MODEL, TRAIN, Slurm, output_of, wait_for, wait_for_exit

LOG = "logs/results/tiny/variants/demucs_nearest/seed-0/train.log"


def training_process(clone: Clone) -> psutil.Process:
    """The training process. Jobs of this cluster are processes of this machine."""
    scripts = str(clone.root / ".snakemake/scripts")
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if len(command) == 2 and command[1].startswith(scripts):
            return process
    raise AssertionError("no training is running")


@contextmanager
def frozen_training(clone: Clone) -> Iterator[None]:
    """Suspend a training run of a few seconds, so that there is time to interrupt it."""
    wait_for((clone.root / CHECKPOINT).exists, 60, "the training is under way")
    process = training_process(clone)
    process.suspend()
    try:
        yield
    finally:
        with suppress(psutil.NoSuchProcess):
            process.resume()


def training_log(clone: Clone) -> str:
    return (clone.root / LOG).read_text()


def has_resumed(clone: Clone) -> bool:
    """Whether the last training run started from a checkpoint."""
    found = re.search(r"resuming from .* at step (\d+)", training_log(clone))
    return bool(found) and int(found[1]) > 0


def assert_no_step_is_lost(clone: Clone, job: dict[str, str], cause: str) -> None:
    """The first job logs at which step it stopped and why; the second resumes at that step."""
    first = clone.root / f"logs/slurm/rule_train/tiny_demucs_nearest_0/{job['JobId']}.log"
    stopped = re.search(f"stopped by {cause} at step (\\d+) ", first.read_text())
    assert stopped, first.read_text()
    assert f"at step {stopped[1]}\n" in training_log(clone)
    # The job exited by itself; SIGUSR1 did not kill it.
    assert "User defined signal" not in first.read_text()


@pytest.mark.parametrize("state", ["FAILED", "TIMEOUT"])
def test_a_job_out_of_time_is_resumed_by_a_second_job(
    untrained: Clone, slurm: Slurm, weights: bytes, state: str
) -> None:
    """A suspended run reaches its limit of one minute: it stops in time, or SLURM ends it."""
    clone = untrained
    running = slurm.start(clone, "--set-resources", "train:runtime=1", *TRAIN)
    try:
        with frozen_training(clone):
            (job,) = slurm.jobs(clone, "train")
            late = datetime.fromisoformat(job["StartTime"]) + timedelta(seconds=40)
            if state == "FAILED":
                wait_for(lambda: datetime.now() > late, 90, "time passes")
            else:  # at the limit, SLURM resumes the process and sends SIGTERM
                wait_for(lambda: slurm.jobs(clone, "train")[0]["JobState"] == state, 150, state)
        code = wait_for_exit(running, 180)
    finally:
        running.kill()
    assert code == 0, output_of(clone)
    assert [job["JobState"] for job in slurm.jobs(clone, "train")] == [state, "COMPLETED"]
    assert_no_step_is_lost(clone, job, "its time limit" if state == "FAILED" else "SIGTERM")
    assert (clone.root / MODEL).read_bytes() == weights


def test_a_preempted_job_is_requeued_and_finishes(
    untrained: Clone, slurm: Slurm, weights: bytes
) -> None:
    clone = untrained
    running = slurm.start(clone, "--set-resources", "train:slurm_partition=scavenge", *TRAIN)
    try:
        with frozen_training(clone):
            urgent = slurm.client(
                "sbatch", "--parsable", "--partition=urgent", "--exclusive", "--output=/dev/null",
                "--wrap=sleep 2",
            ).strip()  # fmt: skip
            wait_for(
                lambda: "JobState=COMPLETED" in slurm.client("scontrol", "show", "job", urgent),
                90,
                "the urgent job has taken the node",
            )
        code = wait_for_exit(running, 240)
    finally:
        running.kill()
    assert code == 0, output_of(clone)
    (job,) = slurm.jobs(clone, "train")
    assert (job["JobState"], job["Restarts"]) == ("COMPLETED", "1")
    assert has_resumed(clone)
    assert (clone.root / MODEL).read_bytes() == weights


@pytest.mark.parametrize(("option", "cause"), [([], "SIGTERM"), (["--signal=USR1"], "SIGUSR1")])
def test_a_canceled_or_signaled_job_is_resubmitted(
    untrained: Clone, slurm: Slurm, weights: bytes, option: list[str], cause: str
) -> None:
    """By scancel, or by `sbatch --signal=USR1@300` five minutes before the time limit."""
    clone = untrained
    running = slurm.start(clone, *TRAIN)
    try:
        with frozen_training(clone):
            (job,) = slurm.jobs(clone, "train")
            slurm.client("scancel", *option, job["JobId"])
        code = wait_for_exit(running, 240)
    finally:
        running.kill()
    assert code == 0, output_of(clone)
    state = "CANCELLED" if cause == "SIGTERM" else "FAILED"
    assert [job["JobState"] for job in slurm.jobs(clone, "train")] == [state, "COMPLETED"]
    assert_no_step_is_lost(clone, job, cause)
    assert (clone.root / MODEL).read_bytes() == weights


def test_a_job_killed_for_memory_is_retried_with_more(
    untrained: Clone, slurm: Slurm, weights: bytes
) -> None:
    clone = untrained
    short = "train:mem_mb=100 if attempt == 1 else 32000"
    code, output = slurm.run(clone, "--set-resources", short, *TRAIN)
    assert code == 0, output
    first, second = slurm.jobs(clone, "train")
    assert first["JobState"] in ("FAILED", "OUT_OF_MEMORY")
    assert (first["MinMemoryNode"], second["MinMemoryNode"]) == ("100M", "32000M")
    assert second["JobState"] == "COMPLETED"
    assert (clone.root / MODEL).read_bytes() == weights


def test_ctrl_c_cancels_all_jobs_and_the_next_run_resumes(
    untrained: Clone, slurm: Slurm, weights: bytes
) -> None:
    clone = untrained
    running = slurm.start(clone, *TRAIN)
    try:
        with frozen_training(clone):
            running.send_signal(signal.SIGINT)
            code = wait_for_exit(running, 60)
    finally:
        running.kill()
    assert code != 0
    (job,) = slurm.jobs(clone, "train")
    wait_for(lambda: not is_queued(slurm, job), 30, "the job has left the queue")
    assert not (clone.root / MODEL).exists()
    code, output = slurm.run(clone, *TRAIN)  # no --unlock
    assert code == 0, output
    assert has_resumed(clone)
    assert (clone.root / MODEL).read_bytes() == weights


def test_jobs_left_by_a_killed_snakemake_are_canceled_before_the_next_run(
    untrained: Clone, slurm: Slurm, weights: bytes
) -> None:
    clone = untrained
    running = slurm.start(clone, *TRAIN)
    with frozen_training(clone):
        running.kill()
        running.wait(timeout=30)
        (orphan,) = slurm.jobs(clone, "train")
        assert is_queued(slurm, orphan)
        code, output = slurm.run(clone, "--unlock", *TRAIN, seconds=60)
        assert code == 0, output
        code, output = slurm.run(clone, *TRAIN)
    assert code == 0, output
    assert f"canceled jobs left by an earlier run: {orphan['JobId']}" in output
    orphan, job = slurm.jobs(clone, "train")
    assert (orphan["JobState"], job["JobState"]) == ("CANCELLED", "COMPLETED")
    assert orphan["EndTime"] <= job["StartTime"]  # never both at once
    assert has_resumed(clone)
    assert (clone.root / MODEL).read_bytes() == weights


def is_queued(slurm: Slurm, job: dict[str, str]) -> bool:
    return bool(slurm.client("squeue", "--noheader", f"--jobs={job['JobId']}").strip())
