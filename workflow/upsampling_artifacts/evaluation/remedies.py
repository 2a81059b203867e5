"""What remedies for the tones of an upsampling layer do: tones, separation quality and costs.

A remedy is a system that differs from another one, the one without it, in a single choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from upsampling_artifacts.evaluation.remedy_summary import summarize_remedies
from upsampling_artifacts.evaluation.scoring import keep_common_frames, read_frames, song_scores
from upsampling_artifacts.evaluation.table_1 import parameters_and_gflop
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.models.overlap_add import CHUNKS_AT_ONCE
from upsampling_artifacts.models.saved import read_about
from upsampling_artifacts.probes.line_summary import lines_at, lines_by_seed, read_lines

COLUMNS = ["system", "remedy", "seed", "signal", "measure", "value", "unit"]
"""Columns of ``remedies.csv``. ``signal`` is the test signal of a tone, the song of an SDR, else
empty."""

NOTHING = "nothing"
"""The remedy of a system without one."""

TONE_MEASURES = {"level_db": "line_level", "audibility_margin_db": "audibility_margin"}


class Run(NamedTuple):
    """A finished run of a system.

    Attributes:
        system: Name of the system.
        seed: Its seed.
        folder: ``.../<system>/seed-<n>``, with the model, its probe and its scores.
    """

    system: str
    seed: int
    folder: Path


def find_runs(folders: Sequence[str | Path]) -> list[Run]:
    """Read system and seed from folders of runs, ``.../<system>/seed-<n>``."""
    paths = [Path(folder) for folder in folders]
    return [Run(path.parent.name, int(path.name.removeprefix("seed-")), path) for path in paths]


def measure_remedies(
    runs: Sequence[Run], remedies: dict[str, str], songs: Sequence[str], frequency_hz: float
) -> pd.DataFrame:
    """Collect what a remedy changes: tones, separation quality and costs.

    Args:
        runs: The runs of all systems, with and without remedies.
        remedies: The name of each system's remedy; other systems have none.
        songs: The test songs to include.
        frequency_hz: Frequency of the tone.

    Returns:
        The columns ``COLUMNS``. The SDR of a song is the mean over sources, on the frames that
        could be scored in all runs. The duration of a training step is the mean over epochs; a
        system that was not trained itself has none.
    """
    lines = pd.concat([read_lines(run.folder / "probe/trained.csv") for run in runs])
    frames = keep_common_frames(read_frames([run.folder / "scores" for run in runs]))
    costs = [row for run in runs for row in _costs(run)]
    table = pd.concat([_tones(lines, frequency_hz), _sdr(song_scores(frames), songs), *costs])
    table["remedy"] = table["system"].map(remedies).fillna(NOTHING)
    return table[COLUMNS]


def _tones(lines: pd.DataFrame, frequency_hz: float) -> pd.DataFrame:
    """Level and margin of the tone after training; for music, the mean over songs."""
    by_seed = lines_by_seed(lines_at(lines, frequency_hz))
    by_seed = by_seed[by_seed["stage"] == "trained"].rename(columns=TONE_MEASURES)
    keys = ["system", "seed", "signal"]
    return by_seed.melt(keys, list(TONE_MEASURES.values()), "measure").assign(unit="dB")


def _sdr(scores: pd.DataFrame, songs: Sequence[str]) -> pd.DataFrame:
    rows = scores[(scores["metric"] == "SDR") & scores["song"].isin(songs)]
    by_song = rows.groupby(["system", "seed", "song"])["value_db"].mean().rename("value")
    return by_song.reset_index().rename(columns={"song": "signal"}).assign(measure="sdr", unit="dB")


def _costs(run: Run) -> list[pd.DataFrame]:
    about = read_about(run.folder / "model.safetensors")
    shape = len(about["sources"]), about["audio_channels"], about["rate_hz"]
    parameters, gflop = parameters_and_gflop(about, *shape)
    if about.get("subtract_silence"):
        gflop *= 1 + 1 / CHUNKS_AT_ONCE  # separation adds one silent example to each batch
    rows = [("parameters", parameters, "1"), ("gflop_per_second", gflop, "GFLOP/s")]
    log = run.folder / "training.csv"
    if log.exists():
        seconds = float((1 / pd.read_csv(log)["steps_per_second"]).mean())
        rows.append(("step_seconds", seconds, "s"))
    table = pd.DataFrame(rows, columns=["measure", "value", "unit"])
    return [table.assign(system=run.system, seed=run.seed, signal="")]


def write_remedies(
    folders: Sequence[str | Path],
    csv_path: str | Path,
    summary_path: str | Path,
    remedies: dict[str, str],
    references: dict[str, str],
    songs: Sequence[str],
    frequency_hz: float,
) -> None:
    """Write ``remedies.csv`` and its summary from the files of finished runs.

    Args:
        folders: ``.../<system>/seed-<n>`` of all runs, with and without remedies.
        csv_path: Where to write the measures; see :func:`measure_remedies`.
        summary_path: Where to write the comparisons; see :func:`remedy_summary.summarize_remedies`.
        remedies: The name of each system's remedy.
        references: The system without the remedy, by the system with it.
        songs: The test songs to include.
        frequency_hz: Frequency of the tone.
    """
    table = measure_remedies(find_runs(folders), remedies, songs, frequency_hz)
    tables: dict[str | Path, Any] = {
        csv_path: table,
        summary_path: summarize_remedies(table, references),
    }
    for path, content in tables.items():
        with atomic_write(path) as unfinished:
            content.to_csv(unfinished, index=False, float_format="%.6g")
