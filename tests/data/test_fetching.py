"""Published data sets are fetched from a real server on this machine, with and without faults."""

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
    shutil.which("wget") is None, reason="DOWNLOADS NOT TESTED: wget is not on PATH"
)


def test_a_fetched_data_set_is_complete_and_its_archive_removed(
    datasets: Path, log: Callable
) -> None:
    with file_server(ARCHIVE) as server:
        record = fetched(server, datasets)
    assert files_below(datasets / "tiny-hq") == FILES
    assert visible(datasets) == ["tiny-hq"]
    assert json.loads(record.read_text()) == {
        "dataset": "tiny-hq",
        "checksum": f"sha256:{hashlib.sha256(ARCHIVE).hexdigest()}",
        "songs": {"train": ["A - one", "B - two"], "test": ["C - three"]},
    }
    assert "complete, its checksum matches the published one" in log()


def test_a_fetched_data_set_is_not_fetched_again(datasets: Path) -> None:
    with file_server(ARCHIVE) as server:
        first = fetched(server, datasets).read_text()
        assert fetched(server, datasets).read_text() == first
        assert len(server.starts) == 1
        with pytest.raises(InputError, match=r"whose checksum .* is not .*remove the folder"):
            fetched(server, datasets, checksum="md5:" + 32 * "0")
    assert files_below(datasets / "tiny-hq") == FILES


def test_after_a_dropped_connection_only_the_rest_is_downloaded(datasets: Path) -> None:
    with file_server(ARCHIVE, cuts=[1_000_000, 500_000]) as server:
        fetched(server, datasets)
    assert server.starts == [0, 1_000_000, 1_500_000]
    assert sum(server.sent_bytes) == len(ARCHIVE)
    assert files_below(datasets / "tiny-hq") == FILES


def test_a_temporary_server_error_is_retried(datasets: Path, log: Callable) -> None:
    with file_server(ARCHIVE, statuses=[503, 429]) as server:
        fetched(server, datasets)
    assert server.statuses == []
    assert "503" in log()
    assert files_below(datasets / "tiny-hq") == FILES


def test_a_server_without_ranges_sends_the_whole_file_again(datasets: Path) -> None:
    datasets.mkdir()
    (datasets / "tiny.zip").write_bytes(ARCHIVE[:700_000])
    with file_server(ARCHIVE, ranges=False, cuts=[1_000_000]) as server:
        fetched(server, datasets)
    assert server.starts == [0, 0]
    assert files_below(datasets / "tiny-hq") == FILES


def test_progress_is_logged_in_lines_with_the_remaining_time(
    datasets: Path, log: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("upsampling_artifacts.progress.SECONDS_BETWEEN_LINES", 0.0)
    with file_server(ARCHIVE, bytes_per_second=2e6) as server:
        fetched(server, datasets)
    lines = re.findall(r"tiny\.zip: [0-9]+/3, [0-9.]+ MB/s, 0:00:[0-9]{2} left", log())
    assert len(lines) >= 2
    assert "\r" not in log()


def test_a_download_with_a_wrong_checksum_is_removed(datasets: Path) -> None:
    with file_server(ARCHIVE) as server:
        line = failure(server, datasets, checksum="md5:" + 32 * "0")
    right = hashlib.md5(ARCHIVE, usedforsecurity=False).hexdigest()
    assert f"has the checksum md5:{right}, but md5:{32 * '0'} is published (these tests)" in line
    assert says_what_to_do(line, datasets)
    assert visible(datasets) == []


def test_without_a_published_checksum_the_computed_one_is_logged(
    datasets: Path, log: Callable
) -> None:
    with file_server(ARCHIVE) as server:
        fetched(server, datasets, checksum=None, checksum_source=None)
    computed = f"it has sha256:{hashlib.sha256(ARCHIVE).hexdigest()}"
    assert f"no checksum is published for this archive; {computed}" in log()


@pytest.mark.parametrize("present", [0, 700_000])
def test_a_login_page_is_not_taken_for_the_archive(datasets: Path, present: int) -> None:
    datasets.mkdir()
    if present:
        (datasets / "tiny.zip").write_bytes(ARCHIVE[:present])
    with file_server(ARCHIVE, login=True) as server:
        line = failure(server, datasets)
    assert ("sent only 700000 of" if present else "perhaps a login page") in line
    assert says_what_to_do(line, datasets)
    assert visible(datasets) == (["tiny.zip"] if present else [])


@pytest.mark.parametrize(
    ("status", "reason"), [(401, "Authentication Failed"), (403, "403: Forbidden"), (404, "404")]
)
def test_a_refused_download_says_how_to_download_by_hand(
    datasets: Path, status: int, reason: str
) -> None:
    with file_server(ARCHIVE, statuses=9 * [status]) as server:
        line = failure(server, datasets)
        assert len(server.statuses) == 8  # requested once
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
def test_without_a_network_the_error_says_how_to_download_by_hand(
    datasets: Path, url: str, reason: str
) -> None:
    line = failure(FileServer(ARCHIVE, url), datasets)
    assert reason in line
    assert says_what_to_do(line, datasets)


def test_without_wget_the_error_says_how_to_download_by_hand(
    datasets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(datasets))
    line = failure(FileServer(ARCHIVE, "http://127.0.0.1:9/tiny.zip"), datasets)
    assert "wget is not on PATH" in line
    assert says_what_to_do(line, datasets)
