"""Downloading one large file, with GNU wget.

Of what was tried, wget alone does all of it by itself: it goes on with a partial file, also after
a connection is cut, tries again after an error 503, and starts again where a server knows no
ranges. curl's --retry throws away what it has (curl issue 1084) and gives up without ranges; pooch
and zenodo_get never resume; pypdl appends whatever a server sends, and needs the space twice.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from upsampling_artifacts.interruption import Interruption
from upsampling_artifacts.progress import Progress

logger = logging.getLogger(__name__)

MB = 10**6
SECONDS_BETWEEN_LOOKS = 0.5
TRIES = 20
TEMPORARY_ERRORS = "408,429,500,502,503,504"
DISK_FULL = 3  # wget's exit status when a file cannot be written


class DownloadError(Exception):
    """A download failed; the message is the reason, in few words. What is there is kept."""


class DiskFullError(DownloadError):
    """There was no room for the rest."""


def download(
    url: str,
    path: Path,
    size_bytes: int,
    held: TextIO,
    stopping: Interruption,
    longest_pause_seconds: int = 30,
) -> None:
    """Download a file, or the rest of it.

    Args:
        url: Where it is.
        path: Where to write it. What is there already is taken for its beginning.
        size_bytes: Its size, for the time left.
        held: A locked file. wget holds the lock, too, so that nobody else writes to ``path`` even
            while a wget runs on whose parent was killed.
        stopping: When it has been asked to stop, this returns early.
        longest_pause_seconds: Between two tries the pause grows to this.

    Raises:
        DownloadError: wget gave up, or is not there.
    """
    if shutil.which("wget") is None:
        raise DownloadError("wget is not on PATH; install it")
    command = [
        "wget", "--continue", f"--output-document={path}", "--no-hsts", "--timeout=60",
        f"--tries={TRIES}", f"--waitretry={longest_pause_seconds}",
        f"--retry-on-http-error={TEMPORARY_ERRORS}", url,
    ]  # fmt: skip
    with _said() as (said, lines):
        wget = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stderr=said,
            env={**os.environ, "LC_ALL": "C"},
            pass_fds=[held.fileno()],
            start_new_session=True,  # Ctrl-C is ours to answer
        )
        try:
            reason = _watch(wget, path, size_bytes, lines, stopping)
        finally:
            wget.kill()
            wget.wait()
    if wget.returncode == DISK_FULL:
        raise DiskFullError(reason)
    if wget.returncode != 0 and not stopping.signal:
        raise DownloadError(reason)


def _watch(
    wget: subprocess.Popen, path: Path, size_bytes: int, lines: TextIO, stopping: Interruption
) -> str:
    """Tell how far it is, and what wget says, until it ends; the last that it said."""
    total = size_bytes // MB
    progress, reason = None, "no reason given"
    while True:
        ended = _ended(wget)
        for line in _complete_lines(lines):
            logger.info(f"wget: {line}")
            if line not in ("Giving up.", "Retrying."):
                reason = line
        done = _megabytes(path)
        if progress is None or done < progress.done:  # begun, or begun again
            progress = Progress(total, path.name, done, unit="MB")
        else:
            progress.step(count=done - progress.done)
        if ended or stopping.signal:
            progress.bar.close()
            return re.sub(
                r"^[-0-9]+ [:0-9]+ |^HTTP request sent, awaiting response\.+ ", "", reason
            )


def _ended(wget: subprocess.Popen) -> bool:
    try:
        wget.wait(SECONDS_BETWEEN_LOOKS)
    except subprocess.TimeoutExpired:
        return False
    return True


@contextmanager
def _said() -> Iterator[tuple[TextIO, TextIO]]:
    """A file for wget to write to, and the same to read what it has written."""
    with (
        tempfile.NamedTemporaryFile("w", prefix="wget") as written,
        Path(written.name).open(encoding="utf-8", errors="replace") as read,
    ):
        yield written, read


def _complete_lines(lines: TextIO) -> Iterator[str]:
    """What was said since the last look, without the dots that show wget's own progress."""
    while True:
        position = lines.tell()
        line = lines.readline()
        if not line.endswith("\n"):  # half a line: it will be read whole
            lines.seek(position)
            return
        line = line.strip()
        if line and not re.match(r"[0-9]+K[ .,]|Saving to:|\[ ", line):
            yield line


def _megabytes(path: Path) -> int:
    return path.stat().st_size // MB if path.exists() else 0
