"""Which runs of Snakemake are alive, and the end of the jobs of those that are not.

A run holds a lock (``flock``) on a file of its own as long as it lives: whatever kills it, the
kernel releases the lock; a run that ends by itself deletes the file. So the next run can tell a
lock of Snakemake's that a killed run has left from that of a run that goes on. All processes of a
run's jobs have the name of its file in their environment. A guard, a process that waits for the
lock, ends them when the run has died.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import platform
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "UPSAMPLING_ARTIFACTS_RUN"
"""Environment variable of a run's jobs: the path of its file."""

PROCESSES = Path("/proc")

GRACE_SECONDS = 20.0
"""From SIGTERM to SIGKILL: a training finishes its step and writes its checkpoint."""


@dataclass(frozen=True)
class Run:
    """A run, alive or dead.

    Attributes:
        path: Its file, whose name is its process, random characters and its host.
    """

    path: Path

    @property
    def description(self) -> str:
        """Its process and its host."""
        process, _, host = self.path.name.split("-", 2)
        return f"process {process} on {host}"

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine."""
        return self.path.name.split("-", 2)[2] == platform.node()

    @property
    def is_alive(self) -> bool:
        """Whether it holds its lock."""
        try:
            with self.path.open() as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            pass
        return False

    def jobs(self) -> set[int]:
        """The processes of its jobs on this machine; none on systems other than Linux."""
        entry = f"{VARIABLE}={self.path}".encode()
        environments = PROCESSES.glob("[0-9]*/environ")
        return {int(path.parent.name) for path in environments if entry in _entries(path)}

    def end_jobs(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Send SIGTERM to each of its jobs, even those that start meanwhile, and SIGKILL later.

        Args:
            grace_seconds: Time between the two, in seconds.
        """
        deadline = time.monotonic() + grace_seconds
        asked: set[int] = set()
        while jobs := self.jobs():
            is_late = time.monotonic() >= deadline
            for job in jobs if is_late else jobs - asked:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(job, signal.SIGKILL if is_late else signal.SIGTERM)
            asked |= jobs
            time.sleep(0.1)


def start_run(folder: Path) -> Run:
    """Hold the lock of a new run until this process ends, with a guard for its jobs.

    Args:
        folder: Folder of the files of all runs.

    Returns:
        The run. Processes that start with its :func:`job_variables` are its jobs.

    Raises:
        OSError: The file system does not support locks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{os.getpid()}-{secrets.token_hex(4)}-{platform.node()}"
    run = Run(folder.resolve() / name)
    descriptor = os.open(run.path, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)  # closed, and released, by the end of the process
    # A session of its own: what is sent to the run's process group does not reach the guard.
    command = [sys.executable, "-m", __spec__.name, str(run.path)]
    nowhere = subprocess.DEVNULL
    subprocess.Popen(command, start_new_session=True, stdin=nowhere, stdout=nowhere, stderr=nowhere)
    atexit.register(run.path.unlink, missing_ok=True)
    return run


def job_variables(run: Run) -> Mapping[str, str]:
    """The environment variables by which a process is a job of this run."""
    return {VARIABLE: str(run.path)}


def other_runs(folder: Path, own: Run) -> list[Run]:
    """The runs whose files are in the folder, alive or dead, but for this one."""
    return [run for path in sorted(folder.resolve().glob("*-*-*")) if (run := Run(path)) != own]


def guard(run: Run) -> None:
    """Wait until the run has died, then end its jobs."""
    with contextlib.suppress(FileNotFoundError), run.path.open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        run.end_jobs()


def _entries(environ: Path) -> list[bytes]:
    """The environment with which a process was started."""
    try:
        return environ.read_bytes().split(b"\0")
    except OSError:
        return []  # another user's, or ended


if __name__ == "__main__":
    guard(Run(Path(sys.argv[1])))
