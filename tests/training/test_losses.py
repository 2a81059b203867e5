"""Training with other losses: which minimizes what, and networks that must not be trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F
from upsampling_artifacts import registry
from upsampling_artifacts.data.segments import to_waveforms
from upsampling_artifacts.errors import InputError

from .conftest import OPTIONS, same_weights
from .test_step import batch_of, build, make_trainer

SCALED = {"name": "tests.toy_losses:Scaled", "scale": 3.0}


def test_the_default_is_l1() -> None:
    batch = batch_of(2)
    losses = {
        name: make_trainer(build("demucs"), 0.0, loss={"name": name}).step(batch).item()
        for name in ("l1", "l2")
    }
    default = make_trainer(build("demucs"), 0.0).step(batch).item()
    stems = to_waveforms(batch)
    with torch.no_grad():
        estimates = build("demucs")(stems.sum(1))
    assert default == losses["l1"] == pytest.approx(F.l1_loss(estimates, stems).item())
    assert losses["l2"] == pytest.approx(F.mse_loss(estimates, stems).item(), rel=1e-5)


@pytest.mark.parametrize("loss", [*({"name": name} for name in registry.LOSSES), SCALED], ids=str)
def test_the_model_is_trained_and_the_loss_is_not(loss: dict) -> None:
    trainer = make_trainer(build("demucs").train(), 0.01, loss=loss)
    batch = batch_of(2)
    before = [parameter.clone() for parameter in trainer.loss.parameters()]
    values = [trainer.step(batch).item() for _ in range(4)]
    assert values[-1] < values[0]
    assert all(map(torch.equal, before, trainer.loss.parameters()))
    assert all(parameter.grad is None for parameter in trainer.loss.parameters())
    optimized = {id(p) for group in trainer.optimizer.param_groups for p in group["params"]}
    assert not optimized & {id(p) for p in trainer.loss.parameters()}
    assert set(trainer.model.module.state_dict()) == set(build("demucs").state_dict())


def test_validation_does_not_depend_on_the_loss(run: Callable) -> None:
    """With a learning rate close to zero, both runs validate the same weights."""
    options = replace(OPTIONS, learning_rate=1e-12)
    l1, scaled = run("l1", options), run("scaled", replace(options, loss=SCALED))
    for row, other in zip(l1.rows, scaled.rows, strict=True):
        assert float(other["valid_loss"]) == pytest.approx(float(row["valid_loss"]), rel=1e-5)
        assert float(other["train_loss"]) == pytest.approx(3 * float(row["train_loss"]), rel=1e-5)


def test_training_resumes_with_the_same_loss(run: Callable, run_until: Callable) -> None:
    options = replace(OPTIONS, loss={"name": "deep_features"})
    uninterrupted = run("uninterrupted", options)
    run_until(10, options=options)
    resumed = run("run", options)
    assert same_weights(uninterrupted.weights, resumed.weights)
    assert not same_weights(resumed.weights, run("l1").weights)


def test_a_checkpoint_of_another_loss_is_refused(run: Callable, run_until: Callable) -> None:
    run_until(10)
    with pytest.raises(InputError, match=r"loss: \{'name': 'l1'\}, now \{'name': 'l2'\}"):
        run("run", replace(OPTIONS, loss={"name": "l2"}))
