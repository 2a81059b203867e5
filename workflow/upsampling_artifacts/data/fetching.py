"""Fetch a published data set: download, verify and unpack it, as one atomic operation."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TextIO

from upsampling_artifacts.data.datasets import find_songs
from upsampling_artifacts.data.download import DiskFullError, DownloadError, download
from upsampling_artifacts.data.unpacking import unpack
from upsampling_artifacts.errors import InputError, Interrupted
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.interruption import Interruption
from upsampling_artifacts.progress import Progress

logger = logging.getLogger(__name__)

RECORD = "fetched.json"
MB = 10**6
BLOCK = 8 * MB
SECONDS_BETWEEN_LOCK_ATTEMPTS = 1.0


@dataclass(frozen=True)
class PublishedDataset:
    """A published data set: a row of ``datasets`` in config, described in its schema.

    Attributes:
        name: Name of the data set.
        url: URL of its archive.
        archive: File name of the archive.
        size_bytes: Size of the archive.
        unpacked_bytes: Size when unpacked; None if unknown.
        checksum: "sha256:..." or "md5:..." of the archive; None if none is published.
        checksum_source: Where the checksum is published.
        page: Web page about the data set.
        n_missing: Number of listed songs that the archive is known to lack.
    """

    name: str
    url: str
    archive: str
    size_bytes: int
    unpacked_bytes: int | None
    checksum: str | None
    checksum_source: str | None
    page: str
    n_missing: int = 0

    @classmethod
    def from_config(cls, config: dict) -> PublishedDataset:
        """Look up the data set of an experiment.

        Raises:
            InputError: It is not published.
        """
        row = config["datasets"].get(config["dataset"])
        if row is None:
            known = ", ".join(config["datasets"])
            raise InputError(
                f"config: dataset: {config['dataset']} is not a published data set and cannot "
                f"be fetched; known: {known}"
            )
        keys = {field.name for field in fields(cls)} & row.keys()
        return cls(name=config["dataset"], **{key: row[key] for key in keys})


def fetch(
    dataset: PublishedDataset,
    songs: dict[str, list[str]],
    folder: Path,
    max_pause_seconds: int = 30,
) -> Path:
    """Fetch a data set into a new folder; return at once if it was fetched before.

    The archive is downloaded beside the folder and removed at the end. If the user or an
    interrupted run left a complete or partial archive there, only the rest is downloaded. Of
    several concurrent runs, one fetches and the others wait.

    Args:
        dataset: The data set to fetch.
        songs: The songs that it must contain, by split ("train", "valid", "test").
        folder: The folder to create, with ``train`` and ``test``.
        max_pause_seconds: Longest pause before a retry of the download.

    Returns:
        Path of ``folder/fetched.json``: the archive's checksum, and the songs found, by split.

    Raises:
        InputError: The data set cannot be downloaded, verified or unpacked, or lacks songs; or the
            folder exists but was not fetched from this archive.
        Interrupted: A signal stopped the run; the partial download is kept.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    archive = folder.with_name(dataset.archive)
    with Interruption() as interruption, _locked(folder, interruption) as lock:
        if not _is_fetched(dataset, folder):
            unfinished = folder.with_name(f".{folder.name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            checksum = _get_archive(dataset, archive, lock, interruption, max_pause_seconds)
            try:
                found = unpack(archive, unfinished, interruption)
                _raise_if_interrupted(interruption)
                _write_record(dataset, songs, checksum, found)
                os.sync()  # if the folder exists, it is complete, even after a power failure
                found.replace(folder)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
        archive.unlink(missing_ok=True)
    return folder / RECORD


def _is_fetched(dataset: PublishedDataset, folder: Path) -> bool:
    if not folder.exists():
        return False
    try:
        checksum = json.loads((folder / RECORD).read_text())["checksum"]
    except FileNotFoundError:
        raise InputError(
            f"{folder}: was not created by this pipeline; set root to it (the pipeline never "
            "writes to root), or move it"
        ) from None
    if dataset.checksum not in (None, checksum):
        raise InputError(
            f"{folder}: was fetched from an archive whose checksum ({checksum}) is not "
            f"datasets.{dataset.name}.checksum in config; remove the folder to fetch it again"
        )
    logger.info(f"{folder}: already fetched")
    return True


def _get_archive(
    dataset: PublishedDataset,
    archive: Path,
    lock: TextIO,
    interruption: Interruption,
    max_pause_seconds: int,
) -> str:
    """Download what is missing of the archive and verify it; return its checksum."""
    remedy = (
        f"download {dataset.archive} from {dataset.page}, put it at {archive.absolute()} and run "
        "again, or set root to an unpacked copy"
    )
    present = archive.stat().st_size if archive.exists() else 0
    # Never append to the target of a symbolic link: it is the user's own file.
    is_partial_link = archive.is_symlink() and present < dataset.size_bytes
    if is_partial_link or present > dataset.size_bytes or (present and not _is_zip(archive)):
        raise InputError(
            f"{archive}: is neither the published archive nor a partial download of it "
            f"({present} of {dataset.size_bytes} bytes); remove it and run again"
        )
    _check_space(dataset, archive, present)
    if present == dataset.size_bytes:
        logger.info(f"{archive}: already downloaded")
    else:
        total = dataset.size_bytes
        logger.info(f"{archive}: {present / 1e9:.2f} of {total / 1e9:.2f} GB already downloaded")
        try:
            download(dataset.url, archive, total, lock, interruption, max_pause_seconds)
        except DiskFullError as error:
            raise InputError(
                f"{archive}: the disk is full ({error}); the partial download is kept: free space "
                "and run again to resume"
            ) from error
        except DownloadError as error:
            _remove_if_empty(archive)
            raise InputError(
                f"{dataset.name}: {dataset.url} could not be downloaded: {error}; {remedy}"
            ) from error
        kept = archive.stat().st_size // MB if archive.exists() else 0
        _raise_if_interrupted(interruption, f"{kept} MB are kept")
        _check_is_archive(dataset, archive, remedy)
    checksum = _checksum(dataset, archive, interruption)
    if dataset.checksum is None:
        logger.info(f"{archive}: no checksum is published for this archive; it has {checksum}")
    elif checksum != dataset.checksum:
        if present < dataset.size_bytes:  # a corrupt download is of no use
            archive.unlink()
        raise InputError(
            f"{archive}: has the checksum {checksum}, but {dataset.checksum} is published "
            f"({dataset.checksum_source}); "
            + ("it was removed: run again" if present < dataset.size_bytes else "remove it")
            + f", or {remedy}"
        )
    else:
        logger.info(f"{archive}: complete, its checksum matches the published one")
    return checksum


def _check_space(dataset: PublishedDataset, archive: Path, present: int) -> None:
    """Raise an InputError if the disk cannot hold the archive and the unpacked data set."""
    missing = max(0, dataset.size_bytes - present)
    unpacked = dataset.unpacked_bytes or dataset.size_bytes
    free = shutil.disk_usage(archive.parent).free
    if missing + unpacked > free:
        raise InputError(
            f"{dataset.name}: needs {(missing + unpacked) / 1e9:.1f} GB in "
            f"{archive.parent.absolute()} ({missing / 1e9:.1f} to download, {unpacked / 1e9:.1f} "
            f"to unpack), but only {free / 1e9:.1f} GB are free; free space, or set root to "
            "an unpacked copy"
        )


def _check_is_archive(dataset: PublishedDataset, archive: Path, remedy: str) -> None:
    """Detect a truncated file, or a login page that the server sent instead of the archive."""
    size = archive.stat().st_size
    if size == dataset.size_bytes and _is_zip(archive):
        return
    if size < dataset.size_bytes and _is_zip(archive):
        reason = f"the server sent only {size} of {dataset.size_bytes} bytes"
    else:
        archive.unlink()
        reason = "the server did not send the archive, but perhaps a login page"
    raise InputError(f"{dataset.name}: {dataset.url} could not be downloaded: {reason}; {remedy}")


def _is_zip(archive: Path) -> bool:
    """Whether a file starts like a zip archive; it may be truncated."""
    with archive.open("rb") as file:
        return file.read(2) == b"PK"


def _remove_if_empty(archive: Path) -> None:
    if archive.exists() and archive.stat().st_size == 0:
        archive.unlink()


def _checksum(dataset: PublishedDataset, archive: Path, interruption: Interruption) -> str:
    """Compute the archive's checksum with the published algorithm, by default SHA-256."""
    algorithm = (dataset.checksum or "sha256:").partition(":")[0]
    digest = hashlib.new(algorithm, usedforsecurity=False)
    progress = Progress(archive.stat().st_size // MB, f"verifying {archive.name}", unit="MB")
    with archive.open("rb") as file:
        while block := file.read(BLOCK):
            _raise_if_interrupted(interruption)
            digest.update(block)
            progress.step(count=file.tell() // MB - progress.done)
    return f"{algorithm}:{digest.hexdigest()}"


def _write_record(
    dataset: PublishedDataset, songs: dict[str, list[str]], checksum: str, folder: Path
) -> None:
    """Compare the songs found with those expected, and write :data:`RECORD`."""
    found = find_songs(folder)
    missing = [
        name
        for split, names in songs.items()
        for name in names
        if name not in found["test" if split == "test" else "train"]
    ]
    if len(missing) > dataset.n_missing:
        raise InputError(
            f"{dataset.name}: the archive lacks {len(missing)} of its songs; exclude them in "
            f"config (exclude_songs: {json.dumps(missing)}), or correct datasets.{dataset.name}"
        )
    if missing:
        logger.info(f"{dataset.name}: missing from the archive, and skipped: {'; '.join(missing)}")
    listed = {name for names in songs.values() for name in names}
    if extra := [name for names in found.values() for name in names if name not in listed]:
        logger.info(f"{dataset.name}: unlisted or excluded, and not used: {'; '.join(extra)}")
    record = {"dataset": dataset.name, "checksum": checksum, "songs": found}
    with atomic_write(folder / RECORD) as unfinished:
        unfinished.write_text(json.dumps(record, indent=1) + "\n")


def _raise_if_interrupted(interruption: Interruption, state: str = "the archive is kept") -> None:
    if interruption.signal:
        raise Interrupted(f"stopped by {interruption.signal}; {state}, run again to resume")


@contextmanager
def _locked(folder: Path, interruption: Interruption) -> Iterator[TextIO]:
    """Hold the lock on a data set; the kernel releases it when all its holders have exited."""
    with folder.with_name(f".{folder.name}.lock").open("w") as lock:
        waiting = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waiting:
                    logger.info(f"{folder}: waiting for another run that is fetching it")
                    waiting = True
                _raise_if_interrupted(interruption, "the other run continues")
                time.sleep(SECONDS_BETWEEN_LOCK_ATTEMPTS)
        yield lock
