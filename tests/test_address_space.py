"""A process whose address space is too small for PyTorch says so before it imports PyTorch."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from upsampling_artifacts import address_space
from upsampling_artifacts.address_space import CPU_BYTES, CUDA_BYTES

from .clone import TINY, Clone

LIMITED = ["bash", "-c", 'ulimit -v 2000000; exec "$@"', "bash"]
needs_cuda_build = pytest.mark.skipif(
    address_space.needed_bytes() < 2e9, reason="PyTorch without CUDA needs less"
)


@needs_cuda_build
def test_the_command_line_says_so_in_one_line() -> None:
    command = [*LIMITED, sys.executable, "-m", "upsampling_artifacts", "probe", "torch.nn:Identity"]
    result = subprocess.run(command, capture_output=True, text=True)
    (line,) = result.stderr.splitlines()
    assert result.returncode == 1
    assert line.startswith("error: address space: limited to 2.0 GB (ulimit -v), but PyTorch takes")


@needs_cuda_build
def test_a_run_says_so_in_one_line(clone: Clone) -> None:
    result = clone.run(*LIMITED, "snakemake", "--cores", "1", "--configfile", TINY, "-n")
    assert result.returncode == 1 and "Traceback" not in result.stdout
    assert "address space: limited to 2.0 GB (ulimit -v)" in result.stdout


def test_pytorch_without_cuda_needs_less(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = SimpleNamespace(origin=str(tmp_path / "torch/__init__.py"))
    monkeypatch.setattr(address_space, "find_spec", lambda name: found)
    assert address_space.needed_bytes() == CPU_BYTES
    (tmp_path / "torch/lib").mkdir(parents=True)
    (tmp_path / "torch/lib/libtorch_cuda.so").touch()
    assert address_space.needed_bytes() == CUDA_BYTES
