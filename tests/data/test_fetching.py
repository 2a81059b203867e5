"""Published data sets, fetched from a real server on this machine, and what can go wrong."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from upsampling_artifacts.errors import InputError

from .file_server import FileServer, file_server
from .published import (
    ARCHIVE,
    FILES,
    failure,
    fetched,
    files_below,
    says_what_to_do,
    visible,
)

pytestmark = pytest.mark.skipif(
    shutil.which("wget") is None, reason="NO DOWNLOAD TESTED: wget is not on PATH"
)


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
