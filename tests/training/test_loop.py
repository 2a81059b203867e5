"""Training: the loss falls, and repeating it gives the same bytes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from upsampling_artifacts.data.cached_song import read_cache
from upsampling_artifacts.data.segments import TrainingBatches
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.saved import build_described, load_model, read_about
from upsampling_artifacts.training import loop, step
from upsampling_artifacts.training.loop import COLUMNS
from upsampling_artifacts.training.step import Trainer

from .conftest import OPTIONS, RATE_HZ, STEPS_PER_EPOCH, SYSTEM, same_weights, stems


def test_the_loss_falls_and_each_epoch_is_logged(run: Callable) -> None:
    result = run(options=replace(OPTIONS, epochs=8))
    assert list(result.rows[0]) == COLUMNS
    assert [int(row["step"]) for row in result.rows] == [6, 12, 18, 24, 30, 36, 42, 48]
    for column in ("train_loss", "valid_loss"):
        losses = [float(row[column]) for row in result.rows]
        assert losses[-1] < 0.8 * losses[0]
    seconds = [float(row["seconds"]) for row in result.rows]
    assert seconds == sorted(seconds)
    assert all(float(row["steps_per_second"]) > 0 for row in result.rows)


def test_the_loss_is_the_mean_absolute_difference_of_the_normalized_stems() -> None:
    samples = torch.tensor([[[[100, -100]], [[50, 50]]]], dtype=torch.int16)
    factors = torch.tensor([[[[0.01]], [[-0.02]]]])  # stems 1, -1 and -1, -1; mixture 0, -2
    loss = step.loss_function(lambda mixture: torch.stack([mixture, 0 * mixture], 1), (
        samples, factors))  # fmt: skip
    assert loss.item() == pytest.approx((1 + 1 + 1 + 1) / 4)


def test_the_header_of_the_model_file_describes_the_model(run: Callable) -> None:
    result = run()
    assert read_about(result.model) == {
        **SYSTEM,
        "sources": ["drums", "bass"],
        "audio_channels": 2,
        "rate_hz": RATE_HZ,
        "segment_seconds": 0.128,
        "seed": 0,
        "precision": "32-true",
        "batch_size": 4,
        "step": 18,
    }
    model, _ = load_model(result.model)
    assert model(torch.zeros(1, 2, 128)).shape == (1, 2, 2, 128)


def test_two_runs_give_the_same_bytes_and_another_seed_gives_others(run: Callable) -> None:
    first, again, other = run("first"), run("again"), run("other", seed=1)
    assert first.model.read_bytes() == again.model.read_bytes()
    assert first.losses == again.losses
    assert first.losses != other.losses
    assert not same_weights(first.weights, other.weights)


def test_the_seed_decides_the_initial_weights_and_the_batches(
    run: Callable, songs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Started(Exception):
        pass

    def first_loss(model: torch.nn.Module, batch: object, *criterion: object) -> torch.Tensor:
        raise Started(
            {key: value.clone() for key, value in model.module.state_dict().items()}, batch
        )

    monkeypatch.setattr(step, "loss_function", first_loss)
    with pytest.raises(Started) as started:
        run(seed=5, options=replace(OPTIONS, gain_db=6.0))
    weights, batch = started.value.args
    description = {**SYSTEM, "sources": ["drums", "bass"], "audio_channels": 2, "seed": 5}
    assert same_weights(weights, build_described(description).state_dict())
    cached = [read_cache(path) for path in songs[:3]]
    expected = TrainingBatches(
        cached, 0.128, 0.5, 0.1, batch_size=4, remix_group=2, seed=5, gain_db=6.0
    )[0]
    assert all(torch.equal(a, b) for a, b in zip(batch, expected, strict=True))


def test_workers_do_not_change_the_result(run: Callable) -> None:
    without, with_one = run("without"), run("with one", replace(OPTIONS, num_workers=1))
    assert same_weights(without.weights, with_one.weights)


class Clock:
    """Advances by a second with each training step, and by a hundred with each validation batch."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.now, self.loss_function = 0.0, step.loss_function
        monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(step, "loss_function", self.tick)

    def tick(self, model: torch.nn.Module, batch: object, *criterion: object) -> torch.Tensor:
        self.now += 1 if torch.is_grad_enabled() else 100
        return self.loss_function(model, batch, *criterion)


def test_the_speed_excludes_validation_also_after_resuming(
    run: Callable, run_until: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch)
    run_until(10)
    assert [float(row["steps_per_second"]) for row in run().rows] == [1, 1, 1]


def test_modules_are_in_evaluation_mode_during_validation_only(
    run: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes, loss_function = [], step.loss_function

    def record_mode(model: torch.nn.Module, batch: object, *criterion: object) -> torch.Tensor:
        modes.append((model.training, torch.is_grad_enabled()))
        return loss_function(model, batch, *criterion)

    monkeypatch.setattr(step, "loss_function", record_mode)
    run()
    n_valid = 31 // 4 + 1  # segments of the validation song, in batches of four
    epoch = [(True, True)] * STEPS_PER_EPOCH + [(False, False)] * n_valid
    assert modes == epoch * 3


def test_the_model_with_the_lowest_validation_loss_is_kept(
    run: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def set_losses(losses: list[float]) -> None:
        left = iter(losses)
        monkeypatch.setattr(Trainer, "validate", lambda *_: next(left))

    set_losses([3.0, 1.0])
    after_two = run("two", replace(OPTIONS, epochs=2))
    set_losses([3.0, 1.0, 2.0])
    best_of_three = run("three")
    set_losses([3.0, 2.0, 1.0])
    after_three = run("falling")
    assert same_weights(after_two.weights, best_of_three.weights)
    assert not same_weights(after_three.weights, best_of_three.weights)
    assert [row["valid_loss"] for row in best_of_three.rows] == ["3.0", "1.0", "2.0"]


def test_validation_may_skip_epochs_but_not_the_last(run: Callable) -> None:
    rows = run(options=replace(OPTIONS, epochs=5, validate_every_epochs=2)).rows
    assert [bool(row["valid_loss"]) for row in rows] == [False, True, False, True, True]


def test_the_validation_loss_is_the_mean_over_all_segments(
    run: Callable, songs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """31 segments in batches of four: the last batch holds three and must count as three."""
    monkeypatch.setattr(torch.optim.Adam, "step", lambda *_, **__: None)
    in_fours = run("fours", replace(OPTIONS, epochs=1))
    at_once = run("at once", replace(OPTIONS, epochs=1, batch_size=24))
    one_by_one = run("ones", replace(OPTIONS, epochs=1, batch_size=1, remix_group=1))
    losses = [float(result.losses[0][2]) for result in (in_fours, at_once, one_by_one)]
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-5)


def test_a_song_shorter_than_a_segment_is_an_input_error(
    run: Callable, cache_song: Callable
) -> None:
    short = str(cache_song("short", stems(0, seconds=0.2)))
    with pytest.raises(InputError, match=r"^short: 0.20 s is shorter"):
        run(train_songs=[short])


def test_a_diverging_loss_is_an_input_error_and_writes_no_model(
    run: Callable, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"the loss is (nan|inf) at step .*learning_rate"):
        run("lost", replace(OPTIONS, learning_rate=1e30))
    assert not list((tmp_path / "lost").glob("*.safetensors"))


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_validation_loss_that_is_not_finite_ends_training_without_a_model(
    run: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str
) -> None:
    monkeypatch.setattr(step.Trainer, "validate", lambda *_: float(value))
    message = f"the validation loss is {value} at step 6; lower training.learning_rate"
    with pytest.raises(InputError, match=message):
        run("lost")
    assert not list((tmp_path / "lost").glob("*.safetensors"))


@pytest.fixture
def a_second_per_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock of the training loop that advances by a second with each step."""
    seconds, loss_function = 0, step.loss_function

    def loss_after_a_second(
        model: torch.nn.Module, batch: object, *criterion: object
    ) -> torch.Tensor:
        nonlocal seconds
        seconds += torch.is_grad_enabled()
        return loss_function(model, batch, *criterion)

    monkeypatch.setattr(step, "loss_function", loss_after_a_second)
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: seconds))


@pytest.mark.parametrize(
    ("seconds", "epochs"), [(1, 1), (6, 1), (6.5, 2), (11, 2), (12.5, 3), (1e6, 3)]
)
def test_training_ends_with_the_first_epoch_after_its_time_limit(
    run: Callable, a_second_per_step: None, seconds: float, epochs: int
) -> None:
    timed = run("by time", replace(OPTIONS, minutes=seconds / 60))
    counted = run("by epochs", replace(OPTIONS, epochs=epochs))
    assert len(timed.rows) == epochs
    assert same_weights(timed.weights, counted.weights)
    assert timed.losses == counted.losses
    assert not timed.checkpoint.exists()


@pytest.mark.parametrize("step", [1, 5, 7, 11, 12])
def test_the_training_time_continues_after_resuming(
    run: Callable, run_until: Callable, a_second_per_step: None, step: int
) -> None:
    options = replace(OPTIONS, minutes=11 / 60)
    run_until(step, options=options)
    resumed = run(options=options)
    # If it restarted at zero, the time would suffice for a third epoch.
    assert [row["step"] for row in resumed.rows] == ["6", "12"]
    assert same_weights(resumed.weights, run("at once", options).weights)


def test_the_last_epoch_within_the_time_limit_is_validated(
    run: Callable, a_second_per_step: None
) -> None:
    result = run(options=replace(OPTIONS, minutes=11 / 60, validate_every_epochs=3))
    assert [row["valid_loss"] != "" for row in result.rows] == [False, True]


def test_a_checkpoint_resumes_under_another_time_limit(
    run: Callable, run_until: Callable, a_second_per_step: None
) -> None:
    """Even a checkpoint from the very end, if the limit is raised."""
    short, longer = (replace(OPTIONS, minutes=seconds / 60) for seconds in (6, 12))
    with pytest.MonkeyPatch.context() as patch, pytest.raises(OSError, match="disk full"):
        patch.setattr(loop, "save_model", _disk_full)
        run(options=short)
    assert len(run(options=longer).rows) == 2


def test_training_that_had_ended_takes_no_further_step(
    run: Callable, a_second_per_step: None
) -> None:
    options = replace(OPTIONS, minutes=6 / 60)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(OSError, match="disk full"):
        patch.setattr(loop, "save_model", _disk_full)
        run(options=options)
    assert same_weights(run(options=options).weights, run("at once", options).weights)


def _disk_full(*_: object) -> None:
    raise OSError("disk full")


def test_the_log_reports_that_the_time_limit_ended_the_training(
    run: Callable, a_second_per_step: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "upsampling_artifacts")
    run(options=replace(OPTIONS, minutes=0.1))
    assert caplog.messages[-1] == (
        "training: ended at step 6 of at most 18, "
        "after the first epoch to end past 0.1 minutes (training.minutes)"
    )
