"""A killed job loses no finished epoch, and no partial file is mistaken for a result."""

from __future__ import annotations

import platform
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import torch

from ..clone import TINY, Clone, copy_repository, plain_environment
from ..kill_campaign import Kill, kill_once
from ..once import made_once

RUN = "results/tiny/variants/demucs_transposed/seed-0"
MODEL = f"{RUN}/model.safetensors"


@pytest.fixture
def clone(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Clone:
    """A clone with cached songs, so that its runs train at once."""

    def cache(root: Path) -> None:
        lists = [f"results/tiny/cache/{split}.txt" for split in ("train", "valid")]
        result = copy_repository(root).snakemake("--configfile", TINY, "--", *lists)
        assert result.returncode == 0, result.stdout

    songs = made_once(tmp_path_factory, "with_songs", cache)
    shutil.copytree(songs, tmp_path / "clone", symlinks=True)
    return Clone(tmp_path / "clone")


def test_killed_training_leaves_no_output_and_resumes_from_its_checkpoint(clone: Clone) -> None:
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
        for process in scripts(snakemake, "train.py"):
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


LONG = ("--config", "training={epochs: 100000, checkpoint_minutes: 0.001}", "--", MODEL)


@pytest.mark.parametrize(
    ("victim", "number"), [("run", "SIGKILL"), ("thread", "SIGINT"), ("group", "SIGTERM")]
)
def test_a_stopped_run_ends_its_jobs_and_the_same_command_goes_on(
    clone: Clone, victim: str, number: str
) -> None:
    """The short form of tests/kill_campaign.py: a training that would take hours."""
    kill = Kill(victim, signal.Signals[number])
    checkpoint = clone.root / RUN / "checkpoint.pt"
    command = ("snakemake", "--cores", "2", "--configfile", TINY, *LONG)
    assert not kill_once(clone, kill, 0, command, lambda: checkpoint.exists())
    assert not kill.faults
    output = (clone.root / "output.txt").read_text()
    assert "CalledProcessError" not in output
    if number != "SIGKILL":
        assert f"{number}: ending the jobs" in output
    step = torch.load(checkpoint, weights_only=True)["state"]["step"]
    again = Kill("run", signal.SIGINT)
    assert not kill_once(clone, again, 0, command, lambda: says(clone, f"at step {step}\n"))
    assert not again.faults
    assert says(clone, "Lifted the lock of an earlier run") == (number == "SIGKILL")


def test_the_processes_of_a_killed_job_end_with_it(clone: Clone) -> None:
    """Not only with its run, which goes on: they would write outputs that Snakemake has removed."""
    scores = "results/tiny/variants/mixture/seed-0/scores.csv"
    command = ["snakemake", "--cores", "2", "--configfile", TINY, *LONG, scores]
    with (clone.root / "output.txt").open("w") as output:
        snakemake = subprocess.Popen(
            command, cwd=clone.root, env=plain_environment(), stdout=output, stderr=output
        )
    try:
        wait_for(lambda: len(scripts(snakemake, "score.py")) == 2, snakemake)
        job, scoring = scripts(snakemake, "score.py")
        scoring.suspend()
        job.kill()
        wait_for(lambda: not scripts(snakemake, "score.py"), snakemake, 30)
        assert scripts(snakemake, "train.py")
        wait_for(lambda: has_ended(scoring), snakemake, 30)
    finally:
        snakemake.send_signal(signal.SIGINT)
        snakemake.wait(60)
    assert not (clone.root / scores).with_suffix("").exists()


def has_ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def scripts(snakemake: subprocess.Popen[str], name: str) -> list[psutil.Process]:
    """The processes of jobs with this script, the first one first."""
    found = []
    for child in psutil.Process(snakemake.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has ended since
            if name in " ".join(child.cmdline()):
                found.append(child)
    return found


def says(clone: Clone, text: str) -> bool:
    return text in (clone.root / "output.txt").read_text()


def test_a_live_run_is_respected_with_one_line(clone: Clone) -> None:
    command = ["snakemake", "--cores", "1", "--configfile", TINY, *LONG]
    output = clone.root / "output.txt"
    with output.open("w") as file:
        first = subprocess.Popen(
            command, cwd=clone.root, env=plain_environment(), stdout=file, stderr=file
        )
    try:
        wait_for(lambda: list(clone.root.glob(".snakemake/locks/*")), first)
        second = clone.run(*command)
        dry = clone.run(*command[:-2], "--dry-run", *command[-2:])
        assert first.poll() is None
    finally:
        first.send_signal(signal.SIGINT)
        first.wait(60)
    assert second.returncode == 1 and dry.returncode == 0
    line = f"Another run makes some of the same files: process {first.pid} on {platform.node()}"
    assert f"{line}; wait for it." in second.stdout
    assert "Traceback" not in second.stdout


def stops_and_resumes(output: str) -> list[str]:
    """The lines in which training reports that it stopped or resumed.

    The indented lines, which repeat the log of a failed job, are left out.
    """
    lines = [line for line in output.splitlines() if not line.startswith(" ")]
    return [line for line in lines if "stopped by" in line or "resuming" in line]


def test_jobs_with_a_short_time_limit_resume_until_training_is_done(
    clone: Clone, finished: Clone
) -> None:
    """Four steps in four jobs, each with time for one step."""
    result = clone.snakemake(
        "--configfile", TINY, "--retries", "3", "--set-resources", "train:runtime=0", "--", MODEL
    )
    assert result.returncode == 0, result.stdout
    assert (clone.root / MODEL).read_bytes() == (finished.root / MODEL).read_bytes()
    resumed, uninterrupted = (
        {path.name: path.read_bytes() for path in (root / RUN / "snapshots").glob("step-*")}
        for root in (clone.root, finished.root)
    )
    assert len(resumed) == 4 and resumed == uninterrupted
    stops = [f"stopped by its time limit at step {step} of 4" for step in (1, 2, 3)]
    starts = [f"resuming from {RUN}/checkpoint.pt at step {step}" for step in (1, 2, 3)]
    lines = stops_and_resumes(result.stdout)
    assert len(lines) == 6
    assert all(stop in line for stop, line in zip(stops, lines[::2], strict=True))
    assert all(start in line for start, line in zip(starts, lines[1::2], strict=True))


def train_one_step(clone: Clone) -> None:
    """Run one of four steps."""
    result = clone.snakemake(
        "--configfile", TINY, "--set-resources", "train:runtime=0", "--", MODEL
    )
    assert result.returncode == 1, result.stdout
    assert (clone.root / RUN / "checkpoint.pt").exists()


def test_forced_training_restarts_once_and_resumes_when_retried(clone: Clone) -> None:
    train_one_step(clone)
    forced = (MODEL, "-R", "train", "--configfile", TINY)
    checkpoint = clone.root / RUN / "checkpoint.pt"
    before = checkpoint.read_bytes()
    assert clone.planned(*forced) == {"train": 1}
    assert checkpoint.read_bytes() == before  # a dry run deletes nothing
    result = clone.snakemake(*forced, "--retries", "1", "--set-resources", "train:runtime=0")
    assert result.returncode == 1, result.stdout
    steps = [line.partition("step ")[2] for line in stops_and_resumes(result.stdout)]
    assert [step.partition(" of")[0] for step in steps] == ["1", "1", "2"]


def wait_for(happened, process: subprocess.Popen, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.2)
