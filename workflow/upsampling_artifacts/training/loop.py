"""Training one variant with one seed (section 6 of the paper)."""

from __future__ import annotations

import csv
import io
import logging
import math
import time
from dataclasses import asdict
from pathlib import Path

import torch

from upsampling_artifacts.data.cached_song import CachedSong, read_cache, waveform
from upsampling_artifacts.data.segments import TrainingBatches, ValidationBatches
from upsampling_artifacts.errors import InputError, Interrupted
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.interruption import Interruption
from upsampling_artifacts.models.saved import build_described, save_model
from upsampling_artifacts.pipeline.fingerprint import data_fingerprint
from upsampling_artifacts.progress import Progress
from upsampling_artifacts.training.checkpoint import Checkpoint, restore
from upsampling_artifacts.training.distributed import agree, end, launch
from upsampling_artifacts.training.loading import load
from upsampling_artifacts.training.options import NOT_IN_CHECKPOINT, TrainingOptions
from upsampling_artifacts.training.out_of_memory import explained
from upsampling_artifacts.training.step import prepare, take_step, validate

logger = logging.getLogger(__name__)

COLUMNS = ["step", "train_loss", "valid_loss", "steps_per_second", "waiting_percent", "seconds"]


def train(
    system: dict,
    options: TrainingOptions,
    seed: int,
    train_songs: list[str],
    valid_songs: list[str],
    model_path: str | Path,
    log_path: str | Path,
    checkpoint_path: str | Path,
    code: str = "",
    threads: int = 1,
    label: str = "training",
    runtime_minutes: float | None = None,
) -> None:
    """Train a model, keep the one with the best validation loss, and write it with its log.

    An interrupted training goes on from its checkpoint, and ends as if it had never been
    interrupted; a finished one removes it. SIGINT, SIGTERM, SIGUSR1 and the end of its time make
    it write a checkpoint after the step that it is at, and stop.

    With several devices the calling program is started once more for each further one
    (:mod:`training.distributed`); only the first of the processes writes, and goes on after this
    function.

    Args:
        system: ``{"architecture", "options", "upsampler"}`` as for
            :func:`models.build.build_model`.
        options: How to train.
        seed: Names the initial weights and the order of the data.
        train_songs: Cached training songs (``.npy``).
        valid_songs: Cached validation songs.
        model_path: Where to write the weights (``.safetensors``); the header says how to
            build the model that they fit (:mod:`models.saved`).
        log_path: Where to write one line per epoch, with the columns ``COLUMNS``.
        checkpoint_path: Where to keep what an interrupted training needs.
        code: Fingerprint of the code that defines the model, part of the checkpoint's.
        threads: CPU threads per device.
        label: Names the training in the progress lines.
        runtime_minutes: Time limit of the job that this process is; None if there is none.

    Raises:
        Interrupted: The training was asked to stop, or its time is up; it can go on.
        InputError: The checkpoint is of another configuration, the songs do not fit, or the
            loss is no longer a number.
    """
    songs = [read_cache(path) for path in train_songs]
    batches = TrainingBatches(
        songs,
        options.segment_seconds,
        options.stride_seconds,
        options.shift_seconds,
        options.batch_size,
        options.remix_group,
        seed,
        options.gain_db,
    )
    valid = ValidationBatches(
        [read_cache(path) for path in valid_songs], options.segment_seconds, options.part_size
    )
    about = {
        **system,
        "sources": list(songs[0].sources),
        "audio_channels": songs[0].mixture.shape[0],
        "rate_hz": songs[0].rate_hz,
        "segment_seconds": options.segment_seconds,
        "seed": seed,
    }
    configuration = {
        **about,
        **{k: v for k, v in asdict(options).items() if k not in NOT_IN_CHECKPOINT},
        "code": code,
        "songs": [song.name for song in songs],
        # Songs of the same names may sound otherwise: another songs.seed, another set below root.
        "audio": data_fingerprint([_audio(song) for song in [*songs, *valid.songs]]),
    }
    checkpoint = Checkpoint(checkpoint_path, configuration, options.checkpoint_minutes)
    saved = checkpoint.read()
    fabric = launch(options.accelerator, options.devices, options.precision, threads)
    # The data and the initial weights have seeds of their own; this one is for a layer that
    # draws random numbers while it trains.
    torch.manual_seed(seed)
    model = build_described(about)
    if hasattr(model, "adapt_to") and not saved:
        model.adapt_to(torch.from_numpy(waveform(song.mixture) / song.scale) for song in songs)
    model, optimizer = prepare(
        fabric, model, options.learning_rate, options.weight_decay, options.activation_checkpointing
    )
    precision = fabric.strategy.precision
    state = {"step": 0, "loss_sum": 0.0, "seconds": 0.0, "rows": [], "best": None}
    if saved:
        state = restore(saved, model, optimizer, precision)
        del saved  # its memory
        logger.info(f"going on from {checkpoint_path} at step {state['step']}")

    total = options.epochs * batches.steps_per_epoch
    seconds_left = options.seconds - state["seconds"]
    progress = (
        Progress(total, label, done=state["step"], max_seconds=seconds_left)
        if fabric.is_global_zero
        else None
    )
    begin = state["step"]
    steps = range(begin, begin if _has_ended(state, options) else total)
    loading = load(fabric, batches, steps, options.num_workers)
    seconds_before, started = state["seconds"], time.monotonic()
    epoch_began = (started, begin, loading.seconds)  # a resumed one is taken up amid an epoch
    checkpoint.start(model)
    with Interruption(runtime_minutes) as stopping:
        for batch in loading:
            with explained(fabric, model, optimizer, batch, options):
                loss = take_step(fabric, model, optimizer, batch, options.gradient_accumulation)
            state["step"] += 1
            # Only now: asking for the loss waits for the device.
            reason = stopping.reason(checkpoint.saving_seconds)
            loss, stop = agree(fabric, loss, reason is not None)
            if not math.isfinite(loss):
                message = f"{label}: the loss is {loss} at step {state['step']}; "
                end(fabric, InputError(f"{message}lower training.learning_rate"))
            state["loss_sum"] += loss
            now = time.monotonic()
            state["seconds"] = seconds_before + now - started
            pace = _pace(epoch_began, (now, state["step"], loading.seconds))
            if progress:
                progress.step(f"loss {loss:.4f}, {pace[1]:.1f} % waiting for data")

            epoch, step_of_epoch = divmod(state["step"], batches.steps_per_epoch)
            if step_of_epoch == 0:
                # The first one's clock counts: all have to end with the same epoch.
                state["seconds"] = fabric.broadcast(state["seconds"])
                _end_epoch(fabric, model, valid, state, options, epoch, pace)
                epoch_began = (time.monotonic(), state["step"], loading.seconds)
            ended = state["step"] == total or _has_ended(state, options)
            stop = stop and not ended
            if fabric.is_global_zero and (stop or checkpoint.due()):
                checkpoint.save(state, model, optimizer, precision)
            if stop:
                by = f"{label}: stopped by {reason or 'another process'}"
                where = f"at step {state['step']} of {total}"
                message = f"{by} {where}, and saved; started again, it goes on from there"
                end(fabric, Interrupted(message))
            if ended:
                break

    if not fabric.is_global_zero:
        return
    if state["step"] < total:
        progress.close()
        logger.info(
            f"{label}: ended at step {state['step']} of at most {total}, "
            f"with the first epoch after {options.minutes:g} minutes (training.minutes)"
        )
    _write_log(log_path, state["rows"])
    save_model(model_path, state["best"]["weights"], about)
    checkpoint.remove()


def _audio(song: CachedSong) -> list:
    """What tells a song's audio from another's, without reading it."""
    return [song.name, list(song.stems.shape), song.scale]


def _has_ended(state: dict, options: TrainingOptions) -> bool:
    """Whether an epoch has just ended, and been validated, after all the time there is."""
    if not state["rows"]:
        return False
    row = dict(zip(COLUMNS, state["rows"][-1], strict=True))
    validated = row["step"] == state["step"] and row["valid_loss"] is not None
    return validated and row["seconds"] >= options.seconds


def _pace(begin: tuple[float, int, float], end: tuple[float, int, float]) -> tuple[float, float]:
    """Steps per second, and percent of the time waited for data, between two moments.

    Each is the time, the steps taken by then, and the seconds waited by then.
    """
    seconds, steps, waited = (after - before for before, after in zip(begin, end, strict=True))
    return round(steps / seconds, 3), round(100 * waited / seconds, 2)


def _end_epoch(fabric, model, valid, state, options, epoch, pace) -> None:
    """Log the epoch; when it is due, validate and keep the model if it is the best so far."""
    valid_loss = None
    is_last = epoch == options.epochs or state["seconds"] >= options.seconds
    if epoch % options.validate_every_epochs == 0 or is_last:
        valid_loss = validate(fabric, model, valid)
        better = state["best"] is None or valid_loss < state["best"]["loss"]
        if better and fabric.is_global_zero:  # who writes the model
            weights = {k: v.detach().cpu().clone() for k, v in model.module.state_dict().items()}
            state["best"] = {"loss": valid_loss, "weights": weights}
    steps_before = state["rows"][-1][0] if state["rows"] else 0
    train_loss = state["loss_sum"] / (state["step"] - steps_before)
    state["loss_sum"] = 0.0
    state["rows"].append([state["step"], train_loss, valid_loss, *pace, state["seconds"]])


def _write_log(path: str | Path, rows: list[list]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([COLUMNS, *rows])
    with atomic_write(path) as unfinished:
        unfinished.write_text(text.getvalue())
