"""Start scripts as forks of a process that has already imported the large packages.

Importing torch, scipy.signal and pandas takes two seconds, and the demonstration runs 370 scripts.
The fork server of :mod:`multiprocessing` imports them once; a script then starts in 30 ms.
It imports the library itself, so that it runs the code as it is.

The fork server reads the number of threads from its environment when it loads OpenMP and BLAS, and
starts none: so it serves scripts that run on one thread.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import runpy
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import forkserver, resource_tracker
from multiprocessing.process import BaseProcess

PACKAGES = (
    "snakemake.cli",  # multiprocessing imports the main program in each fork
    "lightning_fabric",
    "matplotlib.pyplot",
    "pandas",
    "scipy.signal",
    "scipy.stats",
    "seaborn",
    "soundfile",
    "torch._dynamo",  # the first step of any optimizer imports it
)
"""Packages whose import neither starts threads nor depends on the environment of a job."""


_start_lock = threading.Lock()


def thread_variables(n_threads: int) -> dict[str, str]:
    """The environment variables that set the number of threads of numerical libraries."""
    libraries = ("OMP_NUM", "OPENBLAS_NUM", "MKL_NUM", "NUMEXPR_NUM", "VECLIB_MAXIMUM")
    return {f"{library}_THREADS": str(n_threads) for library in libraries}


def preload(variables: Mapping[str, str]) -> None:
    """Start the fork server; it imports the packages while this process goes on.

    It blocks SIGTERM, and ends with this process.

    Args:
        variables: Environment variables that all scripts have in common.
    """
    forkserver.set_forkserver_preload(list(PACKAGES))
    # First: it would unblock the signal in between. It warns of what killed scripts leave.
    with _environment({"PYTHONWARNINGS": "ignore:resource_tracker"}):
        resource_tracker.ensure_running()
    # Blocked, not ignored: a script that is sent the signal before it has begun ends when it does.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    with _environment({**variables, **thread_variables(1)}):
        forkserver.ensure_running()
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    atexit.register(_kill, forkserver._forkserver._forkserver_pid)  # type: ignore[attr-defined]


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Context manager: set environment variables."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _kill(child: int) -> None:
    """End a child that would take seconds to free what it has imported."""
    with suppress(ChildProcessError):  # it has ended, and its number may be another's
        if os.waitpid(child, os.WNOHANG)[0] == 0:
            os.kill(child, signal.SIGKILL)


def start_script(path: str, environment: Mapping[str, str]) -> BaseProcess:
    """Run a Python script in a new process and a new session, which Ctrl-C does not reach.

    Args:
        path: The script.
        environment: All its environment variables.

    Returns:
        The process, already running; its ``exitcode`` is that of the script.
    """
    context = multiprocessing.get_context("forkserver")
    process = context.Process(target=_run_script, args=(path, dict(environment)))
    # Each start polls all known processes. If another thread waits for one of them, only one of the
    # two reads its status, and the other takes it for lost: exit status 255. So no start may know
    # the process of another: one at a time, and none is known after its start.
    with _start_lock:
        process.start()
        multiprocessing.process._children.discard(process)  # type: ignore[attr-defined]
    return process


def _run_script(path: str, environment: dict[str, str]) -> None:
    os.setsid()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [path]
    runpy.run_path(path, run_name="__main__")
