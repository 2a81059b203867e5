"""Provenance of the results: code, packages, machine and time."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PACKAGES = [
    "torch", "torchaudio", "lightning-fabric", "numpy", "scipy", "pandas", "musdb", "museval",
    "stempeg", "soundfile", "midirenderer", "matplotlib", "jinja2", "snakemake",
]  # fmt: skip


def provenance(repository: str | Path) -> dict[str, Any]:
    """Describe the code, packages and machine in use now.

    Args:
        repository: Folder of the clone.

    Returns:
        Values for JSON: ``written`` (UTC), ``commit`` and ``dirty`` (None outside git),
        ``packages``, and ``machine``.
    """
    commit = _git(repository, "rev-parse", "HEAD")
    status = _git(repository, "status", "--porcelain", "--untracked-files=no")
    return {
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit,
        "dirty": None if status is None else bool(status),
        "packages": _package_versions(),
        "machine": machine(),
    }


def machine() -> dict[str, str]:
    """CPU, cores, memory, operating system and Python version of this machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "CPU": _cpu_model(),
        "cores": str(cores),
        "memory": f"{memory_bytes / 2**30:.1f} GiB",
        "operating system": _operating_system(),
        "Python": platform.python_version(),
    }


def _git(repository: str | Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(repository), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):  # git is missing, or this is not a clone
        return None


def _package_versions() -> dict[str, str]:
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # each stage has its own environment
            continue
    return versions


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _operating_system() -> str:
    try:
        return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {platform.release()}"
    except OSError:
        return f"{platform.system()} {platform.release()}"
