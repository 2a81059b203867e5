"""Interrupted training resumes exactly; the checkpoint of another run is refused."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch
from upsampling_artifacts.errors import InputError, Interrupted
from upsampling_artifacts.interruption import SIGNALS
from upsampling_artifacts.training import step as training_step
from upsampling_artifacts.training.checkpoint import Checkpoint

from .conftest import OPTIONS, STEPS_PER_EPOCH, SYSTEM, files_in, same_weights, stems

RARE_CHECKPOINTS = replace(OPTIONS, checkpoint_minutes=60)


@pytest.mark.parametrize("step", [1, 5, 6, 7, 12, 17, 18])
def test_interrupted_training_resumes_exactly(
    run: Callable, run_until: Callable, step: int
) -> None:
    uninterrupted = run("uninterrupted")
    run_until(step, "interrupted")
    resumed = run("interrupted")
    assert same_weights(uninterrupted.weights, resumed.weights)
    assert uninterrupted.losses == resumed.losses


def test_training_with_silent_segments_resumes_exactly(run: Callable, run_until: Callable) -> None:
    options = replace(OPTIONS, silent_share=0.3)
    uninterrupted = run("uninterrupted", options)
    run_until(7, "interrupted", options=options)
    resumed = run("interrupted", options)
    assert same_weights(uninterrupted.weights, resumed.weights)
    assert uninterrupted.losses == resumed.losses != run("without").losses


def test_training_can_be_interrupted_repeatedly(run: Callable, run_until: Callable) -> None:
    uninterrupted = run("uninterrupted")
    for step in (3, 6, 11, 14):
        run_until(step, "interrupted")
    resumed = run("interrupted")
    assert same_weights(uninterrupted.weights, resumed.weights)
    assert uninterrupted.losses == resumed.losses


def test_resuming_repeats_no_step_before_the_checkpoint(
    run: Callable, run_until: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_until(10)
    steps, loss_function = [], training_step.loss_function

    def loss_and_count(model: torch.nn.Module, batch: object, *criterion: object) -> torch.Tensor:
        if torch.is_grad_enabled():
            steps.append(model.training)
        return loss_function(model, batch, *criterion)

    monkeypatch.setattr(training_step, "loss_function", loss_and_count)
    run()
    # The checkpoint was written after step 9: steps 10 to 18 are left.
    assert len(steps) == 9


def test_finished_training_removes_its_checkpoint(run: Callable, run_until: Callable) -> None:
    run_until(10)
    checkpoint = run().checkpoint
    assert not checkpoint.exists()
    assert sorted(path.name for path in checkpoint.parent.iterdir()) == [
        "model.safetensors", "snapshots", "training.csv",
    ]  # fmt: skip


def saved_step(folder: Path) -> int:
    return torch.load(files_in(folder).checkpoint, weights_only=True)["state"]["step"]


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("step", [1, 6, 11, 17])
def test_a_signal_saves_a_checkpoint_after_the_current_step(
    run: Callable, run_with: Callable, tmp_path: Path, number: int, step: int
) -> None:
    uninterrupted = run("uninterrupted")
    before = [signal.getsignal(each) for each in SIGNALS]
    with pytest.raises(Interrupted) as stopped:
        run_with(lambda: os.kill(os.getpid(), number), step, options=RARE_CHECKPOINTS)
    assert str(stopped.value) == (
        f"training: stopped by {number.name} at step {step} of 18; "
        "its checkpoint is saved, and the next start resumes from it"
    )
    assert saved_step(tmp_path / "run") == step
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["checkpoint.pt"]
    assert [signal.getsignal(each) for each in SIGNALS] == before
    resumed = run("run", RARE_CHECKPOINTS)
    assert same_weights(uninterrupted.weights, resumed.weights)
    assert uninterrupted.losses == resumed.losses


def test_a_signal_in_the_last_step_does_not_stop_training(run_with: Callable) -> None:
    result = run_with(lambda: os.kill(os.getpid(), signal.SIGTERM), 18, options=RARE_CHECKPOINTS)
    assert result.rows and not result.checkpoint.exists()


def test_a_second_ctrl_c_ends_training_at_once(run_with: Callable, tmp_path: Path) -> None:
    def twice() -> None:
        first_handler = signal.getsignal(signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        while signal.getsignal(signal.SIGINT) == first_handler:  # two signals at once count as one
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)  # another thread may receive it and pass it on to this one

    with pytest.raises(KeyboardInterrupt):
        run_with(twice, 3, options=RARE_CHECKPOINTS)
    assert not Path(files_in(tmp_path / "run").checkpoint).exists()


def test_workers_survive_a_signal_to_all_processes(
    run: Callable, run_with: Callable, tmp_path: Path
) -> None:
    others = psutil.Process().children()  # left by earlier tests

    def signal_all() -> None:
        workers = [child for child in psutil.Process().children() if child not in others]
        assert len(workers) == 2
        pids = [str(process.pid) for process in (*workers, psutil.Process())]
        # Sent by another process: workers exit on a signal from their parent.
        subprocess.run(["kill", "-TERM", *pids], check=True)
        exited, _ = psutil.wait_procs(workers, timeout=0.5)
        assert not exited

    options = replace(RARE_CHECKPOINTS, num_workers=2)
    with pytest.raises(Interrupted):
        run_with(signal_all, 4, options=options)
    assert saved_step(tmp_path / "run") == 4
    assert same_weights(run("run", options).weights, run("uninterrupted").weights)


def test_a_job_takes_one_step_however_short_its_time_limit(run: Callable, tmp_path: Path) -> None:
    uninterrupted = run("uninterrupted")
    for step in range(1, 18):
        with pytest.raises(Interrupted, match=f"stopped by its time limit at step {step} of 18"):
            run(options=RARE_CHECKPOINTS, runtime_minutes=0)
        assert saved_step(tmp_path / "run") == step
    resumed = run(options=RARE_CHECKPOINTS, runtime_minutes=0)
    assert same_weights(uninterrupted.weights, resumed.weights)
    assert uninterrupted.losses == resumed.losses


def test_a_job_with_enough_time_trains_to_the_end(run: Callable) -> None:
    assert len(run(options=RARE_CHECKPOINTS, runtime_minutes=1e4).rows) == 3


@pytest.mark.parametrize("num_workers", [0, 1])
def test_random_numbers_of_layers_resume_exactly(
    run: Callable, run_until: Callable, monkeypatch: pytest.MonkeyPatch, num_workers: int
) -> None:
    loss_function = training_step.loss_function

    def noisy_loss(model: torch.nn.Module, batch: object, *criterion: object) -> torch.Tensor:
        noise = torch.rand(()) if torch.is_grad_enabled() else 0
        return loss_function(model, batch, *criterion) * (1 + noise)

    monkeypatch.setattr(training_step, "loss_function", noisy_loss)
    options = replace(OPTIONS, num_workers=num_workers)
    uninterrupted = run("uninterrupted", options)
    run_until(10, options=options)
    resumed = run("run", options)
    assert uninterrupted.losses == resumed.losses
    assert same_weights(uninterrupted.weights, resumed.weights)


def test_the_loss_scaler_of_mixed_precision_is_saved_and_restored(
    run: Callable, run_until: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A loss scaler needs a GPU, so the plugin that holds it is patched."""
    from lightning_fabric.plugins.precision import Precision

    loaded = []
    monkeypatch.setattr(Precision, "state_dict", lambda _: {"scale": 128.0})
    monkeypatch.setattr(Precision, "load_state_dict", lambda _, state: loaded.append(state))
    run_until(8)
    assert not loaded
    run()
    assert loaded == [{"scale": 128.0}]


def test_checkpoints_are_saved_as_often_as_configured(
    run: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = []
    monkeypatch.setattr(Checkpoint, "save", lambda *_: saved.append(1))
    run(options=RARE_CHECKPOINTS)
    assert not saved
    run(options=OPTIONS)
    assert len(saved) == 3 * STEPS_PER_EPOCH


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
    run()  # the refused checkpoint still exists, and fits


def test_a_checkpoint_of_other_audio_with_the_same_song_names_is_refused(
    run: Callable, run_until: Callable, cache_song: Callable
) -> None:
    run_until(8)
    cache_song("song 3", stems(9))
    with pytest.raises(InputError, match=r"another configuration \(audio: "):
        run()


def write_foreign_file(path: Path, content: object) -> None:
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
def test_a_file_that_is_not_a_checkpoint_is_an_input_error(
    run: Callable, tmp_path: Path, content: object
) -> None:
    write_foreign_file(Path(files_in(tmp_path / "run").checkpoint), content)
    with pytest.raises(InputError, match=r"checkpoint.pt: not a checkpoint .*delete it") as error:
        run()
    assert "\n" not in str(error.value)


def test_a_truncated_checkpoint_is_an_input_error(
    run: Callable, run_until: Callable, tmp_path: Path
) -> None:
    run_until(8)
    checkpoint = Path(files_in(tmp_path / "run").checkpoint)
    checkpoint.write_bytes(checkpoint.read_bytes()[:-500])
    with pytest.raises(InputError, match="not a checkpoint"):
        run()


def test_a_checkpoint_with_flipped_bits_is_an_input_error(
    run: Callable, run_until: Callable, tmp_path: Path
) -> None:
    run_until(8)
    checkpoint = Path(files_in(tmp_path / "run").checkpoint)
    content = checkpoint.read_bytes()
    weights = torch.load(checkpoint, weights_only=True)["model"].values()
    for weight in list(weights)[:3]:
        elements = weight.numpy().tobytes()
        assert content.count(elements)
        place = content.index(elements)
        flipped = bytes([content[place] ^ 1])
        checkpoint.write_bytes(content[:place] + flipped + content[place + 1 :])
        with pytest.raises(InputError, match=r"checkpoint.pt: damaged: .*delete it .*$") as error:
            run()
        assert "\n" not in str(error.value)
    checkpoint.write_bytes(content)
    run()


def test_a_checkpoint_of_a_gpu_resumes_on_a_cpu(
    run: Callable, run_until: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    uninterrupted = run("uninterrupted")
    with monkeypatch.context() as patch:
        patch.setattr(torch.serialization, "location_tag", lambda _: "cuda:0")
        run_until(8, "interrupted")
    assert same_weights(run("interrupted").weights, uninterrupted.weights)


def test_a_checkpoint_resumes_with_more_epochs_and_another_interval(
    run: Callable, run_until: Callable
) -> None:
    longer = replace(RARE_CHECKPOINTS, epochs=OPTIONS.epochs + 1)
    at_once = run("at once", longer)
    run_until(8)
    assert same_weights(run("run", longer).weights, at_once.weights)


def test_training_resumes_with_options_that_need_less_memory(
    run: Callable, run_until: Callable
) -> None:
    uninterrupted = run("uninterrupted")
    run_until(8)
    result = run("run", replace(OPTIONS, gradient_accumulation=2, activation_checkpointing=True))
    for row, expected in zip(result.losses, uninterrupted.losses, strict=True):
        assert [float(x) for x in row] == pytest.approx([float(x) for x in expected], rel=1e-4)
