"""Download one large file with GNU wget.

Of the tools we tried, only wget does all that we need: it resumes a partial file, even after a
dropped connection, retries after an error 503, and starts over if the server does not support
ranges. curl's --retry discards the partial file (curl issue 1084) and fails without ranges; pooch
and zenodo_get never resume; pypdl appends whatever the server sends, and needs twice the space.
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
from typing import IO, TextIO

from upsampling_artifacts.interruption import Interruption
from upsampling_artifacts.progress import Progress

logger = logging.getLogger(__name__)

MB = 10**6
POLLING_SECONDS = 0.5
ATTEMPTS = 20
TEMPORARY_ERRORS = "408,429,500,502,503,504"
WRITE_ERROR = 3  # wget's exit status if it cannot write the file


class DownloadError(Exception):
    """A download failed; the message is a short reason. The partial file is kept."""


class DiskFullError(DownloadError):
    """The disk has no space for the rest of the file."""


def download(
    url: str,
    path: Path,
    size_bytes: int,
    lock: TextIO,
    interruption: Interruption,
    max_pause_seconds: int = 30,
) -> None:
    """Download a file, or resume its download.

    Args:
        url: URL of the file.
        path: File to write. An existing file is taken to be the beginning of the download.
        size_bytes: Size of the file, to estimate the remaining time.
        lock: A locked file. wget inherits the lock: if this process is killed, no other one
            writes to ``path`` before wget has ended.
        interruption: On a signal, this returns early.
        max_pause_seconds: Longest pause between retries; pauses grow up to it.

    Raises:
        DiskFullError: The disk is full.
        DownloadError: wget failed for another reason, or is not installed.
    """
    if shutil.which("wget") is None:
        raise DownloadError("wget is not on PATH; install it")
    command = [
        "wget", "--continue", f"--output-document={path}", "--no-hsts", "--timeout=60",
        f"--tries={ATTEMPTS}", f"--waitretry={max_pause_seconds}",
        f"--retry-on-http-error={TEMPORARY_ERRORS}", url,
    ]  # fmt: skip
    with _log_file() as (log, lines):
        wget = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stderr=log,
            env={**os.environ, "LC_ALL": "C"},
            pass_fds=[lock.fileno()],
            start_new_session=True,  # we handle Ctrl-C
        )
        try:
            reason = _watch(wget, path, size_bytes, lines, interruption)
        finally:
            wget.kill()
            wget.wait()
    if wget.returncode == WRITE_ERROR:
        raise DiskFullError(reason)
    if wget.returncode != 0 and not interruption.signal:
        raise DownloadError(reason)


def _watch(
    wget: subprocess.Popen, path: Path, size_bytes: int, lines: TextIO, interruption: Interruption
) -> str:
    """Log progress and wget's messages until it exits; return its last message."""
    total = size_bytes // MB
    progress, reason = None, "no reason given"
    while True:
        ended = _ended(wget)
        for line in _complete_lines(lines):
            logger.info(f"wget: {line}")
            if line not in ("Giving up.", "Retrying."):
                reason = line
        done = _megabytes(path)
        if progress is None or done < progress.done:  # started, or started over
            progress = Progress(total, path.name, done, unit="MB")
        else:
            progress.step(count=done - progress.done)
        if ended or interruption.signal:
            progress.bar.close()
            return re.sub(
                r"^[-0-9]+ [:0-9]+ |^HTTP request sent, awaiting response\.+ ", "", reason
            )


def _ended(wget: subprocess.Popen) -> bool:
    try:
        wget.wait(POLLING_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


@contextmanager
def _log_file() -> Iterator[tuple[IO[str], TextIO]]:
    """Open a temporary file twice: for wget to write its messages, and for us to read them."""
    with (
        tempfile.NamedTemporaryFile("w", prefix="wget") as log,
        Path(log.name).open(encoding="utf-8", errors="replace") as lines,
    ):
        yield log, lines


def _complete_lines(lines: TextIO) -> Iterator[str]:
    """Yield the lines written since the last call, except wget's own progress dots."""
    while True:
        position = lines.tell()
        line = lines.readline()
        if not line.endswith("\n"):  # incomplete: read it again later
            lines.seek(position)
            return
        line = line.strip()
        if line and not re.match(r"[0-9]+K[ .,]|Saving to:|\[ ", line):
            yield line


def _megabytes(path: Path) -> int:
    return path.stat().st_size // MB if path.exists() else 0
