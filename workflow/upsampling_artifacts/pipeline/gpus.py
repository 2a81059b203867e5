"""Assign the GPUs of one machine to jobs if no scheduler does."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import re
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from upsampling_artifacts.errors import InputError

logger = logging.getLogger(__name__)

# A folder per user: one that all users write to could hold links to a user's own files.
LOCKS = Path(tempfile.gettempdir()) / f"upsampling_artifacts_gpus_{os.geteuid()}"
SECONDS_BETWEEN_ATTEMPTS = 2.0
CLAIMED = "UPSAMPLING_ARTIFACTS_GPUS"  # set for the subprocesses of a job that has claimed GPUs


@contextmanager
def claimed_gpus(count: int, locks: Path = LOCKS) -> Iterator[list[str]]:
    """Context manager: claim ``count`` GPUs for this job, and hide all others from it.

    Snakemake counts GPUs but does not assign them, so every job would use the first. Therefore each
    job locks one file per GPU; the kernel releases the locks when the job exits for any reason.
    Nothing is claimed if a scheduler has assigned GPUs already (as SLURM does), or if there are
    none.

    Args:
        count: Number of GPUs; 0 claims none, more than exist claims all. Waits until they are free.
        locks: Folder with one file per GPU, shared by all jobs of this user on the machine.

    Yields:
        The claimed GPUs, as in CUDA_VISIBLE_DEVICES. CUDA must not be initialized before.

    Raises:
        InputError: ``locks`` is a link or another user's, or others can enter it.
    """
    known = visible_gpus()
    if count == 0 or "SLURM_JOB_ID" in os.environ or CLAIMED in os.environ or not known:
        yield []
        return
    with ExitStack() as held:
        before = os.environ.get("CUDA_VISIBLE_DEVICES")
        try:
            gpus = _claim(min(count, len(known)), known, _open_private(locks, held), held)
        except OSError as error:
            raise InputError(
                f"{locks}: cannot lock GPUs here ({error.strerror}); remove it, or set TMPDIR"
            ) from None
        os.environ["CUDA_VISIBLE_DEVICES"] = os.environ[CLAIMED] = ",".join(gpus)
        logger.info(f"on GPU {', '.join(gpus)}")
        try:
            yield gpus
        finally:
            del os.environ[CLAIMED], os.environ["CUDA_VISIBLE_DEVICES"]
            if before is not None:
                os.environ["CUDA_VISIBLE_DEVICES"] = before


def visible_gpus() -> list[str]:
    """List the GPUs that this process may use: those in CUDA_VISIBLE_DEVICES, or all."""
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        return [gpu for gpu in os.environ["CUDA_VISIBLE_DEVICES"].split(",") if gpu]
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=True, timeout=60
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(index) for index in range(len(re.findall("^GPU ", listed, re.MULTILINE)))]


def _open_private(folder: Path, held: ExitStack) -> int:
    """Open a folder that only this user can enter; create it if it is missing.

    All users write to the temporary directory: any of them may have put a folder or a link there.
    """
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    held.callback(os.close, opened)
    found = os.fstat(opened)
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise PermissionError(errno.EPERM, "other users may have made it, or can enter it")
    return opened


def _claim(count: int, known: list[str], locks: int, held: ExitStack) -> list[str]:
    """Wait until ``count`` GPUs can be locked. Lock all or none, so that jobs cannot deadlock."""
    waiting = False
    while True:
        with ExitStack() as attempt:
            gpus: list[str] = []
            for gpu in known:
                if len(gpus) < count and _lock(locks, gpu, attempt):
                    gpus.append(gpu)
            if len(gpus) == count:
                held.enter_context(attempt.pop_all())
                return gpus
        if not waiting:
            logger.info(f"waiting for {count} free GPU(s) of {len(known)}")
            waiting = True
        time.sleep(SECONDS_BETWEEN_ATTEMPTS)


def _lock(locks: int, gpu: str, held: ExitStack) -> bool:
    """Lock a GPU until ``held`` is closed; False if another job holds the lock."""
    name = re.sub(r"[^\w-]", "_", gpu)
    file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600, dir_fd=locks)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    held.callback(os.close, file)
    return True
