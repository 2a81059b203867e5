"""A training without memory enough ends with one line that says what would fit, and that fits."""

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

from .conftest import OPTIONS, paths_in

# So that what is freed goes back to the system, as a GPU's does.
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "1000000", "MALLOC_ARENA_MAX": "1"}
# 16 segments at a time keep about 300 MB of activations.
WIDE = {
    "architecture": "demucs",
    "options": {"channels": 32, "depth": 1, "lstm_layers": 0},
    "upsampler": {"name": "transposed", "length": 8},
}
BIG = replace(
    OPTIONS, epochs=1, batch_size=16, segment_seconds=10.0, stride_seconds=1.0, remix_group=4,
    checkpoint_minutes=60,
)  # fmt: skip
PROGRAM = """
import json, os, re, resource, sys
from pathlib import Path
from upsampling_artifacts.training import loop, out_of_memory
from upsampling_artifacts.progress import job_log
import torch

torch.nn.Conv1d(1, 1, 1)(torch.ones(1, 1, 1)).backward()  # loads what is not yet loaded
arguments = json.loads(sys.argv[1])
options = loop.TrainingOptions(**arguments.pop("options"))
room, log, short = (arguments.pop(name) for name in ("room", "log", "short"))
out_of_memory.SECONDS_FOR_THE_FIRST = 10
used = 1024 * int(re.search(r"VmSize:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
hard = resource.getrlimit(resource.RLIMIT_AS)[1]
if int(os.getenv("LOCAL_RANK", 0)) in short:
    resource.setrlimit(resource.RLIMIT_AS, (used + room, hard))
with job_log(log):
    loop.train(options=options, **arguments)
"""
Program = Callable[..., SimpleNamespace]


@pytest.fixture
def program(cache_song: Callable[..., Path], tmp_path: Path) -> Program:
    """A function that trains in a program of its own, which may use ``megabytes`` more.

    Of several processes, those that are ``short`` of memory.
    """
    rng = np.random.default_rng(0)
    songs = [str(cache_song(f"{n}", 0.1 * rng.standard_normal((2, 2, 160_000)), 8000))
             for n in range(2)]  # fmt: skip

    def program(megabytes: int, short: tuple = (0, 1), **changes: object) -> SimpleNamespace:
        paths = paths_in(tmp_path / "run")
        arguments = {
            "system": WIDE,
            "options": asdict(replace(BIG, **changes)),
            "seed": 0,
            "train_songs": songs,
            "valid_songs": songs[:1],
            "model_path": str(paths.model),
            "log_path": str(paths.log),
            "checkpoint_path": str(paths.checkpoint),
            "room": megabytes * 10**6,
            "short": short,
            "log": str(tmp_path / "job.log"),
        }
        (tmp_path / "program.py").write_text(PROGRAM)
        result = subprocess.run(
            [sys.executable, tmp_path / "program.py", json.dumps(arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240,
            env=os.environ | MALLOC,
        )  # fmt: skip
        log = (tmp_path / "job.log").read_text().splitlines()
        return SimpleNamespace(code=result.returncode, output=result.stdout, log=log, paths=paths)

    return program


ADVICE = re.compile(
    r"error: training\.batch_size: 16 segments of 10 s at once do not fit into the [\d.]+ GB that "
    r"this process may use; set training\.gradient_accumulation: (\d+) \((\d+) at a time\), which "
    r"fits, and learns the same"
)


def test_it_says_which_accumulation_fits_and_that_fits(program: Program) -> None:
    ended = program(250)
    assert ended.code == 1, ended.output
    assert "Traceback" not in ended.output
    advice = ADVICE.fullmatch(ended.log[-1][9:])
    assert advice, ended.log
    gradient_accumulation, at_a_time = map(int, advice.groups())
    assert gradient_accumulation > 1 and gradient_accumulation * at_a_time == 16
    assert not ended.paths.model.exists()
    trained = program(250, gradient_accumulation=gradient_accumulation)
    assert trained.code == 0, trained.output
    assert trained.paths.model.exists()


def test_where_no_segment_fits_it_says_what_else_to_try(program: Program) -> None:
    ended = program(30)
    assert ended.code == 1, ended.output
    assert re.fullmatch(
        r"error: not even one segment of 10 s fits into the [\d.]+ GB that this process may use "
        r"with this model; try training\.activation_checkpointing: true or "
        r"training\.precision: bf16-mixed or a "
        r"shorter training\.segment_seconds",
        ended.log[-1][9:],
    )


@pytest.mark.parametrize("short", [(0, 1), (0,), (1,)])
def test_two_devices_end_together(program: Program, short: tuple) -> None:
    ended = program(180, devices=2, short=short)
    assert ended.code not in (0, None), ended.output
    said = [line for line in ended.log if "error" in line]
    assert "training.batch_size: 8 segments of 10 s at once do not fit" in said[0]
    if short != (1,):  # left by the second, gloo has the first tell of that, too
        assert len(said) == 1
        assert "Traceback" not in ended.output


def test_other_errors_are_not_taken_for_it() -> None:
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
    assert not is_out_of_memory(ValueError("out of memory"))
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"))
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(error.value)
