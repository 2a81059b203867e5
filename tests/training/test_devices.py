"""Data-parallel training: two processes on the CPU, started by a program as by a job."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from upsampling_artifacts.data.cached_song import read_cache
from upsampling_artifacts.data.segments import TrainingBatches
from upsampling_artifacts.errors import InputError

from ..fork_server import run_in_fork
from .conftest import OPTIONS, SYSTEM, TRAIN_FROM_JSON, files_in, results_in, same_weights

TWO = replace(OPTIONS, devices=2, checkpoint_minutes=60)
PROGRAM = f"""
{TRAIN_FROM_JSON}
import os, signal, time
from types import SimpleNamespace
from upsampling_artifacts.training import step
from upsampling_artifacts.progress import job_log

rank, calls = int(os.getenv("LOCAL_RANK", 0)), 0
loss_function = step.loss_function

def loss_and_event(model, batch, *criterion):
    global calls
    calls += 1
    loss = loss_function(model, batch, *criterion)
    EVENT
    return loss

step.loss_function = loss_and_event
with job_log(arguments["log"]):
    train()
    print("process", rank, "ended well")
"""
# Prints the addresses (hexadecimal) on which a process listens.
LISTENING = """
from pathlib import Path
links = [os.readlink(path) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
for table in ("tcp", "tcp6"):
    for row in Path("/proc/net", table).read_text().splitlines()[1:]:
        local, _, state, *_, inode = row.split()[1:10]
        if state == "0A" and f"socket:[{inode}]" in links:
            print(f"listens on {local.split(':')[0]}\\n", end="", flush=True)
"""
IMPORTED = ("lightning_fabric", "torch._dynamo", "scipy.signal", "pandas")
Program = Callable[..., SimpleNamespace]


@pytest.fixture
def program(songs: list[str], tmp_path: Path) -> Program:
    """A function that trains in a program of its own; ``event`` is code within each step."""

    def program(
        event: str = "pass", folder: str = "run", options=TWO, system: dict = SYSTEM
    ) -> SimpleNamespace:
        arguments = {
            "system": system,
            "options": asdict(options),
            "files": asdict(files_in(tmp_path / folder, songs[:3], songs[3:])),
            "log": str(tmp_path / folder / "job.log"),
        }
        (tmp_path / "program.py").write_text(PROGRAM.replace("EVENT", event))
        command = [str(tmp_path / "program.py"), json.dumps(arguments)]
        result = run_in_fork(command, Path.cwd(), dict(os.environ), 120, IMPORTED)
        log = (tmp_path / folder / "job.log").read_text()
        return SimpleNamespace(code=result.returncode, output=result.stdout, log=log)

    return program


def test_two_devices_learn_what_one_device_learns(
    run: Callable, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Also inside a SLURM job with one task: training starts the second process itself.
    for name, value in {"NTASKS": 1, "PROCID": 0, "LOCALID": 0, "NODEID": 0}.items():
        monkeypatch.setenv(f"SLURM_{name}", str(value))
    result = program()
    assert result.code == 0, result.output
    assert sorted(line for line in result.output.splitlines() if "ended well" in line) == [
        "process 0 ended well", "process 1 ended well",
    ]  # fmt: skip
    alone, together = run("alone"), results_in(tmp_path / "run")
    assert together.rows and len(together.rows) == len(alone.rows)
    for one, two in zip(alone.losses, together.losses, strict=True):
        assert [float(x) for x in two] == pytest.approx([float(x) for x in one], rel=1e-5)
    for name, weight in alone.weights.items():
        torch.testing.assert_close(together.weights[name], weight, rtol=1e-3, atol=1e-4)
    # Only the first process writes files and messages.
    assert sorted(path.name for path in together.model.parent.iterdir()) == [
        "job.log", "model.safetensors", "snapshots", "training.csv",
    ]  # fmt: skip
    assert result.log.count("18/18") == result.output.count("18/18") == 1


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="no /proc/net to list sockets")
def test_two_devices_listen_to_this_machine_only(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A cluster's own settings would open them to its network.
    monkeypatch.setenv("MASTER_ADDR", socket.gethostname())
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "no_such_interface")
    result = program(f"calls == 1 and exec({LISTENING!r})")
    assert result.code == 0, result.output
    listening = re.findall("listens on (.*)", result.output)
    # The store, and one socket of each process.
    assert listening == ["0100007F"] * 3  # 127.0.0.1


def test_two_devices_with_gradient_accumulation_learn_what_one_device_learns(
    run: Callable, program: Program, tmp_path: Path
) -> None:
    result = program(options=replace(TWO, gradient_accumulation=2, activation_checkpointing=True))
    assert result.code == 0, result.output
    alone, together = run("alone"), results_in(tmp_path / "run")
    for one, two in zip(alone.losses, together.losses, strict=True):
        assert [float(x) for x in two] == pytest.approx([float(x) for x in one], rel=1e-5)


def test_two_devices_stop_together_and_resume_exactly(program: Program, tmp_path: Path) -> None:
    """Interrupted by a signal to the second process, then to the first while it validates.

    The model has batch normalization and its own loss, and adapts its initial values to the songs.
    The first process takes the snapshots.
    """
    options = replace(TWO, n_snapshots=3)
    sizes = {"n_fft": 64, "hop": 32, "hidden": 4, "max_bin": None}
    system = {"architecture": "open_unmix", "options": sizes, "upsampler": None}
    for number, rank, reason, step in (
        ("SIGTERM", 1, "another process", 4),
        ("SIGUSR1", 0, "SIGUSR1", 7),
    ):
        stopped = program(
            f"rank == {rank} and calls == 4 and os.kill(os.getpid(), signal.{number})",
            options=options,
            system=system,
        )
        assert stopped.code == os.EX_TEMPFAIL, stopped.output
        assert stopped.log.splitlines()[-1][9:] == (
            f"training: stopped by {reason} at step {step} of 18; "
            "its checkpoint is saved, and the next start resumes from it"
        )
        assert "Traceback" not in stopped.output
    for folder in ("run", "uninterrupted"):
        assert program(folder=folder, options=options, system=system).code == 0
    resumed, uninterrupted = results_in(tmp_path / "run"), results_in(tmp_path / "uninterrupted")
    assert same_weights(resumed.weights, uninterrupted.weights)
    assert resumed.losses == uninterrupted.losses
    assert [name[5:12] for name in resumed.snapshots] == ["0000001", "0000004", "0000018"]
    assert resumed.snapshots == uninterrupted.snapshots


@pytest.mark.parametrize(("ahead", "epochs"), [(0, 1), (1, 3)])
def test_the_clock_of_the_first_process_decides_when_both_end(
    program: Program, tmp_path: Path, ahead: int, epochs: int
) -> None:
    """The clock of one process is a year ahead from its fourth step on; the other is correct."""
    later = "SimpleNamespace(monotonic=lambda: time.monotonic() + 3e7)"
    result = program(
        f"if rank == {ahead} and calls == 4: loop.time = {later}",
        options=replace(TWO, minutes=60),
    )
    assert result.code == 0, result.output
    assert result.output.count("ended well") == 2
    assert len(results_in(tmp_path / "run").rows) == epochs


def test_a_diverging_loss_on_one_device_ends_both_with_one_line(program: Program) -> None:
    result = program("loss = loss * float('nan') if rank == 1 and calls == 4 else loss")
    assert result.code == 1
    assert result.log.splitlines()[-1][9:] == (
        "error: training: the loss is nan at step 4; lower training.learning_rate"
    )
    assert result.output.count("error:") == 1
    assert "Traceback" not in result.output


def test_an_unexpected_error_on_one_device_ends_both_and_is_logged(
    program: Program, tmp_path: Path
) -> None:
    result = program("1 / (0 if rank == 1 and calls == 4 else 1)")
    assert result.code != 0
    assert "ZeroDivisionError" in result.log
    assert not (tmp_path / "run/model.safetensors").exists()


@pytest.mark.parametrize(("devices", "gradient_accumulation"), [(3, 1), (1, 3), (2, 4)])
def test_a_batch_that_does_not_divide_evenly_is_an_input_error(
    run: Callable, devices: int, gradient_accumulation: int
) -> None:
    divided = (
        rf"batch_size: 4 .*training\.devices: {devices} "
        rf".*gradient_accumulation: {gradient_accumulation};"
    )
    with pytest.raises(InputError, match=divided) as error:
        run(options=replace(OPTIONS, devices=devices, gradient_accumulation=gradient_accumulation))
    assert "\n" not in str(error.value)


def test_missing_devices_are_an_input_error(run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(InputError, match=r"^training\.devices: 2: ") as error:
        run(options=replace(OPTIONS, devices=2, accelerator="cuda"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("parts", [1, 2, 4])
def test_the_parts_of_all_devices_make_up_the_batch(songs: list[str], parts: int) -> None:
    cached = [read_cache(path) for path in songs]
    batch = TrainingBatches(cached, 0.128, 0.5, 0.1, batch_size=4, remix_group=2, seed=3)[7]
    for part in range(parts):
        batches = TrainingBatches(
            cached, 0.128, 0.5, 0.1, batch_size=4, remix_group=2, seed=3, part=part, parts=parts
        )
        for part_tensor, tensor in zip(batches[7], batch, strict=True):
            np.testing.assert_array_equal(part_tensor, tensor[part::parts])
