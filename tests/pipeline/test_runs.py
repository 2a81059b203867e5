"""A run that dies is told apart from one that lives, and its jobs end with it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from upsampling_artifacts.pipeline import runs

from ..clone import REPOSITORY

JOB = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN if sys.argv[1] == "stubborn" else signal.SIG_DFL)
print("started", flush=True)
time.sleep(60)
"""
RUN = f"""
import os, subprocess, sys
from pathlib import Path
from upsampling_artifacts.pipeline import runs
run = runs.start_run(Path(sys.argv[1]))
variables = {{**os.environ, **runs.job_variables(run)}}
command = [sys.executable, "-c", {JOB!r}, sys.argv[2]]
job = subprocess.Popen(command, env=variables, start_new_session=True, stdout=subprocess.PIPE)
job.stdout.readline()
print(run.path, flush=True)
sys.stdin.readline()
job.kill()
"""

Start = Callable[..., tuple[subprocess.Popen[str], runs.Run]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a run with one job."""
    started: list[tuple[subprocess.Popen[str], runs.Run]] = []

    def start_run(job: str = "obedient") -> tuple[subprocess.Popen[str], runs.Run]:
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, tmp_path, job],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY / "workflow")},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        assert process.stdout
        started.append((process, runs.Run(Path(process.stdout.readline().strip()))))
        return started[-1]

    yield start_run
    for process, run in started:
        process.kill()
        process.wait()
        run.end_jobs(0)


def wait_for_no_jobs(run: runs.Run) -> None:
    deadline = time.monotonic() + 30
    while run.jobs():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("group", [False, True])
def test_a_killed_run_is_dead_before_it_is_waited_for_and_its_jobs_end(
    start: Start, group: bool
) -> None:
    process, run = start()
    assert run.is_alive and run.is_here and len(run.jobs()) == 1
    assert f"process {process.pid} on " in run.description
    os.killpg(process.pid, signal.SIGKILL) if group else process.kill()
    wait_for_no_jobs(run)
    assert not run.is_alive
    assert run.path.exists()  # tells the next run that this one was killed


def test_a_run_that_ends_by_itself_leaves_nothing(start: Start) -> None:
    process, run = start()
    process.communicate("\n")
    assert process.returncode == 0
    assert not run.path.exists() and not run.is_alive


def test_a_job_that_ignores_sigterm_is_killed_after_its_time(start: Start) -> None:
    _, run = start("stubborn")
    jobs = run.jobs()
    started = time.monotonic()
    run.end_jobs(grace_seconds=0.5)
    assert time.monotonic() - started >= 0.5
    assert len(jobs) == 1 and not run.jobs()


def test_runs_see_each_other_and_not_themselves(start: Start, tmp_path: Path) -> None:
    (_, first), (_, second) = start(), start()
    assert runs.other_runs(tmp_path, first) == [second]
    assert first.jobs().isdisjoint(second.jobs())


def test_a_run_of_another_machine_is_known_by_its_name(tmp_path: Path) -> None:
    run = runs.Run(tmp_path / "12-ab-login-2.cluster")
    assert run.description == "process 12 on login-2.cluster"
    assert not run.is_here and not run.is_alive
