"""Score estimates with museval (SDR, ISR, SIR, SAR), and aggregate the scores.

museval (BSS Eval v4) computes the metrics, in frames of one second, and we keep its JSON files.
This module does the bookkeeping: it selects the frames on which every run could be scored, and
takes medians and means in the order that published numbers use. A run whose estimates of a song
cannot be scored loses its own scores only (:mod:`evaluation.estimate_checks`).
"""

from __future__ import annotations

import json
import multiprocessing
import shutil
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
import soundfile

from upsampling_artifacts.data.musdb18 import require_ffmpeg
from upsampling_artifacts.errors import InputError, first_line
from upsampling_artifacts.evaluation.bss_eval import evaluate
from upsampling_artifacts.evaluation.estimate_checks import (
    limit_exact,
    no_scores,
    read_remarks,
    suspicion,
    why_not_scored,
    write_remark,
)
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.progress import Progress

METRICS = ["SDR", "ISR", "SIR", "SAR"]
COLUMNS = [
    "system", "seed", "song", "source", "metric", "value_db", "n_frames", "n_frames_scored",
    "remark",
]  # fmt: skip

MIN_SCORED_SHARE = 0.5
"""A run that could be scored on fewer of a song's frames than this, relative to the run with the
most, is not compared on the song. A few silent frames cost all runs these frames; an estimate that
is silent in most of them must not choose the frames of the others."""

TOO_SILENT = "an estimate is silent in more than half of the frames"


def score_song(cached_song: str | Path, estimates: str | Path, json_path: str | Path) -> None:
    """Score the estimates of one song with museval v4, with windows and hops of one second.

    Args:
        cached_song: The cached song (``.npy``), which contains the references.
        estimates: Folder with one wav file per source.
        json_path: File to write, in museval's JSON format. If the estimates cannot be scored, it
            has no scores, and a text file beside it says why.

    Raises:
        InputError: An estimate is missing, or its length or rate differs from the song's.
    """
    require_ffmpeg()
    from museval.aggregate import TrackStore  # raises at import if there is no ffmpeg

    from upsampling_artifacts.data.cached_song import read_cache, waveform

    song = read_cache(cached_song)
    shape = song.mixture.T.shape
    audio = []
    for source in song.sources:
        path = Path(estimates) / f"{source}.wav"
        if not path.is_file():
            raise InputError(f"{path}: missing; separate the song again")
        try:
            samples, rate_hz = soundfile.read(path, always_2d=True)
        except (
            soundfile.SoundFileError,
            TypeError,
        ) as error:  # TypeError: samples without a header
            raise InputError(
                f"{path}: not a readable estimate ({first_line(error)}); separate the song again"
            ) from error
        if samples.shape != shape or rate_hz != song.rate_hz:
            raise InputError(
                f"{path}: has {samples.shape} samples at {rate_hz} Hz, but the song has {shape} "
                f"at {song.rate_hz} Hz; separate the song again"
            )
        audio.append(samples)
    references = waveform(song.stems).transpose(0, 2, 1).astype(np.float64)
    checked = np.stack(audio), references, song.sources, song.rate_hz
    remark, values = score_checked(*checked)
    store = TrackStore(song.name, win=1, hop=1)
    for index, source in enumerate(song.sources):
        by_metric = dict(zip(METRICS, (v[index].tolist() for v in values), strict=True))
        store.add_target(source, by_metric)
    store.validate()
    write_remark(json_path, remark)
    with atomic_write(json_path) as unfinished:
        store.save(unfinished)


def score_checked(
    estimates: np.ndarray, references: np.ndarray, sources: Sequence[str], rate_hz: int
) -> tuple[str, tuple[np.ndarray, ...]]:
    """Score the estimates of one song, if they can be scored.

    Args:
        estimates: ``(sources, time, channels)``.
        references: Of the same shape.
        sources: Names of the sources.
        rate_hz: Sampling rate.

    Returns:
        What is wrong with the estimates, or empty; and SDR, ISR, SIR and SAR, each
        ``(sources, frames)``, which are NaN if the estimates cannot be scored. Exact estimates have
        :data:`estimate_checks.EXACT_DB`.
    """
    if reason := why_not_scored(estimates, sources, rate_hz):
        return f"not scored: {reason}", no_scores(len(sources), estimates.shape[1], rate_hz)
    values = evaluate(references, estimates, rate_hz)
    return suspicion(estimates, references, sources, rate_hz), tuple(map(limit_exact, values))


def score_songs(
    cached_songs: list[str], estimates: str | Path, folder: str | Path, processes: int, label: str
) -> None:
    """Score all songs of one run and write ``folder/test/<song>.json``.

    All songs of a run are scored in one job: with fifty jobs, one for each test song, scheduling
    would take longer than scoring.

    Args:
        cached_songs: The cached songs (``.npy``).
        estimates: Folder with ``test/<song>/<source>.wav``.
        folder: Folder to write to; its previous contents are removed. It is there when all songs
            are scored, not before: what a killed job leaves is not mistaken for scores.
        processes: Songs scored in parallel; museval takes 18 MB per second of audio for each.
        label: Prefix of the progress lines.

    Raises:
        InputError: As for :func:`score_song`; or a scoring process was killed.
    """
    folder = Path(folder)
    unfinished = folder.with_name(f"unfinished_{folder.name}")
    for left in (folder, unfinished):
        shutil.rmtree(left, ignore_errors=True)
    progress = Progress(len(cached_songs), f"{label}: songs scored")
    # Fork: a spawned interpreter would run the calling script again.
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        jobs = []
        for path in cached_songs:
            name = Path(path).stem
            target = unfinished / "test" / f"{name}.json"
            jobs.append(pool.submit(score_song, path, Path(estimates, "test", name), target))
        try:
            for job in as_completed(jobs):
                job.result()
                progress.step()
        except BrokenProcessPool:
            raise InputError(
                f"{label}: a scoring process was killed, most likely for lack of memory (museval "
                "takes 18 MB per second of audio); lower scoring.processes, or give the job more "
                "memory"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)
    unfinished.rename(folder)


def read_frames(folders: Sequence[str | Path]) -> pd.DataFrame:
    """Read museval's JSON files: one row per song, source, frame and metric.

    Args:
        folders: Paths ending in ``<system>/seed-<n>/scores``, with ``test/<song>.json``.

    Returns:
        Columns system, seed, song, source, frame, metric, value_db (NaN if not scored).

    Raises:
        InputError: A file is damaged.
    """
    rows = []
    for path in (
        path for folder in folders for path in sorted(Path(folder, "test").glob("*.json"))
    ):
        system, seed = path.parents[3].name, int(path.parents[2].name.removeprefix("seed-"))
        try:
            targets = json.loads(path.read_text(encoding="utf-8"))["targets"]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}: damaged ({first_line(error)}); score the song again (-R score)"
            ) from error
        for target in targets:
            for index, frame in enumerate(target["frames"]):
                for metric in METRICS:
                    value = frame["metrics"][metric]
                    rows.append((system, seed, path.stem, target["name"], index, metric, value))
    columns = ["system", "seed", "song", "source", "frame", "metric", "value_db"]
    return pd.DataFrame(rows, columns=columns).astype({"value_db": float})


def keep_common_frames(frames: pd.DataFrame) -> pd.DataFrame:
    """Keep only the frames on which every run was scored; set the others to NaN.

    museval returns NaN for all sources of a frame in which any reference or estimate is silent.
    References are the same for all runs, but estimates are not. A fair comparison drops a frame
    for all runs if one of them could not be scored on it. But a run that could be scored on hardly
    any frame of a song (:data:`MIN_SCORED_SHARE`), because its estimates are faulty, decides
    nothing for the others: it has no scores of the song.

    Args:
        frames: From :func:`read_frames`.

    Returns:
        The same columns and frames, with NaN on the frames that were dropped.

    Raises:
        InputError: The runs were not scored on the same songs, sources and frames: some scores are
            out of date.
    """
    runs = ["system", "seed"]
    frame_keys = ["song", "source", "frame", "metric"]
    table = frames.pivot(index=frame_keys, columns=runs, values="value_db")
    present = frames.assign(value_db=1.0).pivot(index=frame_keys, columns=runs, values="value_db")
    for run, column in present.items():
        missing = present.index[column.isna()]
        if len(missing):
            system, seed = cast("tuple[str, int]", run)
            song, source, frame, _ = missing[0]
            raise InputError(
                f"scores of {system}, seed {seed}: frame {frame} of {source} in '{song}' is "
                "missing, but other systems have it; score the song again (-R score)"
            )
    is_faulty = _faulty_songs(table)
    table[(table.isna() & ~is_faulty).any(axis=1)] = np.nan
    table = table.mask(is_faulty)
    kept = cast("pd.Series", table.stack(runs, future_stack=True))
    return kept.rename("value_db").reset_index()


def _faulty_songs(table: pd.DataFrame) -> pd.DataFrame:
    """For each frame (row) and run (column), whether the run is not compared on the song."""
    n_scored = table.notna().groupby(level="song").sum()
    is_faulty = n_scored.lt(MIN_SCORED_SHARE * n_scored.max(axis=1), axis=0)
    by_frame = is_faulty.loc[table.index.get_level_values("song")]
    return by_frame.set_axis(table.index)


def song_scores(frames: pd.DataFrame, remarks: pd.DataFrame | None = None) -> pd.DataFrame:
    """Compute the median over the frames of each song, source and metric, ignoring NaN.

    Args:
        frames: From :func:`read_frames` or :func:`keep_common_frames`.
        remarks: From :func:`estimate_checks.read_remarks`; None for none.

    Returns:
        The columns ``COLUMNS``, sorted: one row per run, song, source and metric. The remark says
        what is wrong with the run's estimates of the song, if anything is: NaN if nothing.
    """
    keys = ["system", "seed", "song", "source", "metric"]
    grouped = frames.groupby(keys)["value_db"]
    scores = grouped.agg(value_db="median", n_frames="size", n_frames_scored="count").reset_index()
    if remarks is not None:
        scores = scores.merge(remarks, on=["system", "seed", "song"], how="left")
    scores = scores.reindex(columns=COLUMNS).astype({"remark": object})
    lacks_scores = scores["n_frames_scored"] == 0
    others_have_scores = scores.groupby("song")["n_frames_scored"].transform("max") > 0
    scores.loc[lacks_scores & others_have_scores & scores["remark"].isna(), "remark"] = (
        f"not scored: {TOO_SILENT}"
    )
    return scores.sort_values(keys)


def write_scores(folders: list[str], csv_path: str | Path, common: bool = False) -> None:
    """Write ``scores.csv`` from museval's JSON files.

    Args:
        folders: As for :func:`read_frames`.
        csv_path: File to write.
        common: Keep only frames on which all runs were scored (:func:`keep_common_frames`).
    """
    frames = read_frames(folders)
    if common:
        frames = keep_common_frames(frames)
    with atomic_write(csv_path) as unfinished:
        scores = song_scores(frames, read_remarks(folders))
        scores.to_csv(unfinished, index=False, float_format="%.5f")
