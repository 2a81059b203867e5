"""Training on the cluster, suspended to be interrupted, and what it logs when it goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from ..clone import Clone
from .conftest import CHECKPOINT, wait_for

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
def suspended_training(clone: Clone) -> Iterator[None]:
    """Suspend a training run of a few seconds, so that there is time to interrupt it."""
    wait_for((clone.root / CHECKPOINT).exists, "the training is under way")
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
