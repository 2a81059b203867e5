"""Files that are either whole or not there."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SPACE_OF_A_FULL_DISK = 2**20  # bytes


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Give a temporary path in the same folder, and rename it to ``path`` at the end.

    A job that is killed, or a disk that fills up, leaves the old file or none at all: never
    half of one. The temporary file keeps the suffix, because some writers choose the format
    by it, and is removed on failure.

    Raises:
        OSError: With ``path`` in the message if the disk is full or not writable.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.stem}.unfinished{path.suffix}")
    try:
        yield unfinished
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    except Exception as error:
        # numpy, torch and safetensors tell of a full disk each in its own way, or not at all.
        free = shutil.disk_usage(path.parent).free
        if free < SPACE_OF_A_FULL_DISK or "No space left" in str(error):
            number, what = errno.ENOSPC, "No space left on device"
        elif isinstance(error, OSError):
            number, what = error.errno or errno.EIO, error.strerror or str(error)
        else:
            raise
        raise OSError(number, f"{path} could not be written: {what}") from error
    finally:
        unfinished.unlink(missing_ok=True)
