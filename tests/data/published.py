"""A tiny published data set, and helpers to fetch it."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from upsampling_artifacts.data.fetching import PublishedDataset, fetch
from upsampling_artifacts.errors import InputError

from .file_server import FileServer

SONGS = {"train": ["A - one"], "valid": ["B - two"], "test": ["C - three"]}
LAYOUT = [f"{split}/{song}" for split, song in (("train", "A - one"), ("train", "B - two"))]
LAYOUT += ["test/C - three"]
STEMS = ("mixture", "drums", "bass", "other", "vocals")


def zipped(files: dict[str, bytes]) -> bytes:
    """Return a reproducible zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def song_files(top: str = "") -> dict[str, bytes]:
    """Return the files of three songs: random bytes, 3 MB in total."""
    rng = np.random.default_rng(0)
    return {f"{top}{song}/{stem}.wav": rng.bytes(200_000) for song in LAYOUT for stem in STEMS}


FILES = song_files()
ARCHIVE = zipped(FILES)


def published_dataset(url: str, content: bytes = ARCHIVE, **changes: object) -> PublishedDataset:
    dataset = PublishedDataset(
        name="tiny-hq",
        url=url,
        archive="tiny.zip",
        size_bytes=len(content),
        unpacked_bytes=None,
        checksum=f"sha256:{hashlib.sha256(content).hexdigest()}",
        checksum_source="these tests",
        page="https://example.org/tiny",
    )
    return replace(dataset, **changes)


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "fetched.json"
    }


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".tiny-hq.lock")


def fetched(server: FileServer, datasets: Path, **changes: object) -> Path:
    """Fetch from a server with short pauses between retries."""
    dataset = published_dataset(server.url, server.content, **changes)
    return fetch(dataset, SONGS, datasets / "tiny-hq", max_pause_seconds=1)


def failure(server: FileServer, datasets: Path, **changes: object) -> str:
    """Fetch, expect an error, return its one line, and check that no folder is left."""
    with pytest.raises(InputError) as error:
        fetched(server, datasets, **changes)
    assert "\n" not in str(error.value)
    assert not (datasets / "tiny-hq").exists()
    assert not (datasets / ".tiny-hq.unfinished").exists()
    return str(error.value)


def says_what_to_do(line: str, datasets: Path) -> bool:
    remedy = f"download tiny.zip from https://example.org/tiny, put it at {datasets / 'tiny.zip'}"
    return remedy in line and "or set root to an unpacked copy" in line
