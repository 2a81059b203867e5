"""Atomic writes: a file is complete or absent, never half-written."""

from __future__ import annotations

import errno
import os
import platform
import secrets
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from upsampling_artifacts.errors import InputError

FULL_DISK_BYTES = 2**20
"""With less free space than this, a failed write is blamed on a full disk, and no run starts."""


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder and rename it to ``path`` on success.

    A killed job or a full disk leaves the old file or none. The temporary file keeps the suffix,
    because some writers infer the format from it, and is removed on failure; that of a killed
    process, by the next writer. No two writers share one: a job that outlives its run may still
    write when the next run does.

    Args:
        path: The file to write. Missing parent folders are created.

    Raises:
        OSError: The disk is full or not writable, or nothing was written. The message names
            ``path``.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    writer = f"{_host()}-{os.getpid()}-{secrets.token_hex(2)}"
    unfinished = path.with_name(f".{path.stem}.{writer}.unfinished{path.suffix}")
    try:
        with explained_write_errors(path):
            yield unfinished
            with unfinished.open("rb") as file:
                os.fsync(file.fileno())
            unfinished.replace(path)
    finally:
        with suppress(OSError):  # the folder may have gone, too
            unfinished.unlink()


@contextmanager
def explained_write_errors(path: str | Path) -> Iterator[None]:
    """Let an error in writing a file name the file and, if it may be the disk, the free space.

    numpy, torch, safetensors and libsndfile each report a full disk in their own way, or not at
    all.

    Args:
        path: The file that is written.

    Raises:
        OSError: Writing failed.
    """
    try:
        yield
    except Exception as error:
        folder = Path(path).parent
        try:
            free = shutil.disk_usage(folder).free
        except OSError:  # it has gone
            free = FULL_DISK_BYTES
        if free < FULL_DISK_BYTES or "No space left" in str(error):
            number, reason = errno.ENOSPC, "No space left on device; make room, and start again"
        elif isinstance(error, OSError):
            number, reason = error.errno or errno.EIO, error.strerror or str(error)
        elif type(error).__module__ == "soundfile":  # "System error", whatever the reason
            number, reason = errno.EIO, f"{error} ({free / 1e6:.0f} MB free in {folder})"
        else:
            raise
        raise OSError(number, f"{path} could not be written: {reason}") from error


def check_writable(folder: str | Path) -> None:
    """Check that files can be written in a folder, or where it would be made.

    Args:
        folder: The folder; it is not made.

    Raises:
        InputError: They cannot.
    """
    path = Path(folder).absolute()
    existing = next(each for each in (path, *path.parents) if each.exists())
    try:
        with tempfile.TemporaryFile(dir=existing) as file:
            file.write(bytes(FULL_DISK_BYTES))
            file.flush()
    except OSError as error:
        raise InputError(
            f"{folder}: nothing can be written there ({error.strerror}: {existing}); mend that, or "
            "make it a link to another folder"
        ) from error


def _remove_leftovers(path: Path) -> None:
    """Delete the temporary files of writers of ``path`` that were killed on this machine."""
    start, end = f".{path.stem}.{_host()}-", f".unfinished{path.suffix}"
    for left in path.parent.iterdir():
        if left.name.startswith(start) and left.name.endswith(end):
            process = left.name.removeprefix(start).partition("-")[0]
            if process.isdigit() and not _exists(int(process)):
                left.unlink(missing_ok=True)


def _host() -> str:
    """A short name of this machine: names of songs may leave little room."""
    return f"{zlib.crc32(platform.node().encode()):08x}"


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    return True
