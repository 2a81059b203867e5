"""Nothing is lost, nothing truncated is taken for good, when a job is killed."""

from __future__ import annotations

import subprocess
import time

import psutil
import torch

from ..clone import TINY, Clone

RUN = "results/tiny/variants/demucs_transposed/seed-0"
MODEL = f"{RUN}/model.safetensors"


def test_a_killed_training_leaves_no_output_and_goes_on_from_its_checkpoint(clone: Clone) -> None:
    long = "training={epochs: 100000, checkpoint_minutes: 0.001}"
    snakemake = subprocess.Popen(
        ["snakemake", "--cores", "1", "--configfile", TINY, "--config", long, "--", MODEL],
        cwd=clone.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_for(lambda: (clone.root / RUN / "checkpoint.pt").exists(), snakemake)
        for process in psutil.Process(snakemake.pid).children(recursive=True):
            if "train.py" in " ".join(process.cmdline()):
                process.kill()
        output, _ = snakemake.communicate(timeout=120)
    finally:
        snakemake.kill()
    assert snakemake.returncode == 1, output
    assert not (clone.root / MODEL).exists()
    assert (clone.root / RUN / "checkpoint.pt").exists()

    state = torch.load(clone.root / RUN / "checkpoint.pt", weights_only=True)["state"]
    epochs = len(state["rows"]) + 5
    result = clone.snakemake(
        "--configfile", TINY, "--config", f"training={{epochs: {epochs}}}", "--", MODEL
    )
    assert result.returncode == 0, result.stdout
    assert f"resuming from {RUN}/checkpoint.pt at step {state['step']}" in result.stdout
    assert (clone.root / MODEL).exists()
    assert not (clone.root / RUN / "checkpoint.pt").exists()


def told_in(output: str) -> list[str]:
    """The lines in which a training says that it stopped or resumes.

    Not those, indented, in which the log of a job that failed for good is shown again.
    """
    lines = [line for line in output.splitlines() if not line.startswith(" ")]
    return [line for line in lines if "stopped by" in line or "resuming" in line]


def test_jobs_that_are_too_short_go_on_until_the_training_is_done(
    clone: Clone, finished: Clone
) -> None:
    """Four steps in four jobs, each of which has time for one."""
    result = clone.snakemake(
        "--configfile", TINY, "--retries", "3", "--set-resources", "train:runtime=0", "--", MODEL
    )
    assert result.returncode == 0, result.stdout
    assert (clone.root / MODEL).read_bytes() == (finished.root / MODEL).read_bytes()
    stops = [f"stopped by its time limit at step {step} of 4" for step in (1, 2, 3)]
    starts = [f"resuming from {RUN}/checkpoint.pt at step {step}" for step in (1, 2, 3)]
    told = told_in(result.stdout)
    assert len(told) == 6
    assert all(stop in line for stop, line in zip(stops, told[::2], strict=True))
    assert all(start in line for start, line in zip(starts, told[1::2], strict=True))


def interrupted(clone: Clone) -> None:
    """One of four steps is done."""
    result = clone.snakemake(
        "--configfile", TINY, "--set-resources", "train:runtime=0", "--", MODEL
    )
    assert result.returncode == 1, result.stdout
    assert (clone.root / RUN / "checkpoint.pt").exists()


def test_a_forced_training_starts_afresh_once_and_goes_on_when_tried_again(clone: Clone) -> None:
    interrupted(clone)
    forced = (MODEL, "-R", "train", "--configfile", TINY)
    checkpoint = clone.root / RUN / "checkpoint.pt"
    before = checkpoint.read_bytes()
    assert clone.planned(*forced) == {"train": 1}
    assert checkpoint.read_bytes() == before  # a plan does nothing
    result = clone.snakemake(*forced, "--retries", "1", "--set-resources", "train:runtime=0")
    assert result.returncode == 1, result.stdout
    told = [line.partition("step ")[2] for line in told_in(result.stdout)]
    assert [step.partition(" of")[0] for step in told] == ["1", "1", "2"]


def wait_for(happened, process: subprocess.Popen, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.2)
