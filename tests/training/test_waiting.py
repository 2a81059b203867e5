"""The share of time that training waits for data."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from upsampling_artifacts.data.segments import TrainingBatches
from upsampling_artifacts.training import loading, loop, step

from .conftest import OPTIONS


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock: a step takes one second, reading a batch takes ``reading`` seconds."""
    clock = SimpleNamespace(now=0.0, reading=3.0)
    read, loss_function = TrainingBatches.__getitem__, step.loss_function

    def read_slowly(batches: TrainingBatches, step: int) -> object:
        clock.now += clock.reading
        return read(batches, step)

    def loss_after_a_second(
        model: torch.nn.Module, batch: object, *criterion: object
    ) -> torch.Tensor:
        clock.now += torch.is_grad_enabled()
        return loss_function(model, batch, *criterion)

    monkeypatch.setattr(TrainingBatches, "__getitem__", read_slowly)
    monkeypatch.setattr(step, "loss_function", loss_after_a_second)
    for module in (loop, loading):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def shares(result: SimpleNamespace) -> list[float]:
    return [float(row["waiting_percent"]) for row in result.rows]


def test_all_waiting_counts_except_that_for_the_first_batch(
    run: Callable, clock: SimpleNamespace
) -> None:
    # Six steps of one second, six batches of three seconds.
    assert shares(run()) == [62.5, 75, 75]
    clock.reading = 0.0
    assert shares(run("fast")) == [0, 0, 0]


def test_resumed_training_measures_from_its_first_step(
    run: Callable, run_until: Callable, clock: SimpleNamespace
) -> None:
    run_until(10)
    # Resumed after step 9, with a first batch of its own: steps 10 to 12 of the second epoch.
    assert shares(run()) == [62.5, 50, 75]


def test_the_progress_line_shows_the_share_of_waiting(
    run: Callable, clock: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "upsampling_artifacts")
    run()
    assert ", 75.0 % waiting for data, " in caplog.messages[-1]


def test_waiting_for_workers_counts_too(run: Callable) -> None:
    percents = shares(run(options=replace(OPTIONS, num_workers=1)))
    assert all(0 <= percent < 100 for percent in percents)


def test_timing_passes_on_every_batch() -> None:
    def numbers() -> Iterator[int]:
        yield from range(3)

    assert list(loading.TimedBatches(numbers())) == [0, 1, 2]
    assert list(loading.TimedBatches([])) == []
