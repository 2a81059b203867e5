"""Run Python programs in forks of a process that has imported their packages.

Importing Snakemake takes a second, and the tests run it hundreds of times. A fork runs the
installed script, in its clone, and imports the library from there.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import runpy
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

SNAKEMAKE = (
    "snakemake.cli", "snakemake.report.html_reporter", "docutils", "jinja2", "jsonschema",
    "nbformat", "requests", "smart_open", "soundfile", "tqdm", "yte",
)  # fmt: skip
"""What a dry run imports, without the library: neither starts threads nor reads its environment."""


def run_in_fork(
    command: list[str],
    folder: Path,
    environment: dict[str, str],
    seconds: float,
    packages: tuple[str, ...] = SNAKEMAKE,
) -> subprocess.CompletedProcess[str]:
    """Run a Python script, as ``subprocess.run`` would: ``stdout`` has standard error.

    Args:
        command: An installed script, or the path of one, and its arguments.
        folder: Where to run it.
        environment: All environment variables, for what does not read them when it is imported.
        seconds: A command that takes longer is killed.
        packages: What is imported before.

    Raises:
        subprocess.TimeoutExpired: It took longer than ``seconds``, and was killed.
    """
    server = _server(os.getpid(), packages)
    with tempfile.NamedTemporaryFile("r", errors="replace") as output:
        _send(
            server.stdin,
            {
                "command": [shutil.which(command[0]) or command[0], *command[1:]],
                "folder": str(folder),
                "environment": environment,
                "output": output.name,
            },
        )
        process_id = _receive(server.stdout)
        is_late = not select.select([server.stdout], [], [], seconds)[0]
        if is_late:
            os.kill(process_id, signal.SIGKILL)
        code = _receive(server.stdout)
        if is_late:
            raise subprocess.TimeoutExpired(command, seconds)
        return subprocess.CompletedProcess(command, code, output.read())


@functools.cache
def _server(_process_id: int, packages: tuple[str, ...]) -> subprocess.Popen[bytes]:
    """The server of this process with these packages, which ends with it."""
    tests = Path(__file__).parent
    return subprocess.Popen(
        [sys.executable, str(Path(__file__)), *packages],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(tests / "warnings_of_jobs")},
    )


def _send(to: IO[bytes], message: object) -> None:
    to.write(json.dumps(message).encode() + b"\n")
    to.flush()


def _receive(of: IO[bytes]) -> int:
    return json.loads(of.readline())


def _serve() -> None:
    """Fork for each request, and answer with the fork's process id and its exit code."""
    for package in sys.argv[1:]:
        importlib.import_module(package)
    for line in iter(sys.stdin.buffer.readline, b""):
        process_id = os.fork()
        if not process_id:
            return _become(**json.loads(line))
        _send(sys.stdout.buffer, process_id)
        _, status = os.waitpid(process_id, 0)
        _send(sys.stdout.buffer, os.waitstatus_to_exitcode(status))


def _become(command: list[str], folder: str, environment: dict[str, str], output: str) -> None:
    """Go on as the script: with its folder, variables, arguments and output."""
    for descriptor, (path, mode) in enumerate(
        [(os.devnull, os.O_RDONLY), (output, os.O_WRONLY), (output, os.O_WRONLY)]
    ):
        opened = os.open(path, mode | os.O_APPEND)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.chdir(folder)
    if workflow := sys.modules.get("snakemake.workflow"):
        workflow.Workflow._rundir = folder  # as if imported here
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = str(Path(command[0]).parent)
    sys.argv = command
    runpy.run_path(command[0], run_name="__main__")


if __name__ == "__main__":
    _serve()
