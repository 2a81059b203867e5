"""Training: it learns, it repeats itself bit for bit, and it can be interrupted anywhere."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from upsampling_artifacts import training
from upsampling_artifacts.data.cached_song import read_cache
from upsampling_artifacts.data.segments import TrainingBatches
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.saved import build_described, load_model, read_about
from upsampling_artifacts.training import COLUMNS, TrainingOptions, train

RATE_HZ = 1000
OPTIONS = TrainingOptions(
    epochs=3,
    batch_size=4,
    segment_seconds=0.128,
    stride_seconds=0.5,
    shift_seconds=0.1,
    remix_group=2,
    learning_rate=0.003,
    validate_every_epochs=1,
    checkpoint_minutes=1e-9,
    accelerator="cpu",
    precision="32-true",
    loader_processes=0,
)
STEPS_PER_EPOCH = 6
SYSTEM = {
    "architecture": "demucs",
    "options": {"channels": 4, "depth": 2},
    "upsampler": {"name": "nearest", "length": 5},
}


def stems(seed: int, seconds: float = 4.0) -> np.ndarray:
    """A low tone and bright noise: two sources that are easy to tell apart."""
    rng = np.random.default_rng(seed)
    n = np.arange(round(seconds * RATE_HZ))
    tone = 0.2 * np.sin(2 * np.pi * (30 + 5 * seed) * n / RATE_HZ)
    noise = 0.05 * np.diff(rng.standard_normal((2, len(n) + 1)))
    return np.stack([np.stack([tone, tone]), noise])


@pytest.fixture
def songs(cache_song: Callable[..., Path]) -> list[str]:
    return [str(cache_song(f"song {seed}", stems(seed))) for seed in range(4)]


@pytest.fixture
def run(songs: list[str], tmp_path: Path) -> Callable[..., SimpleNamespace]:
    """A function that trains on three songs, validates on the fourth, and reads what it wrote."""

    def run(folder: str = "run", options: TrainingOptions = OPTIONS, **changes: object) -> object:
        paths = paths_in(tmp_path / folder)
        arguments = {
            "system": SYSTEM,
            "options": options,
            "seed": 0,
            "train_songs": songs[:3],
            "valid_songs": songs[3:],
            "model_path": paths.model,
            "log_path": paths.log,
            "checkpoint_path": paths.checkpoint,
        }
        train(**arguments | changes)
        return results_in(tmp_path / folder)

    return run


def paths_in(folder: Path) -> SimpleNamespace:
    return SimpleNamespace(
        model=folder / "model.safetensors",
        log=folder / "training.csv",
        checkpoint=folder / "checkpoint.pt",
    )


def results_in(folder: Path) -> SimpleNamespace:
    paths = paths_in(folder)
    with paths.log.open() as file:
        rows = list(csv.DictReader(file))
    losses = [(row["step"], row["train_loss"], row["valid_loss"]) for row in rows]
    return SimpleNamespace(paths=paths, rows=rows, losses=losses, weights=load_file(paths.model))


def same_weights(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


class Interrupted(Exception):
    pass


@pytest.fixture
def run_until(run: Callable, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that trains like ``run``, and fails in the given step."""
    step = training.Progress.step

    def until(last: int, folder: str = "run") -> None:
        def fail(progress: training.Progress, note: str = "") -> None:
            step(progress, note)
            if progress.done == last:
                raise Interrupted

        with monkeypatch.context() as patch, pytest.raises(Interrupted):
            patch.setattr(training.Progress, "step", fail)
            run(folder)

    return until


def test_the_loss_falls_and_the_log_says_so(run: Callable) -> None:
    result = run(options=replace(OPTIONS, epochs=8))
    assert list(result.rows[0]) == COLUMNS
    assert [int(row["step"]) for row in result.rows] == [6, 12, 18, 24, 30, 36, 42, 48]
    for column in ("train_loss", "valid_loss"):
        losses = [float(row[column]) for row in result.rows]
        assert losses[-1] < 0.8 * losses[0]
    seconds = [float(row["seconds"]) for row in result.rows]
    assert seconds == sorted(seconds)
    assert all(float(row["steps_per_second"]) > 0 for row in result.rows)


def test_the_loss_is_the_mean_absolute_difference_of_the_normalised_stems() -> None:
    samples = torch.tensor([[[[100, -100]], [[50, 50]]]], dtype=torch.int16)
    factors = torch.tensor([[[[0.01]], [[-0.02]]]])  # stems 1, -1 and -1, -1; mixture 0, -2
    loss = training.loss_function(lambda mixture: torch.stack([mixture, 0 * mixture], 1), (
        samples, factors))  # fmt: skip
    assert loss.item() == pytest.approx((1 + 1 + 1 + 1) / 4)


def test_the_model_file_says_what_it_holds(run: Callable) -> None:
    result = run()
    assert read_about(result.paths.model) == {
        **SYSTEM,
        "sources": ["drums", "bass"],
        "audio_channels": 2,
        "rate_hz": RATE_HZ,
        "segment_seconds": 0.128,
        "seed": 0,
    }
    model, _ = load_model(result.paths.model)
    assert model(torch.zeros(1, 2, 128)).shape == (1, 2, 2, 128)


def test_two_trainings_give_the_same_bytes_and_another_seed_does_not(run: Callable) -> None:
    first, again, other = run("first"), run("again"), run("other", seed=1)
    assert first.paths.model.read_bytes() == again.paths.model.read_bytes()
    assert first.losses == again.losses
    assert first.losses != other.losses
    assert not same_weights(first.weights, other.weights)


def test_the_seed_names_the_initial_weights_and_the_batches(
    run: Callable, songs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Begun(Exception):
        pass

    def first_loss(model: torch.nn.Module, batch: object) -> torch.Tensor:
        raise Begun({key: value.clone() for key, value in model.module.state_dict().items()}, batch)

    monkeypatch.setattr(training, "loss_function", first_loss)
    with pytest.raises(Begun) as begun:
        run(seed=5)
    weights, batch = begun.value.args
    about = {**SYSTEM, "sources": ["drums", "bass"], "audio_channels": 2, "seed": 5}
    assert same_weights(weights, build_described(about).state_dict())
    cached = [read_cache(path) for path in songs[:3]]
    expected = TrainingBatches(cached, 0.128, 0.5, 0.1, batch_size=4, remix_group=2, seed=5)[0]
    assert all(torch.equal(a, b) for a, b in zip(batch, expected, strict=True))


def test_loading_processes_do_not_change_the_result(run: Callable) -> None:
    alone, helped = run("alone"), run("helped", replace(OPTIONS, loader_processes=1))
    assert same_weights(alone.weights, helped.weights)


@pytest.mark.parametrize("step", [1, 5, 6, 7, 12, 17, 18])
def test_an_interrupted_training_goes_on_as_if_nothing_had_been(
    run: Callable, run_until: Callable, step: int
) -> None:
    whole = run("whole")
    run_until(step, "interrupted")
    resumed = run("interrupted")
    assert same_weights(whole.weights, resumed.weights)
    assert whole.losses == resumed.losses


def test_a_training_can_be_interrupted_again_and_again(run: Callable, run_until: Callable) -> None:
    whole = run("whole")
    for step in (3, 6, 11, 14):
        run_until(step, "interrupted")
    resumed = run("interrupted")
    assert same_weights(whole.weights, resumed.weights)
    assert whole.losses == resumed.losses


def test_it_goes_on_where_it_was_and_does_not_begin_anew(
    run: Callable, run_until: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_until(10)
    steps, loss_function = [], training.loss_function

    def counted(model: torch.nn.Module, batch: object) -> torch.Tensor:
        if torch.is_grad_enabled():
            steps.append(model.training)
        return loss_function(model, batch)

    monkeypatch.setattr(training, "loss_function", counted)
    run()
    # The checkpoint was written after step 9: steps 10 to 18 are left.
    assert len(steps) == 9


def test_a_finished_training_removes_its_checkpoint(run: Callable, run_until: Callable) -> None:
    run_until(10)
    checkpoint = run().paths.checkpoint
    assert not checkpoint.exists()
    assert sorted(path.name for path in checkpoint.parent.iterdir()) == [
        "model.safetensors", "training.csv",
    ]  # fmt: skip


def test_checkpoints_come_as_often_as_asked_for(
    run: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = []
    monkeypatch.setattr(training, "_save_checkpoint", lambda *_: saved.append(1))
    run(options=replace(OPTIONS, checkpoint_minutes=60))
    assert not saved
    run(options=OPTIONS)
    assert len(saved) == 3 * STEPS_PER_EPOCH


class Clock:
    """Time goes on by a second with every step of training, and by a hundred in validation."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.now, self.loss_function = 0.0, training.loss_function
        monkeypatch.setattr(training, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(training, "loss_function", self.tick)

    def tick(self, model: torch.nn.Module, batch: object) -> torch.Tensor:
        self.now += 1 if torch.is_grad_enabled() else 100
        return self.loss_function(model, batch)


def test_speed_counts_the_steps_alone_before_and_after_an_interruption(
    run: Callable, run_until: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch)
    run_until(10)
    assert [float(row["steps_per_second"]) for row in run().rows] == [1, 1, 1]


def test_modules_train_while_training_and_not_while_validating(
    run: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes, loss_function = [], training.loss_function

    def watched(model: torch.nn.Module, batch: object) -> torch.Tensor:
        modes.append((model.training, torch.is_grad_enabled()))
        return loss_function(model, batch)

    monkeypatch.setattr(training, "loss_function", watched)
    run()
    n_valid = 31 // 4 + 1  # segments of the validation song, in batches of four
    epoch = [(True, True)] * STEPS_PER_EPOCH + [(False, False)] * n_valid
    assert modes == epoch * 3


def test_the_model_with_the_lowest_validation_loss_is_kept(
    run: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def validated(losses: list[float]) -> None:
        left = iter(losses)
        monkeypatch.setattr(training, "_validate", lambda *_: next(left))

    validated([3.0, 1.0])
    after_two = run("two", replace(OPTIONS, epochs=2))
    validated([3.0, 1.0, 2.0])
    best_of_three = run("three")
    validated([3.0, 2.0, 1.0])
    after_three = run("falling")
    assert same_weights(after_two.weights, best_of_three.weights)
    assert not same_weights(after_three.weights, best_of_three.weights)
    assert [row["valid_loss"] for row in best_of_three.rows] == ["3.0", "1.0", "2.0"]


def test_validation_can_be_rarer_than_epochs_but_never_misses_the_last(run: Callable) -> None:
    rows = run(options=replace(OPTIONS, epochs=5, validate_every_epochs=2)).rows
    assert [bool(row["valid_loss"]) for row in rows] == [False, True, False, True, True]


def test_the_validation_loss_is_the_mean_over_all_segments(
    run: Callable, songs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """31 segments in batches of four: the last batch holds three and must not count as four."""
    monkeypatch.setattr(torch.optim.Adam, "step", lambda *_, **__: None)
    in_fours = run("fours", replace(OPTIONS, epochs=1))
    at_once = run("at once", replace(OPTIONS, epochs=1, batch_size=24))
    one_by_one = run("ones", replace(OPTIONS, epochs=1, batch_size=1, remix_group=1))
    losses = [float(result.losses[0][2]) for result in (in_fours, at_once, one_by_one)]
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("learning_rate", {"options": replace(OPTIONS, learning_rate=0.1)}),
        ("batch_size", {"options": replace(OPTIONS, batch_size=8)}),
        ("code", {"code": "another"}),
        ("seed", {"seed": 1}),
        ("upsampler", {"system": SYSTEM | {"upsampler": {"name": "linear", "length": 5}}}),
    ],
)
def test_a_checkpoint_of_another_configuration_is_refused_by_name(
    run: Callable, run_until: Callable, name: str, changes: dict
) -> None:
    run_until(8)
    with pytest.raises(InputError, match=rf"\({name}: .*, now .*\); delete it .*$") as error:
        run(**changes)
    assert "checkpoint.pt: a checkpoint from another configuration" in str(error.value)
    assert "\n" not in str(error.value)
    run()  # the refused one is still there, and fits


def test_a_checkpoint_of_other_audio_under_the_same_names_is_refused(
    run: Callable, run_until: Callable, cache_song: Callable
) -> None:
    run_until(8)
    cache_song("song 3", stems(9))
    with pytest.raises(InputError, match=r"another configuration \(audio: "):
        run()


def a_foreign_file(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"garbage", b"PK\x03\x04 half a zip", b"\x80\x02.", bytes(range(256)),
        [1, 2], {"model": {}}, {"configuration": 3},
    ],
    ids=range(8),
)  # fmt: skip
def test_a_file_that_is_no_checkpoint_is_an_input_error(
    run: Callable, tmp_path: Path, content: object
) -> None:
    a_foreign_file(paths_in(tmp_path / "run").checkpoint, content)
    with pytest.raises(InputError, match=r"checkpoint.pt: not a checkpoint .*delete it") as error:
        run()
    assert "\n" not in str(error.value)


def test_a_cut_off_checkpoint_is_an_input_error(
    run: Callable, run_until: Callable, tmp_path: Path
) -> None:
    run_until(8)
    checkpoint = paths_in(tmp_path / "run").checkpoint
    checkpoint.write_bytes(checkpoint.read_bytes()[:-500])
    with pytest.raises(InputError, match="not a checkpoint"):
        run()


def test_a_checkpoint_of_a_gpu_can_be_gone_on_with_on_a_cpu(
    run: Callable, run_until: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run("whole")
    with monkeypatch.context() as patch:
        patch.setattr(torch.serialization, "location_tag", lambda _: "cuda:0")
        run_until(8, "interrupted")
    assert same_weights(run("interrupted").weights, whole.weights)


def test_too_short_songs_are_an_input_error(run: Callable, cache_song: Callable) -> None:
    short = str(cache_song("short", stems(0, seconds=0.2)))
    with pytest.raises(InputError, match=r"^short: 0.20 s is shorter"):
        run(train_songs=[short])


def test_a_loss_that_is_no_number_ends_the_training(run: Callable, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the loss is (nan|inf) at step .*learning_rate"):
        run("lost", replace(OPTIONS, learning_rate=1e30))
    assert not list((tmp_path / "lost").glob("*.safetensors"))


def test_a_checkpoint_fits_more_epochs_and_other_intervals(
    run: Callable, run_until: Callable
) -> None:
    longer = replace(OPTIONS, epochs=OPTIONS.epochs + 1, checkpoint_minutes=60.0)
    at_once = run("at once", longer)
    run_until(8)
    assert same_weights(run("run", longer).weights, at_once.weights)
