"""Steps replayed as CUDA graphs: where they are used, what stays the same, what happens if not.

Without a GPU, a recorder stands in for the graph: it keeps a step, and takes it in every replay.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.training import cuda_graphs
from upsampling_artifacts.training.cuda_graphs import (
    WARM_UP_STEPS,
    ReplayedStep,
    find_obstacle,
    step_function,
)
from upsampling_artifacts.training.options import TrainingOptions
from upsampling_artifacts.training.step import Trainer

from ..models.test_registry import system_of
from .conftest import OPTIONS
from .test_step import batch_of

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


class Outsider(nn.Conv1d):
    """A layer that is not of this library."""


def trainer_of(
    model: nn.Module | None = None, options: TrainingOptions = OPTIONS, device: str = "cpu"
) -> Trainer:
    model = model or build_model(**system_of("demucs"), n_sources=2, audio_channels=2, seed=0)
    fabric = Fabric(accelerator=device, devices=1, precision=options.precision)
    return Trainer(fabric, model.train(), options)


def outsider() -> nn.Module:
    model = build_model(**system_of("demucs"), n_sources=2, audio_channels=2, seed=0)
    model.encoder[0][0].__class__ = Outsider
    return model


def on_gpu(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> Trainer:
    """Let the trainer believe that it is on a GPU."""
    monkeypatch.setattr(Fabric, "device", property(lambda _: torch.device("cuda")))
    return trainer


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"precision": "bf16-mixed"}, None),
        ({"devices": 2}, "several devices"),
        ({"gradient_accumulation": 2}, "memory is short"),
        ({"activation_checkpointing": True}, "random states"),
        ({"precision": "16-mixed"}, "loss scale"),
    ],
)
def test_steps_are_replayed_only_where_that_is_safe(
    monkeypatch: pytest.MonkeyPatch, changes: dict, reason: str | None
) -> None:
    trainer = on_gpu(trainer_of(), monkeypatch)
    for wanted in ("auto", True):
        found = find_obstacle(trainer, replace(OPTIONS, cuda_graphs=wanted, **changes))
        assert found is None if reason is None else reason in found


@pytest.mark.parametrize(
    "layer",
    [
        nn.Dropout(0.1), nn.Dropout1d(0.1), nn.LSTM(2, 2, 2, dropout=0.4), nn.RReLU(),
        nn.MultiheadAttention(2, 1, dropout=0.1),
    ],
)  # fmt: skip
def test_steps_that_draw_random_numbers_are_not_replayed(
    monkeypatch: pytest.MonkeyPatch, layer: nn.Module
) -> None:
    random, harmless = (
        trainer_of(nn.Sequential(nn.Linear(1, 1), *layers))
        for layers in ([layer], [nn.Dropout(0.0), nn.LSTM(2, 2, 2)])
    )
    on_gpu(random, monkeypatch)
    assert "dropout" in find_obstacle(random, OPTIONS)
    assert find_obstacle(harmless, OPTIONS) is None


def test_user_supplied_code_is_replayed_only_on_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trainer = on_gpu(trainer_of(outsider()), monkeypatch)
    assert find_obstacle(trainer, OPTIONS).startswith("code of tests may decide")
    assert find_obstacle(trainer, replace(OPTIONS, cuda_graphs=True)) is None


@pytest.mark.parametrize(
    ("wanted", "message"),
    [("auto", ""), (False, ""), (True, "training without CUDA graphs: they need a GPU")],
)
def test_on_a_cpu_steps_are_taken_as_usual(
    caplog: pytest.LogCaptureFixture, wanted: bool | str, message: str
) -> None:
    trainer = trainer_of()
    with caplog.at_level(logging.INFO):
        assert step_function(trainer, replace(OPTIONS, cuda_graphs=wanted)) == trainer.step
    assert caplog.text.strip().endswith(message) and bool(message) == bool(caplog.records)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Replace what needs a GPU; whether Adam was capturable while a step was recorded."""
    recorded: list[bool] = []

    class Graph:
        replay: Callable[[], None]

    @contextmanager
    def graph_of(graph: Graph, **_: object):
        """Record the next step without taking it."""
        step = Trainer.step

        def record(trainer: Trainer, batch: tuple) -> Tensor:
            recorded.append(all(group["capturable"] for group in trainer.optimizer.param_groups))
            assert all(parameter.grad is None for parameter in trainer.model.parameters())
            loss = torch.zeros(())
            graph.replay = lambda: loss.copy_(step(trainer, batch))
            return loss

        monkeypatch.setattr(Trainer, "step", record)
        try:
            yield
        finally:
            monkeypatch.setattr(Trainer, "step", step)

    monkeypatch.setattr(torch.cuda, "Stream", lambda: None)
    monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", graph_of)
    monkeypatch.setattr(cuda_graphs, "_aside", lambda _: nullcontext())
    monkeypatch.setattr(cuda_graphs, "_lacks_memory", lambda: False)
    return recorded


def run(trainer: Trainer, take_step: Callable, steps: int = WARM_UP_STEPS + 4) -> list[float]:
    """The losses of steps with different batches; a loss is read one step later."""
    losses = [take_step(batch_of(2, seed)) for seed in range(steps)]
    return [loss.item() for loss in losses]


def state_of(trainer: Trainer) -> list:
    """Weights and the state of the optimizer, as a checkpoint holds them."""
    return copy.deepcopy([trainer.model.state_dict(), trainer.optimizer.state_dict()])


def assert_same_state(one: list, other: list) -> None:
    torch.testing.assert_close(one[0], other[0], rtol=0, atol=0)
    torch.testing.assert_close(one[1]["state"], other[1]["state"], rtol=0, atol=0)
    assert one[1]["param_groups"] == other[1]["param_groups"]


def test_replayed_steps_learn_the_same_from_every_batch(
    recorder: list[bool], caplog: pytest.LogCaptureFixture
) -> None:
    usual, replayed = trainer_of(), trainer_of()
    with caplog.at_level(logging.INFO):
        losses = run(replayed, ReplayedStep(replayed))
    assert losses == run(usual, usual.step)
    assert_same_state(state_of(replayed), state_of(usual))
    assert recorder == [True]  # once, and not for longer: groups are equal above
    assert len(caplog.records) == 1 and "replayed" in caplog.text


def test_recording_takes_no_step(recorder: list[bool]) -> None:
    trainer = trainer_of()
    run(trainer, trainer.step, 2)
    before = state_of(trainer)
    cuda_graphs.record(trainer, batch_of(2), None)
    assert_same_state(state_of(trainer), before)


def test_a_step_that_cannot_be_recorded_leaves_training_as_it_was(
    recorder: list[bool], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing:
        """Like torch: the end of a failed recording raises an error of its own."""

        def __enter__(self) -> None:
            pass

        def __exit__(self, *_: object) -> None:
            raise RuntimeError("operation failed due to a previous error during capture")

    monkeypatch.setattr(torch.cuda, "graph", lambda *_, **__: Failing())
    usual, trainer = trainer_of(), trainer_of()
    step = Trainer.step

    def read_the_loss(self: Trainer, batch: tuple) -> Tensor:
        if self.optimizer.param_groups[0]["capturable"]:
            raise RuntimeError("operation not permitted when stream is capturing\nMore.")
        return step(self, batch)

    monkeypatch.setattr(Trainer, "step", read_the_loss)
    losses = run(trainer, ReplayedStep(trainer))
    assert losses == run(usual, usual.step)
    assert_same_state(state_of(trainer), state_of(usual))
    (message,) = [record.getMessage() for record in caplog.records]
    assert message == (
        "training without CUDA graphs: a step cannot be recorded (operation not permitted when "
        "stream is capturing); training.cuda_graphs: false avoids this message"
    )


def test_a_graph_that_would_fill_the_memory_is_not_recorded(
    recorder: list[bool], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cuda_graphs, "_lacks_memory", lambda: True)
    trainer = trainer_of()
    with caplog.at_level(logging.INFO):
        run(trainer, ReplayedStep(trainer))
    assert not recorder and len(caplog.records) == 1 and "memory" in caplog.text


def test_a_step_must_fit_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: 30)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (40, 80))
    for peak, lacks in ((35, False), (36, True)):
        monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda peak=peak: peak)
        assert cuda_graphs._lacks_memory() == lacks


def test_training_takes_its_steps_through_the_function(
    run: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Validation does not."""
    taken = []

    def counting(trainer: Trainer, options: TrainingOptions) -> Callable:
        assert options.cuda_graphs == "auto"
        return lambda batch: taken.append(len(batch[0])) or trainer.step(batch)

    expected = run("usual").losses
    monkeypatch.setattr("upsampling_artifacts.training.loop.step_function", counting)
    assert run("counted").losses == expected and taken == [4] * 18


@needs_gpu
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("name", ["transposed", "nearest", "linear", "subpixel"])
def test_on_a_gpu_replayed_steps_learn_the_same(
    precision: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    length = {"transposed": 8, "subpixel": 3}.get(name, 9)
    system = system_of("demucs") | {"upsampler": {"name": name, "length": length}}
    options = replace(OPTIONS, precision=precision)
    trainers = [
        trainer_of(
            build_model(**system, n_sources=2, audio_channels=2, seed=0), options, device="cuda"
        )
        for _ in range(2)
    ]
    with caplog.at_level(logging.INFO):
        take_step = step_function(trainers[1], options)
        losses = [
            [step(trainer.fabric.to_device(batch_of(2, seed))).item() for seed in range(12)]
            for trainer, step in ((trainers[0], trainers[0].step), (trainers[1], take_step))
        ]
    assert "training steps are replayed as a CUDA graph" in caplog.text
    assert losses[1] == pytest.approx(losses[0], rel=1e-3 if precision == "32-true" else 2e-2)
    # Validation, and a usual step, come between replays as they like.
    trainers[1].step(trainers[1].fabric.to_device(batch_of(2, 0)))
    step_count = next(iter(trainers[1].optimizer.state.values()))["step"]
    assert step_count.item() == 13


class Waits(nn.Module):
    """Reads a value in every step, which a graph cannot repeat."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, mixture: Tensor) -> Tensor:
        return self.model(mixture) * (1.0 if mixture.abs().max().item() >= 0 else 0.0)


@needs_gpu
def test_on_a_gpu_a_step_that_waits_is_taken_as_usual(caplog: pytest.LogCaptureFixture) -> None:
    model = Waits(build_model(**system_of("demucs"), n_sources=2, audio_channels=2, seed=0))
    options = replace(OPTIONS, cuda_graphs=True)
    trainer = trainer_of(model, options, device="cuda")
    take_step = step_function(trainer, options)
    losses = [take_step(trainer.fabric.to_device(batch_of(2))).item() for _ in range(8)]
    assert "a step cannot be recorded" in caplog.text
    assert losses[-1] < losses[0]
