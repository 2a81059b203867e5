"""Snapshots of the weights: after which steps, what they contain, and that nothing loses them."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from upsampling_artifacts.errors import InputError, Interrupted
from upsampling_artifacts.models import saved
from upsampling_artifacts.models.saved import load_model, read_about
from upsampling_artifacts.training.checkpoint import Checkpoint
from upsampling_artifacts.training.snapshots import snapshot_steps
from upsampling_artifacts.training.step import Trainer

from .conftest import OPTIONS, same_weights

EIGHT = replace(OPTIONS, n_snapshots=8)
STEPS = [1, 2, 3, 5, 8, 12, 18]  # 18 ** (k / 7), rounded, once each
NAMES = [f"step-{step:07d}.safetensors" for step in STEPS]


def test_steps_are_equally_spaced_on_a_logarithmic_scale() -> None:
    assert snapshot_steps(18, 8) == STEPS
    assert snapshot_steps(522, 8) == [1, 2, 6, 15, 36, 87, 214, 522]
    for n_steps in (1, 4, 343_200):
        for count in range(1, 20):
            steps = snapshot_steps(n_steps, count)
            assert steps == sorted(set(steps)) and steps[-1] == n_steps
            assert len(steps) <= count and (count == 1 or steps[0] == 1)
    assert snapshot_steps(522, 0) == []


def test_a_snapshot_holds_the_weights_after_its_step(run: Callable, tmp_path: Path) -> None:
    """The weights after three steps are those of a training that ends there."""
    result = run(options=EIGHT)
    assert list(result.snapshots) == NAMES
    assert not same_weights(load(tmp_path, "run", 1), load(tmp_path, "run", 2))
    # With constant validation losses, a run keeps the weights of its first epoch: six steps.
    shorter = run("shorter", replace(OPTIONS, epochs=1))
    at_six = run("three", replace(OPTIONS, n_snapshots=1, epochs=1))
    assert list(at_six.snapshots) == ["step-0000006.safetensors"]
    assert same_weights(load(tmp_path, "three", 6), shorter.weights)


def load(folder: Path, name: str, step: int) -> dict[str, torch.Tensor]:
    return load_file(folder / name / f"snapshots/step-{step:07d}.safetensors")


def test_the_header_is_that_of_the_model_but_for_the_step(
    run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model is that of the second epoch, whose validation loss is the lowest."""
    losses = iter([3.0, 1.0, 2.0])
    monkeypatch.setattr(Trainer, "validate", lambda *_: next(losses))
    kept = read_about(run(options=EIGHT).model)
    assert kept["step"] == 12
    for step, name in zip(STEPS, NAMES, strict=True):
        model, about = load_model(tmp_path / "run/snapshots" / name)
        assert about == {**kept, "step": step}
        assert model(torch.zeros(1, 2, 128)).shape == (1, 2, 2, 128)
    assert same_weights(load(tmp_path, "run", 12), load_file(tmp_path / "run/model.safetensors"))


@pytest.mark.parametrize("n_snapshots", [1, 8])
def test_snapshots_change_no_byte_of_the_model(run: Callable, n_snapshots: int) -> None:
    without = run("without", replace(OPTIONS, n_snapshots=0))
    taking = run("taking", replace(OPTIONS, n_snapshots=n_snapshots))
    assert without.snapshots == {} and taking.snapshots
    assert taking.model.read_bytes() == without.model.read_bytes()
    assert taking.losses == without.losses


@pytest.mark.parametrize("steps", [[1], [2, 3], [7, 12], [17], [18]])
def test_snapshots_of_interrupted_training_are_the_same_bytes(
    run: Callable, run_until: Callable, steps: list[int]
) -> None:
    uninterrupted = run("uninterrupted", EIGHT)
    for step in steps:
        run_until(step, "interrupted", options=EIGHT)
    assert run("interrupted", EIGHT).snapshots == uninterrupted.snapshots


def test_a_snapshot_after_the_last_checkpoint_is_taken_again(
    run: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The job is killed between the snapshot of step 8 and the checkpoint of that step."""
    save = Checkpoint.save

    def killed_at_8(self: Checkpoint, state: dict, trainer: Trainer) -> None:
        if state["step"] == 8:
            raise KeyboardInterrupt
        save(self, state, trainer)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Checkpoint, "save", killed_at_8)
        run("run", EIGHT)
    eighth = tmp_path / "run/unfinished_snapshots" / NAMES[4]
    eighth.write_bytes(b"not what a resumed run must keep")
    assert run("run", EIGHT).snapshots == run("uninterrupted", EIGHT).snapshots


def test_snapshots_survive_a_preemption_outside_the_output(
    run: Callable, run_with: Callable, tmp_path: Path
) -> None:
    rare = replace(EIGHT, checkpoint_minutes=60)
    with pytest.raises(Interrupted):
        run_with(lambda: os.kill(os.getpid(), 15), 6, options=rare)
    assert not (tmp_path / "run/snapshots").exists()
    taken = tmp_path / "run/unfinished_snapshots"
    assert sorted(path.name for path in taken.iterdir()) == NAMES[:4]
    assert run("run", rare).snapshots == run("uninterrupted", rare).snapshots
    assert not taken.exists()


def test_training_that_starts_over_drops_the_snapshots_of_the_run_before(
    run: Callable, run_until: Callable, tmp_path: Path
) -> None:
    run_until(8, options=replace(EIGHT, epochs=4))  # steps 1, 2, 3, 4, 6, 10, 15, 24
    (tmp_path / "run/checkpoint.pt").unlink()
    assert list(run(options=EIGHT).snapshots) == NAMES


def test_a_training_run_may_resume_with_another_number_of_snapshots(
    run: Callable, run_until: Callable
) -> None:
    run_until(8, options=EIGHT)
    result = run(options=replace(OPTIONS, n_snapshots=0))
    assert list(result.snapshots) == NAMES[:4]


def test_a_time_limit_ends_the_series_early(run: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(options=replace(EIGHT, minutes=1e-9))
    assert len(result.rows) == 1
    assert list(result.snapshots) == NAMES[:4]  # of six steps


def test_a_disk_without_room_for_all_snapshots_is_refused_before_training(
    run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_bytes = sum(weight.nbytes for weight in run("run", OPTIONS).weights.values())
    usage = shutil.disk_usage(tmp_path)
    with monkeypatch.context() as patch, pytest.raises(InputError) as refused:
        needed = len(STEPS) * model_bytes
        patch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=needed - 1))
        run("full", EIGHT)
    assert re.fullmatch(
        r"training\.n_snapshots: 7 snapshots need \S+ GB, but \S+ GB are free in \S+/full; free "
        r"space, or take fewer",
        str(refused.value),
    )
    assert not (tmp_path / "full/checkpoint.pt").exists()
    assert run("full", EIGHT).snapshots


def test_a_full_disk_is_one_line_and_loses_no_checkpoint(
    run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full from the snapshot of step 8 on; training resumes with free space."""
    uninterrupted = run("uninterrupted", EIGHT)
    save_file = saved.save_file

    def full_from_step_8(weights: object, path: Path, header: dict[str, str]) -> None:
        if re.search(r'"step": (8|12|18)\b', header["about"]):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save_file(weights, path, header)

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left") as full:
        patch.setattr(saved, "save_file", full_from_step_8)
        run("run", EIGHT)
    assert full.value.errno == errno.ENOSPC
    assert str(full.value).endswith(
        "run/unfinished_snapshots/step-0000008.safetensors could not be written: No space left on "
        "device; make room, and start again; training can resume, with a lower "
        "training.n_snapshots to save space"
    )
    assert "\n" not in str(full.value)
    names = sorted(path.name for path in (tmp_path / "run/unfinished_snapshots").iterdir())
    assert names == NAMES[:4]
    checkpoint = torch.load(tmp_path / "run/checkpoint.pt", weights_only=True)
    assert checkpoint["state"]["step"] == 7
    resumed = run("run", EIGHT)
    assert resumed.snapshots == uninterrupted.snapshots
    assert resumed.model.read_bytes() == uninterrupted.model.read_bytes()
