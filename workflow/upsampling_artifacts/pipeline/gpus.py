"""GPUs of one machine, shared out between jobs that no scheduler keeps apart."""

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
SECONDS_BETWEEN_TRIES = 2.0
CLAIMED = "UPSAMPLING_ARTIFACTS_GPUS"  # tells the processes that a job starts: they are yours


@contextmanager
def claimed_gpus(count: int, locks: Path = LOCKS) -> Iterator[list[str]]:
    """See ``count`` GPUs and no others until the end, and let no other job see these.

    Snakemake counts GPUs but does not say which: left alone, every job would take the first. So
    each locks a file per GPU. The kernel frees it when the job ends, however it ends. Where GPUs
    were given out already (SLURM does), or there are none, nothing is claimed.

    Args:
        count: How many; 0 claims none. If too few are free, wait.
        locks: The folder with a file per GPU, the same for all jobs of the machine.

    Yields:
        The GPUs as CUDA_VISIBLE_DEVICES names them; CUDA must not have started before.
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
    """The GPUs that this process may use: as CUDA_VISIBLE_DEVICES has it, else all."""
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
    """Lock ``count`` of the GPUs at once, or none: two that wait for each other never end."""
    waiting = False
    while True:
        with ExitStack() as tried:
            gpus = []
            for gpu in known:
                if len(gpus) < count and (lock := _lock(locks, gpu)):
                    tried.enter_context(lock)
                    gpus.append(gpu)
            if len(gpus) == count:
                held.enter_context(tried.pop_all())
                return gpus
        if not waiting:
            logger.info(f"waiting for {count} free GPU(s) of {len(known)}")
            waiting = True
        time.sleep(SECONDS_BETWEEN_TRIES)


def _lock(locks: Path, gpu: str) -> TextIO | None:
    """A lock on a GPU, held until it is closed; None if another job has it."""
    path = locks / re.sub(r"[^\w-]", "_", gpu)
    if not path.exists():
        # Anyone on this machine may lock it.
        locks.mkdir(parents=True, exist_ok=True)
        path.touch()
        for made, mode in ((locks, 0o777), (path, 0o666)):
            if made.stat().st_uid == os.getuid():
                made.chmod(mode)
    file = path.open()
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file
