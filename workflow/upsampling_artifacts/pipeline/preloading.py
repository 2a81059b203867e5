"""Start scripts as forks of a process that has already imported the large packages.

Importing torch, scipy.signal and pandas takes two seconds, and the demonstration runs 370 scripts.
The fork server of :mod:`multiprocessing` imports them once; a script then starts in 30 ms.
It imports the library itself, so that it runs the code as it is.

The fork server reads the number of threads from its environment when it loads OpenMP and BLAS, and
starts none: so it serves scripts that run on one thread.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping
from multiprocessing import forkserver
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

ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}


def preload() -> None:
    """Start the fork server; it imports the packages while this process goes on."""
    forkserver.set_forkserver_preload(list(PACKAGES))
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    forkserver.ensure_running()
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


def start_script(path: str, environment: Mapping[str, str]) -> BaseProcess:
    """Run a Python script in a new process.

    Args:
        path: The script.
        environment: All its environment variables.

    Returns:
        The process, already running; its ``exitcode`` is that of the script.
    """
    context = multiprocessing.get_context("forkserver")
    process = context.Process(target=_run_script, args=(path, dict(environment)))
    process.start()
    return process


def _run_script(path: str, environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [path]
    runpy.run_path(path, run_name="__main__")
