"""Read ``scores.csv``, and aggregate it into the SDR of runs and of sources.

A run that could not be scored on a song that others were scored on has no SDR: its median would be
over other songs than theirs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import pandas as pd

from upsampling_artifacts.errors import InputError, first_line
from upsampling_artifacts.statistics import mean_interval

MEAN = "mean of sources"
"""Name of the mean over sources, where sources are listed."""

MIN_COLUMNS = ["system", "seed", "song", "source", "metric", "value_db"]
"""Columns of ``scores.csv`` that all versions have."""


def read_scores(csv_path: str | Path, runs: Iterable[tuple[str, int]] = ()) -> pd.DataFrame:
    """Read ``scores.csv``, and check that nothing is missing.

    Args:
        csv_path: The file.
        runs: Systems and seeds that it must have.

    Returns:
        Its columns (:data:`scoring.COLUMNS`; older tables have no ``remark``).

    Raises:
        InputError: The file is no such table, its last line is cut off, or it lacks a run, or a
            run the scores of a song.
    """
    remedy = "delete it, and it will be made again"
    try:
        scores = pd.read_csv(csv_path)
        n_rows = scores[MIN_COLUMNS].astype({"value_db": float}).groupby(["system", "seed"]).size()
    except (ValueError, KeyError) as error:
        raise InputError(f"{csv_path}: not a table of scores ({first_line(error)})") from error
    if not Path(csv_path).read_bytes().endswith(b"\n"):
        raise InputError(f"{csv_path}: its last line is cut off; {remedy}")
    for system, seed in runs:
        if (system, seed) not in n_rows.index:
            raise InputError(f"{csv_path}: lacks {system}, seed {seed}; {remedy}")
    n_expected = math.prod(scores[column].nunique() for column in ("song", "source", "metric"))
    if n_rows.empty:
        raise InputError(f"{csv_path}: has no scores; {remedy}")
    for run, n_found in n_rows.items():
        if n_found != n_expected:
            system, seed = cast("tuple[str, int]", run)
            raise InputError(
                f"{csv_path}: {system}, seed {seed}, has {n_found} rows, but the songs, sources "
                f"and metrics make {n_expected}; {remedy}"
            )
    return scores


def remarks_by_system(scores: pd.DataFrame, songs: list[str]) -> dict[str, str]:
    """What is wrong with the estimates of systems: why one has no SDR, say.

    Args:
        scores: Columns of ``scores.csv``; older tables have no ``remark``.
        songs: The songs to include.

    Returns:
        The first remark of each system that has any, with its seed and song, and how many more
        there are.
    """
    if "remark" not in scores:
        return {}
    chosen = scores[scores["song"].isin(songs)].dropna(subset="remark")
    chosen = chosen.drop_duplicates(["system", "seed", "song"])
    texts = {}
    for system, rows in chosen.groupby("system", sort=False):
        first = rows.iloc[0]
        more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
        texts[str(system)] = f"seed {first['seed']}, {first['song']}: {first['remark']}{more}"
    return texts


def _sdr(scores: pd.DataFrame, songs: list[str]) -> pd.DataFrame:
    """The SDR rows of songs on which any run was scored."""
    sdr = scores[scores["song"].isin(songs) & (scores["metric"] == "SDR")]
    return sdr[sdr.groupby(["song", "source"])["value_db"].transform("count") > 0]


def _median(values_db: pd.Series) -> float:
    """The median over all songs; NaN if one is missing."""
    return values_db.median(skipna=False)


def _mean(values_db: pd.Series) -> float:
    """The mean over all sources; NaN if one is missing."""
    return values_db.mean(skipna=False)


def sdr_by_run(scores: pd.DataFrame, songs: list[str]) -> pd.DataFrame:
    """Compute the SDR of each run as published: median over songs, then mean over sources.

    Args:
        scores: Columns of ``scores.csv`` (:data:`scoring.COLUMNS`).
        songs: The songs to include.

    Returns:
        Columns system, seed, sdr_db; NaN for a run without scores of a song that others have.
    """
    by_source = _sdr(scores, songs).groupby(["system", "seed", "source"])["value_db"].agg(_median)
    return by_source.groupby(["system", "seed"]).agg(_mean).rename("sdr_db").reset_index()


def sdr_by_source(scores: pd.DataFrame, songs: list[str]) -> pd.DataFrame:
    """Compute the median SDR over songs of each run and source, and the mean over sources.

    Args:
        scores: Columns of ``scores.csv`` (:data:`scoring.COLUMNS`).
        songs: The songs to include.

    Returns:
        Columns system, seed, source, sdr_db; the mean over sources has the source ``MEAN``.
    """
    runs = ["system", "seed"]
    by_source = _sdr(scores, songs).groupby([*runs, "source"], sort=False)["value_db"].agg(_median)
    mean = by_source.groupby(runs, sort=False).agg(_mean).reset_index().assign(source=MEAN)
    table = pd.concat([by_source.reset_index(), mean], ignore_index=True)
    return table.rename(columns={"value_db": "sdr_db"})


def summarize_sdr(scores: pd.DataFrame, songs: list[str]) -> pd.DataFrame:
    """Mean SDR over seeds of each system and source, with 95 % Student t intervals.

    Args:
        scores: Columns of ``scores.csv`` (:data:`scoring.COLUMNS`).
        songs: The songs to include.

    Returns:
        One row per system and source (``MEAN``, the mean over sources, included), with the columns
        system, source, n_seeds, sdr_db, sdr_low_db and sdr_high_db. Runs that could not be scored
        count in n_seeds, but not in the mean.
    """
    rows = []
    for (system, source), group in sdr_by_source(scores, songs).groupby(
        ["system", "source"], sort=False
    ):
        mean, low, high = mean_interval(group["sdr_db"].dropna().to_numpy())
        row = {"system": system, "source": source, "n_seeds": group["seed"].nunique()}
        rows.append(row | {"sdr_db": mean, "sdr_low_db": low, "sdr_high_db": high})
    columns = ["system", "source", "n_seeds", "sdr_db", "sdr_low_db", "sdr_high_db"]
    return pd.DataFrame(rows, columns=columns)
