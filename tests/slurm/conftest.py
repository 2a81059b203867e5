"""Fixtures: a temporary SLURM cluster and experiments on it."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from ..clone import TINY, Clone, copy_repository, plain_environment
from ..once import made_once

SCRIPT = Path(__file__).with_name("cluster.sh")
CLIENT_SECONDS = 60
START_SECONDS = 90
PATIENCE_SECONDS = 300
"""What takes longer has failed: as many jobs as tests run at once, on two cores."""
# A machine has one /etc/slurm, hence one cluster, which all test processes share.
FOLDER = Path(tempfile.gettempdir()) / "upsampling_artifacts_slurm"
# The unmodified profile, except for shorter polling intervals and fewer jobs at once.
QUICK = (
    "--profile", "slurm", "--jobs", "4",
    "--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "3",
)  # fmt: skip


@dataclass(frozen=True)
class Slurm:
    """The cluster. Every call has a timeout."""

    def client(self, *command: str) -> str:
        """The output of one of SLURM's commands."""
        return subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=CLIENT_SECONDS
        ).stdout

    def jobs(self, clone: Clone, rule: str = "") -> list[dict[str, str]]:
        """SLURM's records of the jobs submitted from a clone, in order, including ended ones."""
        lines = self.client("scontrol", "--details", "--oneliner", "show", "job").splitlines()
        jobs = [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines]
        jobs = [job for job in jobs if job.get("WorkDir") == str(clone.root)]
        return sorted(
            (job for job in jobs if job["Comment"].startswith(f"rule_{rule}")),
            key=lambda job: int(job["JobId"]),
        )

    def start(self, clone: Clone, *arguments: str) -> subprocess.Popen[str]:
        """Start ``snakemake --profile slurm``; its output goes to a file in the clone."""
        with (clone.root / "output.txt").open("a") as output:
            return subprocess.Popen(
                ["snakemake", *QUICK, *arguments],
                cwd=clone.root,
                env=plain_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def run(
        self, clone: Clone, *arguments: str, seconds: float = PATIENCE_SECONDS
    ) -> tuple[int, str]:
        """Run ``snakemake --profile slurm`` to its end: its exit code and output."""
        process = self.start(clone, *arguments)
        code = wait_for_exit(process, seconds)
        return code, output_of(clone)


def wait_for_exit(process: subprocess.Popen, seconds: float = PATIENCE_SECONDS) -> int:
    """Wait for a process, and kill it if it takes too long."""
    try:
        return process.wait(timeout=seconds)
    finally:
        process.kill()


def output_of(clone: Clone) -> str:
    return (clone.root / "output.txt").read_text()


def wait_for(happened: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS} s: {what}"
        time.sleep(0.3)


def obstacle() -> str:
    """Why a cluster cannot run here; empty if it can."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [
        name
        for name in ("slurmctld", "slurmd", "slurmdbd", "mariadbd", "munged", "sbatch", "flock")
        if not shutil.which(name, path=path)
    ]
    if missing:
        return f"no {', '.join(missing)} here (tests/install_slurm.sh names Debian's packages)"
    return "" if os.geteuid() == 0 else "the cluster's daemons need root"


@pytest.fixture(scope="session")
def slurm() -> Iterator[Slurm]:
    """The cluster, which runs as long as a test process uses it."""
    if reason := obstacle():
        reason = f"`snakemake --profile slurm` is NOT TESTED: {reason}"
        if os.environ.get("REQUIRE_SLURM"):
            pytest.fail(reason)
        pytest.skip(reason)
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)  # released by the kernel however this process ends
        with FileLock(FOLDER / "start.lock", timeout=START_SECONDS + 30):
            if not (FOLDER / "ready").exists():
                _start_cluster()
        yield Slurm()


def _start_cluster() -> None:
    with (FOLDER / "output.txt").open("w") as output:
        script = subprocess.Popen(
            ["bash", str(SCRIPT), str(FOLDER)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while not (FOLDER / "ready").exists():
        if script.poll() is not None or time.monotonic() > deadline:
            script.terminate()
            pytest.fail(f"the cluster did not start: {(FOLDER / 'output.txt').read_text()}")
        time.sleep(0.1)


# --- one training run, long enough to be interrupted ---
EPOCHS = 150
MODEL = "results/tiny/variants/demucs_nearest/seed-0/model.safetensors"
CHECKPOINT = "results/tiny/variants/demucs_nearest/seed-0/checkpoint.pt"
TRAIN = (
    "--configfile", TINY, "--config",
    f"training={{epochs: {EPOCHS}, checkpoint_minutes: 0.02}}", "--", MODEL,
)  # fmt: skip


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone in which training ran without a cluster and without interruption."""

    def run(root: Path) -> None:
        result = copy_repository(root).snakemake(*TRAIN)
        assert result.returncode == 0, result.stdout

    return Clone(made_once(tmp_path_factory, "trained", run))


@pytest.fixture
def weights(trained: Clone) -> bytes:
    """The model file of the uninterrupted training run."""
    return (trained.root / MODEL).read_bytes()


@pytest.fixture
def untrained(trained: Clone, tmp_path: Path) -> Clone:
    """A clone with cached songs and without a trained model."""
    shutil.copytree(trained.root, tmp_path / "clone", symlinks=True)
    shutil.rmtree(tmp_path / "clone/results/tiny/variants")
    return Clone(tmp_path / "clone")
