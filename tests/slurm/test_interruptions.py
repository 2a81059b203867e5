"""Whatever ends a training on a cluster, it goes on, and to the same weights."""

from __future__ import annotations

import re
import signal

from ..clone import Clone
from .conftest import CHECKPOINT, MODEL, TRAIN, Slurm, ended, output_of, wait_for

LOG = "logs/results/tiny/variants/demucs_nearest/seed-0/train.log"


def training_is_under_way(clone: Clone, seconds: float = 60) -> None:
    wait_for((clone.root / CHECKPOINT).exists, seconds, output_of(clone))


def went_on(clone: Clone) -> bool:
    """Whether the last training began with a checkpoint, and not at the first step."""
    found = re.search(r"going on from .* at step (\d+)", (clone.root / LOG).read_text())
    return bool(found) and int(found[1]) > 0


def test_a_job_out_of_time_goes_on_in_a_second_one(
    copy_of_finished: Clone, slurm: Slurm, weights: bytes
) -> None:
    clone = copy_of_finished
    code, output = slurm.run(clone, "--set-resources", "train:runtime=1", *TRAIN, seconds=300)
    assert code == 0, output
    first, *_, last = slurm.jobs(clone, "train")
    assert first["JobState"] in ("TIMEOUT", "FAILED")  # at its limit, or a little before by itself
    assert last["JobState"] == "COMPLETED"
    assert went_on(clone)
    assert (clone.root / MODEL).read_bytes() == weights


def test_a_pre_empted_job_goes_back_to_the_queue_and_finishes(
    copy_of_finished: Clone, slurm: Slurm, weights: bytes
) -> None:
    clone = copy_of_finished
    running = slurm.start(clone, "--set-resources", "train:slurm_partition=scavenge", *TRAIN)
    try:
        training_is_under_way(clone)
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


def test_a_cancelled_job_is_sent_again(
    copy_of_finished: Clone, slurm: Slurm, weights: bytes
) -> None:
    clone = copy_of_finished
    running = slurm.start(clone, *TRAIN)
    try:
        training_is_under_way(clone)
        slurm.ask("scancel", slurm.jobs(clone, "train")[0]["JobId"])
        code = ended(running, 240)
    finally:
        running.kill()
    assert code == 0, output_of(clone)
    assert [job["JobState"] for job in slurm.jobs(clone, "train")] == ["CANCELLED", "COMPLETED"]
    assert went_on(clone)
    assert (clone.root / MODEL).read_bytes() == weights


def test_a_job_short_of_memory_gets_more(copy_of_finished: Clone, slurm: Slurm) -> None:
    clone = copy_of_finished
    mask = "results/tiny/variants/ideal_ratio_mask/seed-0/estimates"
    short = "baseline:mem_mb=100 if attempt == 1 else 4000"
    code, output = slurm.run(
        clone, "--set-resources", short, "--configfile", TRAIN[1], "-R", "baseline", "--", mask
    )
    assert code == 0, output
    first, second = slurm.jobs(clone, "baseline")
    assert first["JobState"] in ("FAILED", "OUT_OF_MEMORY")
    assert (first["MinMemoryNode"], second["MinMemoryNode"]) == ("100M", "4000M")
    assert second["JobState"] == "COMPLETED"


def test_ctrl_c_ends_everything_and_the_next_run_goes_on(
    copy_of_finished: Clone, slurm: Slurm, weights: bytes
) -> None:
    clone = copy_of_finished
    running = slurm.start(clone, *TRAIN)
    try:
        training_is_under_way(clone)
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
    copy_of_finished: Clone, slurm: Slurm, weights: bytes
) -> None:
    clone = copy_of_finished
    running = slurm.start(clone, *TRAIN)
    training_is_under_way(clone)
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
