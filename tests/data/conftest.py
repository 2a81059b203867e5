"""Fixtures for fetching: the folder of data sets, and the log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def datasets(tmp_path: Path) -> Path:
    return tmp_path / "datasets"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    caplog.set_level(logging.INFO, "upsampling_artifacts")
    return lambda: caplog.text
