"""Unpacking the zip archive of a data set."""

from __future__ import annotations

import errno
import shutil
import zipfile
import zlib
from pathlib import Path

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.interruption import Interruption
from upsampling_artifacts.progress import Progress

MB = 10**6


def unpack(archive: Path, into: Path, stopping: Interruption) -> Path:
    """Unpack an archive into a new folder.

    Args:
        archive: A zip archive with folders ``train`` and ``test``, or with one folder that holds
            these.
        into: The folder; removed by the caller, however this ends.
        stopping: When it has been asked to stop, this returns early.

    Returns:
        The folder that holds ``train`` and ``test``: ``into``, or one in it.

    Raises:
        InputError: The archive is damaged, would write outside of ``into``, needs more space than
            there is, or is none of a data set.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
            _check(archive, members, into.parent)
            total = sum(member.file_size for member in members)
            progress = Progress(total // MB, f"unpacking {archive.name}", unit="MB")
            done = 0
            for member in members:
                if stopping.signal:
                    return into
                opened.extract(member, into)
                done += member.file_size
                progress.step(count=done // MB - progress.done)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise InputError(
            f"{archive}: is damaged, or no zip archive ({error}); remove it and start again"
        ) from error
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise InputError(
            f"{archive}: the disk is full before all of it is unpacked; free "
            f"{total / 1e9:.1f} GB and start again"
        ) from error
    for folder in (into, *sorted(path for path in into.iterdir() if path.is_dir())):
        if (folder / "train").is_dir() and (folder / "test").is_dir():
            return folder
    found = ", ".join(sorted(path.name for path in into.iterdir())) or "nothing"
    raise InputError(f"{archive}: holds no folders train and test, but {found}")


def _check(archive: Path, members: list[zipfile.ZipInfo], folder: Path) -> None:
    """Refuse what would be written elsewhere, and what there is no room for."""
    for member in members:
        path = Path(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts:
            raise InputError(
                f"{archive}: its file '{member.filename}' would be written outside of the data "
                "set's folder; do not use this archive"
            )
    needed, free = sum(member.file_size for member in members), shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(
            f"{archive}: unpacking it needs {needed / 1e9:.1f} GB in {folder}, and "
            f"{free / 1e9:.1f} GB are free; free some, or set root to an unpacked copy"
        )
