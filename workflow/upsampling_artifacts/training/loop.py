"""Train one variant with one seed (paper, section 6): set-up, loop and end."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from upsampling_artifacts.data.cached_song import CachedSong, read_cache, waveform
from upsampling_artifacts.data.segments import TrainingBatches, ValidationBatches
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.interruption import Interruption
from upsampling_artifacts.models.saved import build_described, save_model
from upsampling_artifacts.training.checkpoint import Checkpoint, run_identity
from upsampling_artifacts.training.distributed import agree, end_together, launch
from upsampling_artifacts.training.loading import load_batches
from upsampling_artifacts.training.options import TrainingFiles, TrainingOptions
from upsampling_artifacts.training.out_of_memory import explain_out_of_memory
from upsampling_artifacts.training.reporter import Reporter
from upsampling_artifacts.training.snapshots import Snapshots, snapshot_steps
from upsampling_artifacts.training.step import Trainer

COLUMNS = ["step", "train_loss", "valid_loss", "steps_per_second", "waiting_percent", "seconds"]


def train(
    system: dict[str, Any],
    options: TrainingOptions,
    seed: int,
    files: TrainingFiles,
    *,
    code: str = "",
    label: str = "training",
    runtime_minutes: float | None = None,
) -> None:
    """Train a model, and write the weights with the lowest validation loss, snapshots and a log.

    On SIGINT, SIGTERM, SIGUSR1 and shortly before its time limit, training finishes the current
    step, writes a checkpoint and ends. The next call resumes from the checkpoint, with the same
    result as without the interruption; it removes the checkpoint when it has finished.

    With several devices, the calling program runs once per device (:mod:`training.distributed`).
    Only the first of these processes writes files.

    Args:
        system: ``{"architecture", "options", "upsampler"}`` as for
            :func:`models.build.build_model`.
        options: Training options.
        seed: Seeds the initial weights and the order of the data.
        files: What to read and write.
        code: Fingerprint of the code that decides the result; a checkpoint of other code is
            refused.
        label: Names the training run in messages.
        runtime_minutes: Time limit of the job that runs this process; None for no limit.

    Raises:
        Interrupted: A signal or the time limit interrupted training; it can resume.
        InputError: The checkpoint belongs to another configuration, the songs are too short or too
            few, the loss diverged, or a step ran out of memory.
    """
    batches, valid = _read_batches(files, options, seed)
    about = _describe(system, batches, seed)
    identity = run_identity(about, options, code, batches.songs, valid.songs)
    checkpoint = Checkpoint(files.checkpoint, identity, options.checkpoint_minutes)
    saved = checkpoint.read()
    fabric = launch(options.accelerator, options.devices, options.precision, options.threads)
    # Data and initial weights are seeded separately; this is for layers that draw random numbers
    # in training.
    torch.manual_seed(seed)
    model = _build(about, None if saved else batches.songs)
    trainer = Trainer(fabric, model, options)
    about |= {"precision": trainer.computed_in, "batch_size": options.part_size}
    steps = snapshot_steps(options.epochs * batches.steps_per_epoch, options.n_snapshots)
    snapshots = Snapshots(files.snapshots, steps, about)
    if not saved and fabric.is_global_zero:
        weights = model.state_dict().values()
        snapshots.start(sum(weight.nbytes for weight in weights))
    state = LoopState(**checkpoint.restore(saved, trainer)) if saved else LoopState()
    del saved  # frees its memory

    loop = _Loop(options, trainer, batches, valid, state, label)
    loop.run(checkpoint, snapshots, runtime_minutes)

    if fabric.is_global_zero:
        _write_log(files.log, state.rows)
        save_model(files.model, state.best_weights, {**about, "step": state.best_step})
        checkpoint.remove()
        # Last: a job that ends here starts over, and takes them again.
        snapshots.publish()


@dataclass
class LoopState:
    """The state of the training loop, kept in the checkpoint.

    Attributes:
        step: Number of steps taken.
        seconds: Training time over all jobs.
        loss_sum: Sum of the losses of the current epoch.
        rows: The log, one row per epoch.
        best_loss: Lowest validation loss so far; None before the first validation.
        best_step: Number of steps taken when it was reached.
        best_weights: The weights with that loss, on the CPU of the first process.
    """

    step: int = 0
    seconds: float = 0.0
    loss_sum: float = 0.0
    rows: list[list[Any]] = field(default_factory=list)
    best_loss: float | None = None
    best_step: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)


class _Moment(NamedTuple):
    """The clock, the steps taken and the time waited for data, at one moment."""

    seconds: float
    steps: int
    waited_seconds: float


class _Loop:
    """Takes the remaining steps, epoch by epoch."""

    def __init__(
        self,
        options: TrainingOptions,
        trainer: Trainer,
        batches: TrainingBatches,
        valid: ValidationBatches,
        state: LoopState,
        label: str,
    ):
        self.options, self.trainer, self.valid, self.state = options, trainer, valid, state
        self.fabric = trainer.fabric
        self.steps_per_epoch = batches.steps_per_epoch
        self.total = options.epochs * batches.steps_per_epoch
        steps = range(state.step, state.step if self._has_ended() else self.total)
        self.loading = load_batches(self.fabric, batches, steps, options.num_workers)
        self.reporter = Reporter(
            label,
            self.total,
            first=state.step,
            seconds_left=options.time_limit_seconds - state.seconds,
            visible=self.fabric.is_global_zero,
        )

    def run(
        self, checkpoint: Checkpoint, snapshots: Snapshots, runtime_minutes: float | None
    ) -> None:
        """Train to the end; an interruption or a diverging loss ends all processes.

        Args:
            checkpoint: Where to save the state of the loop.
            snapshots: Where to save the weights after some steps.
            runtime_minutes: As for :func:`train`.
        """
        state, seconds_before = self.state, self.state.seconds
        started = self.epoch_start = self._now()  # within an epoch if training resumes
        checkpoint.start(self.trainer.model)
        with Interruption(runtime_minutes) as interruption:
            for batch in self.loading:
                with explain_out_of_memory(self.trainer, batch, self.options):
                    device_loss = self.trainer.step(batch)
                state.step += 1
                reason = interruption.reason(checkpoint.saving_seconds)
                # Reading the loss waits for the device, so it comes last.
                loss, stop = agree(self.fabric, device_loss, reason is not None)
                if not math.isfinite(loss):
                    end_together(self.fabric, self.reporter.diverged(loss, state.step))
                state.loss_sum += loss
                now = self._now()
                state.seconds = seconds_before + now.seconds - started.seconds
                pace = _pace(self.epoch_start, now)
                self.reporter.step(loss, pace[1])
                if state.step % self.steps_per_epoch == 0:
                    self._end_epoch(pace)
                ended = self._has_ended()
                stop = stop and not ended
                if self.fabric.is_global_zero and snapshots.due(state.step):
                    snapshots.save(state.step, self._copy_weights())
                if self.fabric.is_global_zero and (stop or checkpoint.due()):
                    checkpoint.save(vars(state), self.trainer)
                if stop:
                    end_together(self.fabric, self.reporter.interrupted(reason, state.step))
                if ended:
                    break
        if state.step < self.total and self.options.minutes is not None:
            self.reporter.ended_early(state.step, self.options.minutes)

    def _end_epoch(self, pace: tuple[float, float]) -> None:
        """Log the epoch; if a validation is due, keep the weights if they are the best so far."""
        state = self.state
        # The clock of the first process decides for all: they must end with the same epoch.
        state.seconds = self.fabric.broadcast(state.seconds)
        epoch = state.step // self.steps_per_epoch
        is_last = epoch == self.options.epochs or state.seconds >= self.options.time_limit_seconds
        valid_loss = None
        if epoch % self.options.validate_every_epochs == 0 or is_last:
            valid_loss = self.trainer.validate(self.valid)
            if not math.isfinite(valid_loss):
                diverged = self.reporter.diverged(valid_loss, state.step, "the validation loss")
                end_together(self.fabric, diverged)
            self._keep_best(valid_loss)
        steps_before = state.rows[-1][0] if state.rows else 0
        train_loss = state.loss_sum / (state.step - steps_before)
        state.loss_sum = 0.0
        state.rows.append([state.step, train_loss, valid_loss, *pace, state.seconds])
        self.epoch_start = self._now()

    def _keep_best(self, valid_loss: float) -> None:
        """Copy the weights if their loss is the lowest so far, on the process that writes them."""
        state = self.state
        is_best = state.best_loss is None or valid_loss < state.best_loss
        if is_best and self.fabric.is_global_zero:
            state.best_loss, state.best_step = valid_loss, state.step
            state.best_weights = self._copy_weights()

    def _copy_weights(self) -> dict[str, Tensor]:
        """Copy the weights to the CPU."""
        weights = self.trainer.model.module.state_dict()
        return {name: weight.detach().cpu().clone() for name, weight in weights.items()}

    def _has_ended(self) -> bool:
        """Whether all steps are taken, or the last epoch within the time limit is validated."""
        if self.state.step == self.total:
            return True
        if not self.state.rows:
            return False
        row = dict(zip(COLUMNS, self.state.rows[-1], strict=True))
        validated = row["step"] == self.state.step and row["valid_loss"] is not None
        return validated and row["seconds"] >= self.options.time_limit_seconds

    def _now(self) -> _Moment:
        return _Moment(time.monotonic(), self.state.step, self.loading.waited_seconds)


def _read_batches(
    files: TrainingFiles, options: TrainingOptions, seed: int
) -> tuple[TrainingBatches, ValidationBatches]:
    train_songs, valid_songs = (
        [read_cache(path) for path in paths] for paths in (files.train_songs, files.valid_songs)
    )
    batches = TrainingBatches(
        train_songs,
        options.segment_seconds,
        options.stride_seconds,
        options.shift_seconds,
        options.batch_size,
        options.remix_group,
        seed,
        options.gain_db,
        options.silent_share,
    )
    return batches, ValidationBatches(valid_songs, options.segment_seconds, options.part_size)


def _describe(system: dict[str, Any], batches: TrainingBatches, seed: int) -> dict[str, Any]:
    """What the header of the model file says about the model (:mod:`models.saved`)."""
    song = batches.songs[0]
    return {
        **system,
        "sources": list(song.sources),
        "audio_channels": song.mixture.shape[0],
        "rate_hz": song.rate_hz,
        "segment_seconds": batches.segment_seconds,
        "seed": seed,
    }


def _build(about: dict[str, Any], songs: list[CachedSong] | None) -> nn.Module:
    """Build the model; if it has an ``adapt_to``, adapt it to the songs (None: do not)."""
    model = build_described(about)
    adapt_to = getattr(model, "adapt_to", None)
    if adapt_to and songs is not None:
        adapt_to(torch.from_numpy(waveform(song.mixture) / song.scale) for song in songs)
    return model


def _pace(begin: _Moment, end: _Moment) -> tuple[float, float]:
    """Steps per second, and percent of the time waited for data, between two moments."""
    seconds, steps, waited = (after - before for before, after in zip(begin, end, strict=True))
    return round(steps / seconds, 3), round(100 * waited / seconds, 2)


def _write_log(path: str | Path, rows: Iterable[list[Any]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([COLUMNS, *rows])
    with atomic_write(path) as unfinished:
        unfinished.write_text(text.getvalue())
