"""Fixtures for all tests: small songs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from upsampling_artifacts.data.cache import write_cache
from upsampling_artifacts.data.musdb18 import Recording

SOURCES = ("drums", "bass", "other", "vocals")

CacheSong = Callable[..., Path]


@pytest.fixture
def cache_song(tmp_path: Path) -> CacheSong:
    """A function that caches stems ``(sources, channels, time)``; the mixture is their sum."""

    def cache(name: str, stems: np.ndarray, rate_hz: int = 1000) -> Path:
        audio = np.concatenate([stems.sum(axis=0, keepdims=True), stems]).astype(np.float32)
        path = tmp_path / "cache" / f"{name}.npy"
        write_cache(Recording(name, SOURCES[: len(stems)], audio, rate_hz), path, rate_hz)
        return path

    return cache
