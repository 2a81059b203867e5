"""SDR, ISR, SIR and SAR by museval, and their aggregation.

Nothing here computes a metric: museval (BSS Eval v4) does, one second after another, and its
own JSON is kept. What is ours is the bookkeeping: which frames could be scored, that every
system is judged on the same ones, and the order of medians and means that published numbers
use.
"""

from __future__ import annotations

import json
import multiprocessing
import shutil
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from upsampling_artifacts.data.musdb18 import require_ffmpeg
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.progress import Progress

METRICS = ["SDR", "ISR", "SIR", "SAR"]
COLUMNS = [
    "system", "seed", "song", "source", "metric", "value_db", "n_frames", "n_frames_scored",
]  # fmt: skip


def score_song(cached_song: str | Path, estimates: str | Path, json_path: str | Path) -> None:
    """Score the estimates of one song with museval v4: windows and hops of one second.

    Args:
        cached_song: The ``.npy`` of the cache, which holds the references.
        estimates: Folder with one wav file per source.
        json_path: Where to write museval's JSON.

    Raises:
        InputError: An estimate is missing, or has another length or rate than the song.
    """
    require_ffmpeg()
    import museval  # raises at import if there is no ffmpeg
    from museval.aggregate import TrackStore

    from upsampling_artifacts.data.cached_song import read_cache, waveform

    song = read_cache(cached_song)
    shape = song.mixture.T.shape
    audio = []
    for source in song.sources:
        path = Path(estimates) / f"{source}.wav"
        if not path.exists():
            raise InputError(f"{path}: missing; separate the song again")
        samples, rate_hz = soundfile.read(path, always_2d=True)
        if samples.shape != shape or rate_hz != song.rate_hz:
            raise InputError(
                f"{path}: {samples.shape} samples at {rate_hz} Hz where the song has {shape} at "
                f"{song.rate_hz} Hz; separate the song again"
            )
        audio.append(samples)
    references = waveform(song.stems).transpose(0, 2, 1).astype(np.float64)
    values = museval.evaluate(
        references, np.stack(audio), win=song.rate_hz, hop=song.rate_hz, mode="v4"
    )
    store = TrackStore(song.name, win=1, hop=1)
    for index, source in enumerate(song.sources):
        by_metric = dict(zip(METRICS, (v[index].tolist() for v in values), strict=True))
        store.add_target(source, by_metric)
    store.validate()
    with atomic_write(json_path) as unfinished:
        store.save(unfinished)


def score_songs(
    cached_songs: list[str], estimates: str | Path, folder: str | Path, processes: int, label: str
) -> None:
    """Score the estimates of one run, song by song, and write ``folder/test/<song>.json``.

    All songs of a run are one job: a run has fifty test songs, and a job of its own for each would
    cost a scheduler more than the work is worth.

    Args:
        cached_songs: The songs (``.npy`` of the cache).
        estimates: Folder that holds ``test/<song>/<source>.wav``.
        folder: Where to; what it held before is removed.
        processes: Songs scored at once; museval takes 30 MB per second of audio for each.
        label: Names the work in the progress lines.

    Raises:
        InputError: As :func:`score_song`; or there was not enough memory.
    """
    shutil.rmtree(folder, ignore_errors=True)
    progress = Progress(len(cached_songs), f"{label}: songs scored")
    # Forked, for a new interpreter would run the script that called this once more.
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        jobs = []
        for path in cached_songs:
            name = Path(path).stem
            target = Path(folder, "test", f"{name}.json")
            jobs.append(pool.submit(score_song, path, Path(estimates, "test", name), target))
        try:
            for job in as_completed(jobs):
                job.result()
                progress.step()
        except BrokenProcessPool:
            raise InputError(
                f"{label}: a process that scored a song was killed, most likely for want of "
                "memory (museval takes 30 MB per second of audio); lower scoring.processes, or "
                "give the job more"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def read_frames(folders: list[str | Path]) -> pd.DataFrame:
    """The frames of museval's JSON files, one row per song, source, frame and metric.

    Args:
        folders: Paths that end in ``<system>/seed-<n>/scores``, and hold ``test/<song>.json``.

    Returns:
        Columns system, seed, song, source, frame, metric, value_db (NaN: not scored).
    """
    rows = []
    for path in (
        path for folder in folders for path in sorted(Path(folder, "test").glob("*.json"))
    ):
        system, seed = path.parents[3].name, int(path.parents[2].name.removeprefix("seed-"))
        for target in json.loads(path.read_text())["targets"]:
            for index, frame in enumerate(target["frames"]):
                for metric in METRICS:
                    value = frame["metrics"][metric]
                    rows.append((system, seed, path.stem, target["name"], index, metric, value))
    columns = ["system", "seed", "song", "source", "frame", "metric", "value_db"]
    return pd.DataFrame(rows, columns=columns).astype({"value_db": float})


def keep_common_frames(frames: pd.DataFrame) -> pd.DataFrame:
    """Judge every system on exactly the same frames.

    museval gives NaN for all sources of a frame in which any reference or any estimate is
    silent. The references are the same for all systems, the estimates are not; so a frame
    that one system could not be scored on is left out (made NaN) for all of them.

    Raises:
        InputError: The systems were not scored on the same songs, sources and frames at all,
            which no leaving out can mend: some scores are out of date.
    """
    runs = ["system", "seed"]
    where = ["song", "source", "frame", "metric"]
    table = frames.pivot(index=where, columns=runs, values="value_db")
    present = frames.assign(value_db=1.0).pivot(index=where, columns=runs, values="value_db")
    for run in present:
        missing = present.index[present[run].isna()]
        if len(missing):
            song, source, frame, _ = missing[0]
            raise InputError(
                f"scores of {run[0]}, seed {run[1]}: no frame {frame} of {source} in '{song}', "
                "which other systems were scored on; score the song again (-R score)"
            )
    table[table.isna().any(axis=1)] = np.nan
    return table.stack(runs, future_stack=True).rename("value_db").reset_index()


def song_scores(frames: pd.DataFrame) -> pd.DataFrame:
    """Median over the frames of each song, source and metric (NaN left out, and counted).

    Returns:
        The columns ``COLUMNS``, sorted, one row per song, source and metric.
    """
    keys = ["system", "seed", "song", "source", "metric"]
    grouped = frames.groupby(keys)["value_db"]
    scores = grouped.agg(value_db="median", n_frames="size", n_frames_scored="count")
    return scores.reset_index().sort_values(keys)[COLUMNS]


def write_scores(folders: list[str], csv_path: str | Path, common: bool = False) -> None:
    """Write ``scores.csv`` from museval's JSON files.

    Args:
        folders: As for :func:`read_frames`.
        csv_path: Where to.
        common: Whether they are of several systems, to be judged on the same frames.
    """
    frames = read_frames(folders)
    if common:
        frames = keep_common_frames(frames)
    with atomic_write(csv_path) as unfinished:
        song_scores(frames).to_csv(unfinished, index=False, float_format="%.5f")
