"""Unpack the zip archive of a data set."""

from __future__ import annotations

import errno
import lzma
import shutil
import struct
import zipfile
import zlib
from pathlib import Path

from upsampling_artifacts.errors import InputError, one_line
from upsampling_artifacts.interruption import Interruption
from upsampling_artifacts.progress import Progress

MB = 10**6

DAMAGED = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError,
    ValueError, OverflowError,
)  # fmt: skip
NAME_ERRORS = (errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL)
"""What an archive causes in which a file and a folder have the same name, or names are too long."""


def unpack(archive: Path, target: Path, interruption: Interruption) -> Path:
    """Unpack an archive into a new folder.

    Args:
        archive: A zip archive with folders ``train`` and ``test`` at its top or one level down.
        target: The folder to create; the caller removes it on any outcome.
        interruption: On a signal, this returns early.

    Returns:
        The folder that contains ``train`` and ``test``: ``target`` or a subfolder.

    Raises:
        InputError: The archive is damaged, would write outside ``target``, does not fit on the
            disk, or has no ``train`` and ``test``.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
            _check(archive, members, target.parent)
            total = sum(member.file_size for member in members)
            progress = Progress(total // MB, f"unpacking {archive.name}", unit="MB")
            done = 0
            for member in members:
                if interruption.signal:
                    return target
                opened.extract(member, target)
                done += member.file_size
                progress.step(count=done // MB - progress.done)
    # RuntimeError: encrypted, or packed in a way that zipfile does not know. ValueError: names that
    # are no UTF-8, and broken offsets. OSError without a number: damaged bz2 data.
    except (*DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.ENOSPC, *NAME_ERRORS):
            raise
        if not isinstance(error, OSError) or error.errno != errno.ENOSPC:
            raise InputError(
                f"{archive}: is damaged, encrypted or not a zip archive ({one_line(error)}); "
                "remove it and run again"
            ) from error
        raise InputError(
            f"{archive}: the disk is full and the archive only partly unpacked; free "
            f"{total / 1e9:.1f} GB and run again"
        ) from error
    for folder in (target, *sorted(path for path in target.iterdir() if path.is_dir())):
        if (folder / "train").is_dir() and (folder / "test").is_dir():
            return folder
    found = ", ".join(sorted(path.name for path in target.iterdir())) or "nothing"
    raise InputError(f"{archive}: has no folders train and test, only {found}; use another archive")


def _check(archive: Path, members: list[zipfile.ZipInfo], folder: Path) -> None:
    """Refuse an archive that would write elsewhere or does not fit on the disk."""
    for member in members:
        path = Path(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts:
            raise InputError(
                f"{archive}: its file '{member.filename}' would be written outside the data "
                "set's folder; do not use this archive"
            )
    needed, free = sum(member.file_size for member in members), shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(
            f"{archive}: unpacking it needs {needed / 1e9:.1f} GB in {folder}, but only "
            f"{free / 1e9:.1f} GB are free; free space, or set root to an unpacked copy"
        )
