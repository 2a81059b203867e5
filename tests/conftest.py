"""Shared fixtures: small cached songs, clones of the repository, a finished experiment."""

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from upsampling_artifacts.data.cache import write_cache
from upsampling_artifacts.data.musdb18 import Recording

from .clone import TINY, Clone, copy_repository
from .once import made_once, shared_folder

# How long an example takes says more about the machine than about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Background jobs of a shell ignore Ctrl-C, and the processes that tests start would inherit this.
signal.signal(signal.SIGINT, signal.default_int_handler)

SOURCES = ("drums", "bass", "other", "vocals")

CacheSong = Callable[..., Path]


@pytest.fixture
def cache_song(tmp_path: Path) -> CacheSong:
    """Return a function that caches stems ``(sources, channels, time)`` and their mixture."""

    def cache(name: str, stems: np.ndarray, rate_hz: int = 1000) -> Path:
        audio = np.concatenate([stems.sum(axis=0, keepdims=True), stems]).astype(np.float32)
        path = tmp_path / "cache" / f"{name}.npy"
        write_cache(Recording(name, SOURCES[: len(stems)], audio, rate_hz), path, rate_hz)
        return path

    return cache


@pytest.fixture(scope="session", autouse=True)
def shared_records(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let test processes share what takes long to find out (`Clone`)."""
    Clone.shared_records = shared_folder(tmp_path_factory) / "records"


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """Return a fresh clone without results."""
    return copy_repository(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Return a clone with the finished tiny experiment, including its report. Do not modify it."""

    def run(root: Path) -> None:
        result = copy_repository(root).snakemake("--configfile", TINY)
        assert result.returncode == 0, result.stdout

    return Clone(made_once(tmp_path_factory, "finished", run))


@pytest.fixture
def copy_of_finished(finished: Clone, tmp_path: Path) -> Clone:
    """Return a copy of the finished clone that a test may modify."""
    shutil.copytree(finished.root, tmp_path / "clone", symlinks=True)
    return Clone(tmp_path / "clone")
