"""Concurrent runs fetch a data set once, and interrupted runs resume."""

from __future__ import annotations

import logging
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from upsampling_artifacts.data.fetching import fetch
from upsampling_artifacts.errors import Interrupted

from .file_server import FileServer, file_server
from .published import (
    ARCHIVE,
    FILES,
    SONGS,
    fetched,
    files_below,
    published_dataset,
)

pytestmark = pytest.mark.skipif(
    shutil.which("wget") is None, reason="DOWNLOADS NOT TESTED: wget is not on PATH"
)


def fetch_in_a_process(url: str, datasets: Path) -> None:
    logging.basicConfig(filename=datasets.parent / f"{os.getpid()}.log", level=logging.INFO)
    fetch(published_dataset(url), SONGS, datasets / "tiny-hq", max_pause_seconds=1)


def test_one_of_two_concurrent_runs_downloads(datasets: Path, tmp_path: Path) -> None:
    with file_server(ARCHIVE, bytes_per_second=1.5e6) as server:
        spawn = multiprocessing.get_context("spawn")
        runs = [
            spawn.Process(target=fetch_in_a_process, args=(server.url, datasets)) for _ in range(2)
        ]
        for run in runs:
            run.start()
        for run in runs:
            run.join(60)
            assert run.exitcode == 0
    assert server.starts == [0]
    assert files_below(datasets / "tiny-hq") == FILES
    logs = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert "waiting for another run that is fetching it" in logs
    assert "already fetched" in logs


SCRIPT = """
import sys
from pathlib import Path
from tests.data.published import SONGS, published_dataset
from upsampling_artifacts.data.fetching import fetch
from upsampling_artifacts.progress import job_log
with job_log(sys.argv[3]):
    fetch(published_dataset(sys.argv[1]), SONGS, Path(sys.argv[2]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_download_resumes(
    datasets: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with file_server(ARCHIVE, bytes_per_second=1.5e6) as server:
        command = [sys.executable, "-c", SCRIPT, server.url, datasets / "tiny-hq", tmp_path / "log"]
        run = subprocess.Popen(command, cwd=Path(__file__).parents[2], stderr=subprocess.PIPE)
        wait_until(lambda: server.sent_bytes and server.sent_bytes[0] > 1_000_000)
        run.send_signal(number)
        error = run.communicate(timeout=30)[1].decode()
        if number == signal.SIGKILL:  # wget survives and holds the lock: kill it, too
            assert run.returncode == -9
            with pytest.raises(Interrupted):
                fetch_until_signal(server, datasets)
            (wget,) = wget_ids(server)
            os.kill(wget, signal.SIGKILL)
            wait_until(lambda: not wget_ids(server))
        else:
            assert run.returncode == os.EX_TEMPFAIL
            assert f"stopped by {number.name}; " in error and "run again to resume" in error
            assert "Traceback" not in error
        kept = (datasets / "tiny.zip").stat().st_size
        assert 0 < kept < len(ARCHIVE)
        server.bytes_per_second = None
        fetched(server, datasets)
    assert server.starts == [0, kept]
    assert files_below(datasets / "tiny-hq") == FILES


def fetch_until_signal(server: FileServer, datasets: Path) -> None:
    """Fetch, and wait for the lock of the other run until a signal interrupts."""
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    fetched(server, datasets)


def wget_ids(server: FileServer) -> list[int]:
    """Return the ids of the wget processes that download from a server."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if arguments[0] == b"wget" and server.url.encode() in arguments:
            found.append(int(path.parent.name))
    return found


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.02)
