"""The archive of a published data set: downloaded by hand, damaged, malicious or too large."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from upsampling_artifacts.errors import InputError

from .file_server import file_server
from .published import (
    ARCHIVE,
    FILES,
    failure,
    fetched,
    files_below,
    song_files,
    visible,
    zipped,
)

pytestmark = pytest.mark.skipif(
    shutil.which("wget") is None, reason="DOWNLOADS NOT TESTED: wget is not on PATH"
)


def test_an_archive_downloaded_by_hand_is_verified_and_used(datasets: Path, log: Callable) -> None:
    datasets.mkdir()
    (datasets / "tiny.zip").write_bytes(ARCHIVE)
    with file_server(ARCHIVE) as server:
        fetched(server, datasets)
    assert server.starts == []
    assert "complete, its checksum matches the published one" in log()
    assert files_below(datasets / "tiny-hq") == FILES


def test_a_wrong_archive_downloaded_by_hand_is_neither_used_nor_removed(datasets: Path) -> None:
    datasets.mkdir()
    wrong = ARCHIVE[:-1] + b"x"
    for content, complaint in (
        (wrong, "has the checksum .* is published .*; remove it, or download"),
        (ARCHIVE + b"x", "is neither the published archive nor a partial download of it"),
        (b"<html>", "is neither the published archive nor a partial download of it"),
    ):
        (datasets / "tiny.zip").write_bytes(content)
        with file_server(ARCHIVE) as server:
            assert re.search(complaint, failure(server, datasets))
        assert server.starts == []
        assert (datasets / "tiny.zip").read_bytes() == content


@pytest.mark.parametrize("size", [len(ARCHIVE), 700_000])
def test_the_target_of_a_linked_archive_is_never_changed(
    datasets: Path, tmp_path: Path, size: int
) -> None:
    datasets.mkdir()
    own = tmp_path / "own.zip"
    own.write_bytes(ARCHIVE[:size])
    (datasets / "tiny.zip").symlink_to(own)
    with file_server(ARCHIVE) as server:
        if size < len(ARCHIVE):
            assert "remove it and run again" in failure(server, datasets)
        else:
            fetched(server, datasets)
            assert visible(datasets) == ["tiny-hq"]
    assert server.starts == []
    assert own.read_bytes() == ARCHIVE[:size]


def test_an_existing_folder_that_was_not_fetched_is_left_alone(datasets: Path) -> None:
    (datasets / "tiny-hq" / "train").mkdir(parents=True)
    with (
        file_server(ARCHIVE) as server,
        pytest.raises(InputError, match="was not created by this pipeline; set root to it"),
    ):
        fetched(server, datasets)
    assert visible(datasets) == ["tiny-hq"]


def test_too_little_disk_space_is_reported_before_the_download(datasets: Path) -> None:
    with file_server(ARCHIVE) as server:
        line = failure(server, datasets, unpacked_bytes=10**18)
        assert server.starts == []
    assert re.search(
        r"needs 1000000000\.0 GB in .*/datasets \(0\.0 to download, 1000000000\.0 to unpack\), "
        r"but only [0-9.]+ GB are free",
        line,
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a real file system of 5 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(disk)]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(
            f"FULL DISK NOT TESTED: only root can mount a small file system ({mounted.stderr})"
        )
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_fills_up_during_the_download_keeps_the_partial_file(small_disk: Path) -> None:
    other = small_disk / "other"
    other.write_bytes(bytes(1_000_000))
    with file_server(ARCHIVE) as server:
        # A size that is too small passes the check before the download.
        (small_disk / "more").write_bytes(bytes(2_000_000))
        line = failure(server, small_disk, size_bytes=1_000_000, unpacked_bytes=1)
        assert "tiny.zip: the disk is full" in line and "No space left on device" in line
        assert "free space and run again to resume" in line
        kept = (small_disk / "tiny.zip").stat().st_size
        assert ARCHIVE.startswith((small_disk / "tiny.zip").read_bytes()) and kept > 1_000_000
        other.unlink()
        (small_disk / "more").unlink()
        (small_disk / "tiny.zip").write_bytes(ARCHIVE[:1_500_000])
        line = failure(server, small_disk, unpacked_bytes=1)
        assert server.starts == [0, 1_500_000]
    assert re.search("unpacking it needs 0.0 GB in .*, but only 0.0 GB are free", line)
    assert visible(small_disk) == ["tiny.zip"]


@pytest.mark.parametrize("top", ["", "musdb18/", "A folder/"])
def test_an_archive_may_have_a_single_top_folder(datasets: Path, top: str) -> None:
    content = zipped({**song_files(top), "__MACOSX/junk": b"", f"{top}README.md": b"read me"})
    with file_server(content) as server:
        fetched(server, datasets)
    assert (datasets / "tiny-hq/train/A - one/mixture.wav").read_bytes() == FILES[
        "train/A - one/mixture.wav"
    ]
    assert visible(datasets) == ["tiny-hq"]


@pytest.mark.parametrize("name", ["../evil.wav", "/tmp/evil.wav", "train/../../evil", "..\\evil"])
def test_an_archive_that_would_write_elsewhere_is_refused(datasets: Path, name: str) -> None:
    content = zipped({**FILES, name: b"evil"})
    with file_server(content) as server:
        assert "would be written outside the data set's folder" in failure(server, datasets)
    assert visible(datasets) == ["tiny.zip"]
    assert not list(datasets.parent.rglob("*evil*"))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (ARCHIVE[:-100], "is damaged, encrypted or not a zip archive"),
        (
            ARCHIVE[:100_000] + bytes(1000) + ARCHIVE[101_000:],
            "is damaged, encrypted or not a zip archive",
        ),
        (zipped({"songs/A - one/mixture.wav": b""}), "has no folders train and test, only songs"),
    ],
)
def test_a_damaged_or_unrelated_archive_is_an_input_error(
    datasets: Path, content: bytes, complaint: str
) -> None:
    with file_server(content) as server:
        assert complaint in failure(server, datasets, checksum=None)


def test_songs_missing_from_the_archive_are_named_and_can_be_expected(
    datasets: Path, log: Callable
) -> None:
    content = zipped({name: data for name, data in FILES.items() if "B - two" not in name})
    with file_server(content) as server:
        assert 'exclude_songs: ["B - two"]' in failure(server, datasets)
        fetched(server, datasets, n_missing=1)
    assert "missing from the archive, and skipped: B - two" in log()
