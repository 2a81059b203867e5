"""Assign the GPUs of one machine to jobs if no scheduler does."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

logger = logging.getLogger(__name__)

LOCKS = Path(tempfile.gettempdir()) / "upsampling_artifacts_gpus"
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
        locks: Folder with one file per GPU, shared by all jobs on the machine.

    Yields:
        The claimed GPUs, as in CUDA_VISIBLE_DEVICES. CUDA must not be initialized before.
    """
    known = visible_gpus()
    if count == 0 or "SLURM_JOB_ID" in os.environ or CLAIMED in os.environ or not known:
        yield []
        return
    with ExitStack() as held:
        before = os.environ.get("CUDA_VISIBLE_DEVICES")
        gpus = _claim(min(count, len(known)), known, locks, held)
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


def _claim(count: int, known: list[str], locks: Path, held: ExitStack) -> list[str]:
    """Wait until ``count`` GPUs can be locked. Lock all or none, so that jobs cannot deadlock."""
    waiting = False
    while True:
        with ExitStack() as attempt:
            gpus: list[str] = []
            for gpu in known:
                if len(gpus) < count and (lock := _lock(locks, gpu)):
                    attempt.enter_context(lock)
                    gpus.append(gpu)
            if len(gpus) == count:
                held.enter_context(attempt.pop_all())
                return gpus
        if not waiting:
            logger.info(f"waiting for {count} free GPU(s) of {len(known)}")
            waiting = True
        time.sleep(SECONDS_BETWEEN_ATTEMPTS)


def _lock(locks: Path, gpu: str) -> TextIO | None:
    """Lock a GPU until the returned file is closed; None if another job holds the lock."""
    path = locks / re.sub(r"[^\w-]", "_", gpu)
    if not path.exists():
        # All users of the machine share the locks.
        locks.mkdir(parents=True, exist_ok=True)
        path.touch()
        for created, mode in ((locks, 0o777), (path, 0o666)):
            if created.stat().st_uid == os.getuid():
                created.chmod(mode)
    file = path.open()
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file
