"""A GPU that config asks for and that is not there is found before the first job."""

from __future__ import annotations

from pathlib import Path

import pytest
from upsampling_artifacts.pipeline.accelerators import may_have_gpu, missing_gpu


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (tmp_path / "nvidiactl").touch()
    return tmp_path / "nvidiactl"


def test_a_driver_or_none_decides(driver: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert may_have_gpu([driver.with_name("kfd"), driver])
    assert not may_have_gpu([driver.with_name("kfd")])
    for hidden in ("", " ", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
        assert not may_have_gpu([driver])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert may_have_gpu([driver])


def test_only_cuda_asks_for_a_gpu(driver: Path) -> None:
    asked = {"one": "auto", "two": "cpu", "three": "cuda"}
    assert missing_gpu(asked, [driver]) is None
    line = missing_gpu(asked, [])
    assert line and line.startswith("config: training.accelerator: cuda (of three), but this")
    del asked["three"]
    assert missing_gpu(asked, []) is None
