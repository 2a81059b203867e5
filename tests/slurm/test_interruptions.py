"""Training on a cluster resumes after any interruption and ends with the same weights."""

from __future__ import annotations

import signal

import pytest

from ..clone import Clone
from .conftest import MODEL, TRAIN, Slurm, output_of, wait_for, wait_for_exit
from .suspended import assert_no_step_is_lost, has_resumed, suspended_training


def test_a_preempted_job_is_requeued_and_finishes(
    untrained: Clone, slurm: Slurm, weights: bytes
) -> None:
    clone = untrained
    running = slurm.start(clone, "--set-resources", "train:slurm_partition=scavenge", *TRAIN)
    try:
        with suspended_training(clone):
            urgent = slurm.client(
                "sbatch", "--parsable", "--partition=urgent", "--exclusive", "--output=/dev/null",
                "--wrap=sleep 2",
            ).strip()  # fmt: skip
            wait_for(
                lambda: "JobState=COMPLETED" in slurm.client("scontrol", "show", "job", urgent),
                "the urgent job has taken the node",
            )
        code = wait_for_exit(running)
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
        with suspended_training(clone):
            (job,) = slurm.jobs(clone, "train")
            slurm.client("scancel", *option, job["JobId"])
        code = wait_for_exit(running)
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
        with suspended_training(clone):
            running.send_signal(signal.SIGINT)
            code = wait_for_exit(running, 60)
    finally:
        running.kill()
    assert code != 0
    (job,) = slurm.jobs(clone, "train")
    wait_for(lambda: not is_queued(slurm, job), "the job has left the queue")
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
    with suspended_training(clone):
        running.kill()
        running.wait(timeout=30)
        (orphan,) = slurm.jobs(clone, "train")
        assert is_queued(slurm, orphan)
        code, output = slurm.run(clone, "--unlock", *TRAIN)
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
