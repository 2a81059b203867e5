"""Two jobs never share a GPU. The GPUs in these tests are only names."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from upsampling_artifacts.pipeline import gpus
from upsampling_artifacts.pipeline.gpus import claimed_gpus

JOB = """
import sys, time
from pathlib import Path
from upsampling_artifacts.pipeline.gpus import claimed_gpus
with claimed_gpus(1, Path(sys.argv[1])) as mine:
    print(*mine, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setattr(gpus, "SECONDS_BETWEEN_ATTEMPTS", 0.05)


def start_job(locks: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", JOB, str(locks)], stdout=subprocess.PIPE, text=True
    )


def test_each_job_sees_one_gpu_and_a_killed_job_releases_it(tmp_path: Path) -> None:
    jobs = [start_job(tmp_path), start_job(tmp_path)]
    try:
        taken = [job.stdout.readline().strip() for job in jobs]
        assert sorted(taken) == ["4", "5"]
        jobs[1].kill()
        jobs[1].wait(timeout=10)
        with claimed_gpus(1, tmp_path) as mine:
            assert mine == [taken[1]]
            assert os.environ["CUDA_VISIBLE_DEVICES"] == taken[1]
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "4,5"
    finally:
        for job in jobs:
            job.kill()


def test_a_job_that_needs_two_gpus_holds_none_while_it_waits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = start_job(tmp_path)
    try:
        assert first.stdout.readline().strip() == "4"
        second = subprocess.Popen(
            [sys.executable, "-c", JOB.replace("claimed_gpus(1", "claimed_gpus(2"), str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            time.sleep(1)  # it is waiting
            with claimed_gpus(1, tmp_path) as mine:
                assert mine == ["5"]
            first.kill()
            assert second.stdout.readline().strip() == "4 5"
        finally:
            second.kill()
    finally:
        first.kill()


def test_nothing_is_claimed_if_slurm_has_assigned_gpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    with claimed_gpus(1, tmp_path) as mine:
        assert mine == []
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "4,5"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("count", "visible"), [(0, "4,5"), (1, "")])
def test_nothing_is_claimed_if_no_gpu_is_requested_or_available(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, visible: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    with claimed_gpus(count, tmp_path) as mine:
        assert mine == []
