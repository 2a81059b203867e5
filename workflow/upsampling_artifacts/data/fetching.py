"""Fetching a published data set: download, check, unpack. Whole, or not there at all."""

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

from upsampling_artifacts.data.datasets import songs_below
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
SECONDS_BETWEEN_TRIES = 1.0


@dataclass(frozen=True)
class Source:
    """Where a data set is published: a row of ``datasets`` in config, whose schema says more.

    Attributes:
        name: The data set.
        url: Of its archive.
        archive: The archive's file name.
        size_bytes: Of the archive.
        unpacked_bytes: Of what is in it, as far as known.
        checksum: "sha256:..." or "md5:..." of the archive; None if nobody has published one.
        checksum_source: Who has.
        page: For people.
        n_missing: How many of its songs the archive is known to lack.
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
    def from_config(cls, config: dict) -> Source:
        """Where the data set of an experiment is published.

        Raises:
            InputError: It is not.
        """
        row = config["datasets"].get(config["dataset"])
        if row is None:
            known = ", ".join(config["datasets"])
            raise InputError(
                f"config: dataset: {config['dataset']} is no published data set that could be "
                f"fetched; known: {known}"
            )
        wanted = {field.name for field in fields(cls)} & row.keys()
        return cls(name=config["dataset"], **{key: row[key] for key in wanted})


def fetch(
    source: Source, songs: dict[str, list[str]], folder: Path, longest_pause_seconds: int = 30
) -> Path:
    """Fetch a data set into a folder that is not there yet; if it is there, this ends at once.

    The archive is downloaded to beside the folder, and removed in the end. Where one lies there
    already, put there by hand or left by a run that was stopped, the rest of it is downloaded, or
    nothing. Of several runs at once, one fetches and the others wait.

    Args:
        source: Where it is published.
        songs: The names it has to hold, by split ("train", "valid", "test").
        folder: Where ``train`` and ``test`` shall be.
        longest_pause_seconds: Between two tries of a download.

    Returns:
        ``folder/fetched.json``: the archive's checksum, and the songs that are there, by split.

    Raises:
        InputError: In one line, what is in the way and what to do.
        Interrupted: A signal asked to stop; what was downloaded is kept.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    archive = folder.with_name(source.archive)
    with Interruption() as stopping, _alone(folder, stopping) as held:
        if not _is_fetched(source, folder):
            unfinished = folder.with_name(f".{folder.name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            checksum = _get_archive(source, archive, held, stopping, longest_pause_seconds)
            try:
                found = unpack(archive, unfinished, stopping)
                _go_on(stopping)
                _write_record(source, songs, checksum, found)
                os.sync()  # a folder that is there is whole, also after a power failure
                found.replace(folder)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
        archive.unlink(missing_ok=True)
    return folder / RECORD


def _is_fetched(source: Source, folder: Path) -> bool:
    if not folder.exists():
        return False
    try:
        checksum = json.loads((folder / RECORD).read_text())["checksum"]
    except FileNotFoundError:
        raise InputError(
            f"{folder}: was not unpacked there by this pipeline; set root to it (nothing is "
            "written there then), or move it away"
        ) from None
    if source.checksum not in (None, checksum):
        raise InputError(
            f"{folder}: was fetched from an archive with another checksum ({checksum}) than "
            f"datasets.{source.name}.checksum in config; remove the folder to fetch it anew"
        )
    logger.info(f"{folder}: already there")
    return True


def _get_archive(
    source: Source, archive: Path, held: TextIO, stopping: Interruption, longest_pause_seconds: int
) -> str:
    """Have the whole archive at ``archive``, checked; its checksum."""
    by_hand = (
        f"download {source.archive} from {source.page}, put it at {archive.absolute()} and start "
        "again, or set root to an unpacked copy"
    )
    there = archive.stat().st_size if archive.exists() else 0
    # Through a link the rest would be written into somebody's own file.
    own_part = archive.is_symlink() and there < source.size_bytes
    if own_part or there > source.size_bytes or (there and not _is_zip(archive)):
        raise InputError(
            f"{archive}: is not the archive that is published, nor a beginning of it to go on with "
            f"({there} bytes of {source.size_bytes}); remove it and start again"
        )
    _check_space(source, archive, there)
    if there == source.size_bytes:
        logger.info(f"{archive}: the archive is there already")
    else:
        logger.info(f"{archive}: {there / 1e9:.2f} of {source.size_bytes / 1e9:.2f} GB are there")
        try:
            download(source.url, archive, source.size_bytes, held, stopping, longest_pause_seconds)
        except DiskFullError as error:
            raise InputError(
                f"{archive}: the disk is full ({error}); what is there is kept: free space and "
                "start again to go on"
            ) from error
        except DownloadError as error:
            _remove_if_empty(archive)
            raise InputError(
                f"{source.name}: {source.url} could not be downloaded: {error}; {by_hand}"
            ) from error
        _go_on(stopping, f"{archive.stat().st_size // MB if archive.exists() else 0} MB are kept")
        _check_is_archive(source, archive, by_hand)
    checksum = _checksum(source, archive, stopping)
    if source.checksum is None:
        logger.info(f"{archive}: nobody has published a checksum for this archive; its {checksum}")
    elif checksum != source.checksum:
        if there < source.size_bytes:  # downloaded: of no use to anybody
            archive.unlink()
        raise InputError(
            f"{archive}: has the checksum {checksum}, but {source.checksum} is published "
            f"({source.checksum_source}); "
            + ("it was removed: start again" if there < source.size_bytes else "remove it")
            + f", or {by_hand}"
        )
    else:
        logger.info(f"{archive}: whole, its checksum is the published one")
    return checksum


def _check_space(source: Source, archive: Path, there: int) -> None:
    missing = max(0, source.size_bytes - there)
    unpacked = source.unpacked_bytes or source.size_bytes
    free = shutil.disk_usage(archive.parent).free
    if missing + unpacked > free:
        raise InputError(
            f"{source.name}: needs {(missing + unpacked) / 1e9:.1f} GB in "
            f"{archive.parent.absolute()} ({missing / 1e9:.1f} to download, {unpacked / 1e9:.1f} "
            f"to unpack), and {free / 1e9:.1f} GB are free; free some, or set root to an "
            "unpacked copy"
        )


def _check_is_archive(source: Source, archive: Path, by_hand: str) -> None:
    """A server that wants a login sends a page instead, and calls that a success."""
    size = archive.stat().st_size
    if size == source.size_bytes and _is_zip(archive):
        return
    if size < source.size_bytes and _is_zip(archive):
        what = f"the server did not send the rest, {size} of {source.size_bytes} bytes are there"
    else:
        archive.unlink()
        what = "the server sent something else than the archive, maybe a page to log in at"
    raise InputError(f"{source.name}: {source.url} could not be downloaded: {what}; {by_hand}")


def _is_zip(archive: Path) -> bool:
    """Whether a file begins as zip archives do; the end may be missing."""
    with archive.open("rb") as file:
        return file.read(2) == b"PK"


def _remove_if_empty(archive: Path) -> None:
    if archive.exists() and archive.stat().st_size == 0:
        archive.unlink()


def _checksum(source: Source, archive: Path, stopping: Interruption) -> str:
    algorithm = (source.checksum or "sha256:").partition(":")[0]
    digest = hashlib.new(algorithm, usedforsecurity=False)
    progress = Progress(archive.stat().st_size // MB, f"checking {archive.name}", unit="MB")
    with archive.open("rb") as file:
        while block := file.read(BLOCK):
            _go_on(stopping)
            digest.update(block)
            progress.step(count=file.tell() // MB - progress.done)
    return f"{algorithm}:{digest.hexdigest()}"


def _write_record(source: Source, songs: dict[str, list[str]], checksum: str, folder: Path) -> None:
    """Compare the songs that are there with those that shall be, and write them down."""
    there = songs_below(folder)
    missing = [
        name
        for split, names in songs.items()
        for name in names
        if name not in there["test" if split == "test" else "train"]
    ]
    if len(missing) > source.n_missing:
        raise InputError(
            f"{source.name}: the archive lacks {len(missing)} of its songs; leave them out: "
            f"exclude_songs: {json.dumps(missing)}, or correct datasets.{source.name} in config"
        )
    if missing:
        logger.info(f"{source.name}: not in the archive, and left out: {'; '.join(missing)}")
    listed = {name for names in songs.values() for name in names}
    if extra := [name for names in there.values() for name in names if name not in listed]:
        logger.info(f"{source.name}: not listed or excluded, and not used: {'; '.join(extra)}")
    record = {"dataset": source.name, "checksum": checksum, "songs": there}
    with atomic_write(folder / RECORD) as unfinished:
        unfinished.write_text(json.dumps(record, indent=1) + "\n")


def _go_on(stopping: Interruption, kept: str = "the archive is kept") -> None:
    if stopping.signal:
        raise Interrupted(f"stopped by {stopping.signal}; {kept}, start again to go on")


@contextmanager
def _alone(folder: Path, stopping: Interruption) -> Iterator[TextIO]:
    """Hold the lock on a data set. The kernel frees it when its holders end, however they do."""
    with folder.with_name(f".{folder.name}.lock").open("w") as lock:
        waiting = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waiting:
                    logger.info(f"{folder}: another run is fetching it; waiting for that")
                    waiting = True
                _go_on(stopping, "the other run goes on")
                time.sleep(SECONDS_BETWEEN_TRIES)
        yield lock
