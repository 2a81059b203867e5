"""Published data sets, fetched from a real server on this machine, and what can go wrong."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from upsampling_artifacts.data.fetching import Source, fetch
from upsampling_artifacts.errors import InputError, Stopped

from .file_server import FileServer, file_server

pytestmark = pytest.mark.skipif(
    shutil.which("wget") is None, reason="NO DOWNLOAD TESTED: wget is not on PATH"
)

SONGS = {"train": ["A - one"], "valid": ["B - two"], "test": ["C - three"]}
LAYOUT = [f"{split}/{song}" for split, song in (("train", "A - one"), ("train", "B - two"))]
LAYOUT += ["test/C - three"]
STEMS = ("mixture", "drums", "bass", "other", "vocals")


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip archive, the same whenever it is made."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def song_files(top: str = "") -> dict[str, bytes]:
    """Three songs of random bytes, 3 MB."""
    rng = np.random.default_rng(0)
    return {f"{top}{song}/{stem}.wav": rng.bytes(200_000) for song in LAYOUT for stem in STEMS}


FILES = song_files()
ARCHIVE = zipped(FILES)


def source_of(url: str, content: bytes = ARCHIVE, **changes: object) -> Source:
    source = Source(
        name="tiny-hq",
        url=url,
        archive="tiny.zip",
        size_bytes=len(content),
        unpacked_bytes=None,
        checksum=f"sha256:{hashlib.sha256(content).hexdigest()}",
        checksum_source="these tests",
        page="https://example.org/tiny",
    )
    return replace(source, **changes)


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "fetched.json"
    }


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".tiny-hq.lock")


@pytest.fixture
def datasets(tmp_path: Path) -> Path:
    return tmp_path / "datasets"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    caplog.set_level(logging.INFO, "upsampling_artifacts")
    return lambda: caplog.text


def fetched(server: FileServer, datasets: Path, **changes: object) -> Path:
    """Fetch from a server whose troubles are over soon."""
    source = source_of(server.url, server.content, **changes)
    return fetch(source, SONGS, datasets / "tiny-hq", longest_pause_seconds=1)


def failure(server: FileServer, datasets: Path, **changes: object) -> str:
    """Fetch in vain: the one line that says why. No folder is there."""
    with pytest.raises(InputError) as error:
        fetched(server, datasets, **changes)
    assert "\n" not in str(error.value)
    assert not (datasets / "tiny-hq").exists()
    assert not (datasets / ".tiny-hq.unfinished").exists()
    return str(error.value)


def says_what_to_do(line: str, datasets: Path) -> bool:
    by_hand = f"download tiny.zip from https://example.org/tiny, put it at {datasets / 'tiny.zip'}"
    return by_hand in line and "or set root to an unpacked copy" in line


def test_a_data_set_is_there_whole_and_its_archive_gone(datasets: Path, log: Callable) -> None:
    with file_server(ARCHIVE) as server:
        record = fetched(server, datasets)
    assert files_below(datasets / "tiny-hq") == FILES
    assert visible(datasets) == ["tiny-hq"]
    assert json.loads(record.read_text()) == {
        "dataset": "tiny-hq",
        "checksum": f"sha256:{hashlib.sha256(ARCHIVE).hexdigest()}",
        "songs": {"train": ["A - one", "B - two"], "test": ["C - three"]},
    }
    assert "whole, its checksum is the published one" in log()


def test_what_is_there_is_not_fetched_again(datasets: Path) -> None:
    with file_server(ARCHIVE) as server:
        first = fetched(server, datasets).read_text()
        assert fetched(server, datasets).read_text() == first
        assert len(server.starts) == 1
        with pytest.raises(InputError, match=r"another checksum.*remove the folder"):
            fetched(server, datasets, checksum="md5:" + 32 * "0")
    assert files_below(datasets / "tiny-hq") == FILES


def test_after_cut_connections_only_what_is_missing_is_asked_for(datasets: Path) -> None:
    with file_server(ARCHIVE, cuts=[1_000_000, 500_000]) as server:
        fetched(server, datasets)
    assert server.starts == [0, 1_000_000, 1_500_000]
    assert sum(server.sent_bytes) == len(ARCHIVE)
    assert files_below(datasets / "tiny-hq") == FILES


def test_an_error_that_passes_is_waited_for(datasets: Path, log: Callable) -> None:
    with file_server(ARCHIVE, statuses=[503, 429]) as server:
        fetched(server, datasets)
    assert server.statuses == []
    assert "503" in log()
    assert files_below(datasets / "tiny-hq") == FILES


def test_a_server_without_ranges_is_asked_for_all_again(datasets: Path) -> None:
    datasets.mkdir()
    (datasets / "tiny.zip").write_bytes(ARCHIVE[:700_000])
    with file_server(ARCHIVE, ranges=False, cuts=[1_000_000]) as server:
        fetched(server, datasets)
    assert server.starts == [0, 0]
    assert files_below(datasets / "tiny-hq") == FILES


def test_progress_is_told_in_lines_with_the_time_left(
    datasets: Path, log: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("upsampling_artifacts.progress.SECONDS_BETWEEN_LINES", 0.0)
    with file_server(ARCHIVE, bytes_per_second=2e6) as server:
        fetched(server, datasets)
    lines = re.findall(r"tiny\.zip: [0-9]+/3, [0-9.]+ MB/s, 0:00:[0-9]{2} left", log())
    assert len(lines) >= 2
    assert "\r" not in log()


def test_a_wrong_checksum_keeps_nothing(datasets: Path) -> None:
    with file_server(ARCHIVE) as server:
        line = failure(server, datasets, checksum="md5:" + 32 * "0")
    right = hashlib.md5(ARCHIVE, usedforsecurity=False).hexdigest()
    assert f"has the checksum md5:{right}, but md5:{32 * '0'} is published (these tests)" in line
    assert says_what_to_do(line, datasets)
    assert visible(datasets) == []


def test_without_a_published_checksum_the_archives_own_is_told(
    datasets: Path, log: Callable
) -> None:
    with file_server(ARCHIVE) as server:
        fetched(server, datasets, checksum=None, checksum_source=None)
    its_own = f"its sha256:{hashlib.sha256(ARCHIVE).hexdigest()}"
    assert f"nobody has published a checksum for this archive; {its_own}" in log()


@pytest.mark.parametrize("there", [0, 700_000])
def test_a_page_to_log_in_at_is_no_archive(datasets: Path, there: int) -> None:
    datasets.mkdir()
    if there:
        (datasets / "tiny.zip").write_bytes(ARCHIVE[:there])
    with file_server(ARCHIVE, login=True) as server:
        line = failure(server, datasets)
    assert ("maybe a page to log in at" in line) if not there else ("700000 of" in line)
    assert says_what_to_do(line, datasets)
    assert visible(datasets) == (["tiny.zip"] if there else [])


@pytest.mark.parametrize(
    ("status", "reason"), [(401, "Authentication Failed"), (403, "403: Forbidden"), (404, "404")]
)
def test_a_refusal_says_what_to_do_by_hand(datasets: Path, status: int, reason: str) -> None:
    with file_server(ARCHIVE, statuses=9 * [status]) as server:
        line = failure(server, datasets)
        assert len(server.statuses) == 8  # asked once
    assert reason in line
    assert says_what_to_do(line, datasets)
    assert visible(datasets) == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:9/tiny.zip", "Connection refused"),
        ("http://nowhere.invalid/tiny.zip", "unable to resolve host address"),
    ],
)
def test_without_a_network_what_to_do_by_hand_is_said(
    datasets: Path, url: str, reason: str
) -> None:
    line = failure(FileServer(ARCHIVE, url), datasets)
    assert reason in line
    assert says_what_to_do(line, datasets)


def test_without_wget_too(datasets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(datasets))
    line = failure(FileServer(ARCHIVE, "http://127.0.0.1:9/tiny.zip"), datasets)
    assert "wget is not on PATH" in line
    assert says_what_to_do(line, datasets)


def test_an_archive_put_there_by_hand_is_checked_and_used(datasets: Path, log: Callable) -> None:
    datasets.mkdir()
    (datasets / "tiny.zip").write_bytes(ARCHIVE)
    with file_server(ARCHIVE) as server:
        fetched(server, datasets)
    assert server.starts == []
    assert "whole, its checksum is the published one" in log()
    assert files_below(datasets / "tiny-hq") == FILES


def test_a_wrong_archive_put_there_by_hand_is_neither_used_nor_removed(datasets: Path) -> None:
    datasets.mkdir()
    wrong = ARCHIVE[:-1] + b"x"
    for content, complaint in (
        (wrong, "has the checksum .* is published .*; remove it, or download"),
        (ARCHIVE + b"x", "is not the archive that is published, nor a beginning of it"),
        (b"<html>", "is not the archive that is published, nor a beginning of it"),
    ):
        (datasets / "tiny.zip").write_bytes(content)
        with file_server(ARCHIVE) as server:
            assert re.search(complaint, failure(server, datasets))
        assert server.starts == []
        assert (datasets / "tiny.zip").read_bytes() == content


@pytest.mark.parametrize("size", [len(ARCHIVE), 700_000])
def test_a_linked_archive_stays_where_it_is(datasets: Path, tmp_path: Path, size: int) -> None:
    datasets.mkdir()
    own = tmp_path / "own.zip"
    own.write_bytes(ARCHIVE[:size])
    (datasets / "tiny.zip").symlink_to(own)
    with file_server(ARCHIVE) as server:
        if size < len(ARCHIVE):
            assert "remove it and start again" in failure(server, datasets)
        else:
            fetched(server, datasets)
            assert visible(datasets) == ["tiny-hq"]
    assert server.starts == []
    assert own.read_bytes() == ARCHIVE[:size]


def test_another_folder_of_that_name_is_left_alone(datasets: Path) -> None:
    (datasets / "tiny-hq" / "train").mkdir(parents=True)
    with (
        file_server(ARCHIVE) as server,
        pytest.raises(InputError, match="was not unpacked there by this pipeline; set root to it"),
    ):
        fetched(server, datasets)
    assert visible(datasets) == ["tiny-hq"]


def test_too_little_space_is_told_before_the_download(datasets: Path) -> None:
    with file_server(ARCHIVE) as server:
        line = failure(server, datasets, unpacked_bytes=10**18)
        assert server.starts == []
    assert re.search(
        r"needs 1000000000\.0 GB in .*/datasets \(0\.0 to download, 1000000000\.0 to unpack\), "
        r"and [0-9.]+ GB are free",
        line,
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 5 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(disk)]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"NO FULL DISK TESTED: only root can mount a small one ({mounted.stderr})")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_fills_up_during_the_download_keeps_what_is_there(small_disk: Path) -> None:
    other = small_disk / "other"
    other.write_bytes(bytes(1_000_000))
    with file_server(ARCHIVE) as server:
        # Said to be small, so that the look before the download finds room.
        (small_disk / "more").write_bytes(bytes(2_000_000))
        line = failure(server, small_disk, size_bytes=1_000_000, unpacked_bytes=1)
        assert "tiny.zip: the disk is full" in line and "No space left on device" in line
        assert "free space and start again to go on" in line
        kept = (small_disk / "tiny.zip").stat().st_size
        assert ARCHIVE.startswith((small_disk / "tiny.zip").read_bytes()) and kept > 1_000_000
        other.unlink()
        (small_disk / "more").unlink()
        (small_disk / "tiny.zip").write_bytes(ARCHIVE[:1_500_000])
        line = failure(server, small_disk, unpacked_bytes=1)
        assert server.starts == [0, 1_500_000]
    assert re.search("unpacking it needs 0.0 GB in .* and 0.0 GB are free", line)
    assert visible(small_disk) == ["tiny.zip"]


@pytest.mark.parametrize("top", ["", "musdb18/", "A folder/"])
def test_an_archive_may_have_a_folder_around_all(datasets: Path, top: str) -> None:
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
        assert "would be written outside" in failure(server, datasets)
    assert visible(datasets) == ["tiny.zip"]
    assert not list(datasets.parent.rglob("*evil*"))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (ARCHIVE[:-100], "is damaged, or no zip archive"),
        (ARCHIVE[:100_000] + bytes(1000) + ARCHIVE[101_000:], "is damaged, or no zip archive"),
        (zipped({"songs/A - one/mixture.wav": b""}), "no folders train and test, but songs"),
    ],
)
def test_an_archive_of_something_else_is_an_input_error(
    datasets: Path, content: bytes, complaint: str
) -> None:
    with file_server(content) as server:
        assert complaint in failure(server, datasets, checksum=None)


def test_songs_that_the_archive_lacks_are_named(datasets: Path, log: Callable) -> None:
    content = zipped({name: data for name, data in FILES.items() if "B - two" not in name})
    with file_server(content) as server:
        assert 'exclude_songs: ["B - two"]' in failure(server, datasets)
        fetched(server, datasets, n_absent=1)
    assert "not in the archive, and left out: B - two" in log()


def in_another_process(url: str, datasets: Path) -> None:
    logging.basicConfig(filename=datasets.parent / f"{os.getpid()}.log", level=logging.INFO)
    fetch(source_of(url), SONGS, datasets / "tiny-hq", longest_pause_seconds=1)


def test_of_two_runs_at_once_one_downloads(datasets: Path, tmp_path: Path) -> None:
    with file_server(ARCHIVE, bytes_per_second=1.5e6) as server:
        spawn = multiprocessing.get_context("spawn")
        runs = [
            spawn.Process(target=in_another_process, args=(server.url, datasets)) for _ in range(2)
        ]
        for run in runs:
            run.start()
        for run in runs:
            run.join(60)
            assert run.exitcode == 0
    assert server.starts == [0]
    assert files_below(datasets / "tiny-hq") == FILES
    logs = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert "another run is fetching it; waiting for that" in logs
    assert "already there" in logs


SCRIPT = """
import sys
from pathlib import Path
from tests.data.test_fetching import SONGS, source_of
from upsampling_artifacts.data.fetching import fetch
from upsampling_artifacts.progress import job_log
with job_log(sys.argv[3]):
    fetch(source_of(sys.argv[1]), SONGS, Path(sys.argv[2]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_download_goes_on(
    datasets: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with file_server(ARCHIVE, bytes_per_second=1.5e6) as server:
        command = [sys.executable, "-c", SCRIPT, server.url, datasets / "tiny-hq", tmp_path / "log"]
        run = subprocess.Popen(command, cwd=Path(__file__).parents[2], stderr=subprocess.PIPE)
        until(lambda: server.sent_bytes and server.sent_bytes[0] > 1_000_000)
        run.send_signal(number)
        error = run.communicate(timeout=30)[1].decode()
        if number == signal.SIGKILL:  # wget has to be ended, too: it holds the lock
            assert run.returncode == -9
            with pytest.raises(Stopped):
                fetched_until_stopped(server, datasets)
            (wget,) = wgets_of(server)
            os.kill(wget, signal.SIGKILL)
            until(lambda: not wgets_of(server))
        else:
            assert run.returncode == os.EX_TEMPFAIL
            assert f"stopped by {number.name}; " in error and "start again to go on" in error
            assert "Traceback" not in error
        kept = (datasets / "tiny.zip").stat().st_size
        assert 0 < kept < len(ARCHIVE)
        server.bytes_per_second = None
        fetched(server, datasets)
    assert server.starts == [0, kept]
    assert files_below(datasets / "tiny-hq") == FILES


def fetched_until_stopped(server: FileServer, datasets: Path) -> None:
    """Wait for the other run's lock until told to stop."""
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    fetched(server, datasets)


def wgets_of(server: FileServer) -> list[int]:
    """Process ids of the wgets that download from a server."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if arguments[0] == b"wget" and server.url.encode() in arguments:
            found.append(int(path.parent.name))
    return found


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
