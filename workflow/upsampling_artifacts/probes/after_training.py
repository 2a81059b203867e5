"""What training leaves of the tone at one frequency: system by system, signal by signal."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd

from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.probes.line_summary import lines_at, read_lines
from upsampling_artifacts.probes.measures_table import SEPARATION
from upsampling_artifacts.statistics import crossed_mean_interval

QUANTITIES = ("lowering", "margin", "tone_margin")
COLUMNS = [
    "system", "signal", "n_seeds", "n_songs", "n_silent", "source", "level_db",
    *(f"{name}{bound}_db" for name in QUANTITIES for bound in ("", "_low", "_high")),
    "response",
]  # fmt: skip

AUDIBLE, INAUDIBLE, UNDECIDED, SILENT = "audible", "inaudible", "undecided", "silent"


def after_training(measures: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Summarize the tone that trained systems make, over seeds and songs.

    Args:
        measures: Rows of ``variants.csv`` at the tone's frequency, to name the sources.
        lines: From :func:`line_summary.read_lines`, at that frequency.

    Returns:
        One row per system and signal, with the columns ``COLUMNS``: the number of seeds and songs,
        and of runs (seeds times songs) that are exactly silent; ``source``, in which the tone is
        most audible in most runs; means with their 95 % intervals of what training lowered the
        level by (NaN for a signal that was not fed before), of the margin over the threshold of
        audibility, and of the margin over that and over chance
        (:func:`artifacts.measures.measure_sources`). ``response`` is "audible" if the latter is
        positive with its whole interval, "inaudible" if the margin is negative with its whole
        interval, "undecided", or "silent" if every run is. Without an interval, all runs decide.
    """
    trained = lines[lines["stage"] == "trained"]
    run = ["system", "signal", "seed", "song"]
    before = lines[lines["stage"] == "initialization"].set_index(run)["level_db"]
    sources = _worst_sources(measures)
    rows = []
    for (system, signal), group in trained.groupby(["system", "signal"], sort=False):
        runs = group.set_index(run)
        with np.errstate(invalid="ignore"):  # exactly zero before and after
            lowered_db = before.reindex(runs.index) - runs["level_db"]
        silent = np.isneginf(runs["level_db"])
        lowering, margin, tone_margin = (
            _interval(values) for values in (
                lowered_db, runs["audibility_margin_db"], runs["tone_margin_db"]
            )
        )  # fmt: skip
        audible = _decisive(tone_margin, runs["tone_margin_db"], low=True) > 0
        inaudible = _decisive(margin, runs["audibility_margin_db"], low=False) < 0
        row = (
            system, signal, group["seed"].nunique(), group["song"].nunique(), int(silent.sum()),
            sources.get((str(system), str(signal)), ""), runs["level_db"].mean(),
            *lowering, *margin, *tone_margin,
            SILENT if silent.all() else AUDIBLE if audible else INAUDIBLE if inaudible
            else UNDECIDED,
        )  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS)


def write_after_training(
    measures_path: str | Path, csv_path: str | Path, frequency_hz: float
) -> None:
    """Summarize the tone at one frequency; see :func:`after_training`.

    Args:
        measures_path: ``variants.csv``.
        csv_path: File to write.
        frequency_hz: Frequency of the tone.
    """
    measures = pd.read_csv(measures_path, dtype={"song": str})
    table = after_training(
        lines_at(measures, frequency_hz), lines_at(read_lines(measures_path), frequency_hz)
    )
    with atomic_write(csv_path) as unfinished:
        table.to_csv(unfinished, index=False, float_format="%.6g")


def _worst_sources(measures: pd.DataFrame) -> dict[tuple[str, str], str]:
    """For each system and signal, the source in which the tone is most audible in most runs."""
    rows = measures[
        (measures["stage"] == "trained")
        & (measures["layer"] == "output")
        & (measures["arithmetic"] == SEPARATION)
        & (measures["measure"] == "audibility_margin")
        & measures["source"].notna()
        & np.isfinite(measures["value"])
    ].fillna({"song": ""})
    worst = rows.loc[rows.groupby(["model", "signal", "seed", "song"])["value"].idxmax()]
    modes = worst.groupby(["model", "signal"])["source"].agg(lambda names: names.mode()[0])
    return dict(modes.items())


def _interval(values: pd.Series) -> tuple[float, float, float]:
    """Mean of runs, over seeds and songs, with its interval; runs without a value do not count."""
    table = values.unstack("song").dropna(how="all").dropna(axis="columns").to_numpy(dtype=float)
    if not table.size:
        return math.nan, math.nan, math.nan
    with np.errstate(invalid="ignore"):
        return crossed_mean_interval(table)


def _decisive(interval: tuple[float, float, float], values: pd.Series, low: bool) -> float:
    """The end of the interval that decides; the last run to agree if there is no interval."""
    bound = interval[1 if low else 2]
    if math.isnan(bound):
        return float(values.min() if low else values.max())
    return bound
