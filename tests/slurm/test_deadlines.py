"""Training ends in time for its limit, or is ended at it, and resumes in a second job.

These tests mostly wait. They come first, so that others run meanwhile.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ..clone import Clone
from .conftest import MODEL, TRAIN, Slurm, output_of, wait_for, wait_for_exit
from .suspended import assert_no_step_is_lost, suspended_training


@pytest.mark.parametrize("state", ["FAILED", "TIMEOUT"])
def test_a_job_out_of_time_is_resumed_by_a_second_job(
    untrained: Clone, slurm: Slurm, weights: bytes, state: str
) -> None:
    """A suspended run reaches its limit of one minute: it stops in time, or SLURM ends it."""
    clone = untrained
    short = "train:runtime=1 if attempt == 1 else 60"
    running = slurm.start(clone, "--set-resources", short, *TRAIN)
    try:
        with suspended_training(clone):
            (job,) = slurm.jobs(clone, "train")
            late = datetime.fromisoformat(job["StartTime"]) + timedelta(seconds=40)
            if state == "FAILED":
                wait_for(lambda: datetime.now() > late, "time passes")
            else:  # at the limit, SLURM resumes the process and sends SIGTERM
                wait_for(lambda: slurm.jobs(clone, "train")[0]["JobState"] == state, state)
        code = wait_for_exit(running)
    finally:
        running.kill()
    assert code == 0, output_of(clone)
    assert [job["JobState"] for job in slurm.jobs(clone, "train")] == [state, "COMPLETED"]
    assert_no_step_is_lost(clone, job, "its time limit" if state == "FAILED" else "SIGTERM")
    assert (clone.root / MODEL).read_bytes() == weights
