"""Training without enough memory ends with one line that names settings that fit."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from upsampling_artifacts.training.out_of_memory import is_out_of_memory

from .conftest import OPTIONS, TRAIN_FROM_JSON, files_in, results_in

# Freed memory returns to the system, as on a GPU.
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "1000000", "MALLOC_ARENA_MAX": "1"}
# The activations of 16 segments take about 300 MB.
WIDE = {
    "architecture": "demucs",
    "options": {"channels": 32, "depth": 1, "lstm_layers": 0},
    "upsampler": {"name": "transposed", "length": 8},
}
BIG = replace(
    OPTIONS, epochs=1, batch_size=16, segment_seconds=10.0, stride_seconds=1.0, remix_group=4,
    checkpoint_minutes=60,
)  # fmt: skip
PROGRAM = f"""
{TRAIN_FROM_JSON}
import os, re, resource
from pathlib import Path
from upsampling_artifacts.training import out_of_memory
from upsampling_artifacts.progress import job_log
import torch

torch.nn.Conv1d(1, 1, 1)(torch.ones(1, 1, 1)).backward()  # loads libraries that torch loads lazily
out_of_memory.SECONDS_FOR_FIRST_PROCESS = 10
used = 1024 * int(re.search(r"VmSize:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
hard = resource.getrlimit(resource.RLIMIT_AS)[1]
if int(os.getenv("LOCAL_RANK", 0)) in arguments["limited"]:
    resource.setrlimit(resource.RLIMIT_AS, (used + arguments["bytes"], hard))
with job_log(arguments["log"]):
    train()
"""
Program = Callable[..., SimpleNamespace]


@pytest.fixture
def program(cache_song: Callable[..., Path], tmp_path: Path) -> Program:
    """A function that trains in a program of its own, with at most ``megabytes`` of memory.

    With several processes, the limit applies to the ranks in ``limited``.
    """
    rng = np.random.default_rng(0)
    songs = [str(cache_song(f"{n}", 0.1 * rng.standard_normal((2, 2, 160_000)), 8000))
             for n in range(2)]  # fmt: skip

    def program(
        megabytes: int, limited: tuple = (0, 1), system: dict = WIDE, **changes: object
    ) -> SimpleNamespace:
        arguments = {
            "system": system,
            "options": asdict(replace(BIG, **changes)),
            "files": asdict(files_in(tmp_path / "run", songs, songs[:1])),
            "bytes": megabytes * 10**6,
            "limited": limited,
            "log": str(tmp_path / "job.log"),
        }
        (tmp_path / "program.py").write_text(PROGRAM)
        result = subprocess.run(
            [sys.executable, tmp_path / "program.py", json.dumps(arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240,
            env=os.environ | MALLOC,
        )  # fmt: skip
        log = (tmp_path / "job.log").read_text().splitlines()
        return SimpleNamespace(code=result.returncode, output=result.stdout, log=log)

    return program


ADVICE = re.compile(
    r"error: training\.batch_size: 16 segments of 10 s at once do not fit into the [\d.]+ GB that "
    r"this process may use; set training\.gradient_accumulation: (\d+) \((\d+) at a time\), which "
    r"fits and gives the same result"
)


def test_the_advised_gradient_accumulation_fits(program: Program, tmp_path: Path) -> None:
    result = program(250)
    assert result.code == 1, result.output
    assert "Traceback" not in result.output
    advice = ADVICE.fullmatch(result.log[-1][9:])
    assert advice, result.log
    gradient_accumulation, part_size = map(int, advice.groups())
    assert gradient_accumulation > 1 and gradient_accumulation * part_size == 16
    assert not (tmp_path / "run/model.safetensors").exists()
    trained = program(250, gradient_accumulation=gradient_accumulation)
    assert trained.code == 0, trained.output
    assert results_in(tmp_path / "run").rows


def test_if_not_even_one_segment_fits_the_advice_names_other_settings(program: Program) -> None:
    # Wide enough that one segment lacks memory long before the libraries below torch do: with less
    # than some 50 MB left these can crash instead of reporting it.
    wider = WIDE | {"options": WIDE["options"] | {"channels": 256}}
    result = program(100, system=wider)
    assert result.code == 1, result.output
    assert re.fullmatch(
        r"error: not even one segment of 10 s fits into the [\d.]+ GB that this process may use "
        r"with this model; try training\.activation_checkpointing: true or "
        r"training\.precision: bf16-mixed or a "
        r"shorter training\.segment_seconds",
        result.log[-1][9:],
    )


@pytest.mark.parametrize("limited", [(0, 1), (1,)])
def test_two_devices_end_together(program: Program, limited: tuple) -> None:
    result = program(200, devices=2, limited=limited)
    assert result.code not in (0, None), result.output
    errors = [line for line in result.log if "error" in line]
    assert "training.batch_size: 8 segments of 10 s at once do not fit" in errors[0]
    if limited != (1,):  # if the second process exits, gloo fails in the first, too
        assert len(errors) == 1
        assert "Traceback" not in result.output


def test_only_errors_that_report_a_lack_of_memory_count_as_out_of_memory() -> None:
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
    assert not is_out_of_memory(ValueError("out of memory"))
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"))
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(error.value)
