"""Two jobs never share a GPU. The GPUs in these tests are only names."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from upsampling_artifacts.errors import InputError
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


def test_the_locks_are_one_users_alone(tmp_path: Path) -> None:
    assert gpus.LOCKS.name.endswith(f"_{os.geteuid()}")
    locks = tmp_path / "locks"
    umask = os.umask(0)
    try:
        with claimed_gpus(1, locks):
            modes = [stat.S_IMODE(path.stat().st_mode) for path in (locks, locks / "4")]
    finally:
        os.umask(umask)
    assert modes == [0o700, 0o600]


@pytest.mark.parametrize("link", ["folder", "dangling", "file"])
def test_a_link_is_refused_and_what_it_names_stays_as_it_was(tmp_path: Path, link: str) -> None:
    target, locks = tmp_path / "target", tmp_path / "locks"
    if link == "file":
        locks.mkdir(mode=0o700)
        (locks / "4").symlink_to(target)
    else:
        locks.symlink_to(target)
    if link == "folder":
        target.mkdir(mode=0o700)
    with pytest.raises(InputError, match=r"locks: cannot lock GPUs here .*; remove it"):
        claimed_gpus(1, locks).__enter__()
    assert not target.exists() or not list(target.iterdir())


def test_a_folder_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    locks = tmp_path / "locks"
    locks.mkdir()
    locks.chmod(0o770)
    with pytest.raises(InputError, match="other users may have made it, or can enter it"):
        claimed_gpus(1, locks).__enter__()
    assert not list(locks.iterdir())


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can act as a second user"
)
@pytest.mark.parametrize(
    "trap",
    ["mkdir -m 777 locks", "mkdir -m 700 locks", "ln -s {home} locks", "ln -s {home}/absent locks"],
)
def test_what_another_user_put_there_is_refused(tmp_path: Path, trap: str) -> None:
    """Another user makes the folder first, or a link from it to this user's home."""
    shared, home = tmp_path / "shared", tmp_path / "home"
    shared.mkdir()
    home.mkdir(mode=0o700)
    shared.chmod(0o1777)
    locks = shared / "locks"
    other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    # The other user cannot walk the private folders above `shared`, but can start in it.
    subprocess.run([*other, "sh", "-c", trap.format(home=home)], cwd=shared, check=True)
    assert locks.lstat().st_uid == 65534
    with pytest.raises(InputError) as error:
        claimed_gpus(1, locks).__enter__()
    assert str(error.value).startswith(f"{locks}: cannot lock GPUs here (")
    assert "\n" not in str(error.value)
    assert not list(home.iterdir())
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
