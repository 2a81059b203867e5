"""Aggregate ``scores.csv`` into the SDR of runs and of sources."""

from __future__ import annotations

import pandas as pd

from upsampling_artifacts.statistics import mean_interval

MEAN = "mean of sources"
"""Name of the mean over sources, where sources are listed."""


def sdr_by_run(scores: pd.DataFrame, songs: list[str]) -> pd.DataFrame:
    """Compute the SDR of each run as published: median over songs, then mean over sources.

    Args:
        scores: Columns of ``scores.csv`` (:data:`scoring.COLUMNS`).
        songs: The songs to include.

    Returns:
        Columns system, seed, sdr_db.
    """
    sdr = scores[scores["song"].isin(songs) & (scores["metric"] == "SDR")]
    by_source = sdr.groupby(["system", "seed", "source"])["value_db"].median()
    return by_source.groupby(["system", "seed"]).mean().rename("sdr_db").reset_index()


def sdr_by_source(scores: pd.DataFrame, songs: list[str]) -> pd.DataFrame:
    """Compute the median SDR over songs of each run and source, and the mean over sources.

    Args:
        scores: Columns of ``scores.csv`` (:data:`scoring.COLUMNS`).
        songs: The songs to include.

    Returns:
        Columns system, seed, source, sdr_db; the mean over sources has the source ``MEAN``.
    """
    sdr = scores[scores["song"].isin(songs) & (scores["metric"] == "SDR")]
    runs = ["system", "seed"]
    by_source = sdr.groupby([*runs, "source"], sort=False)["value_db"].median()
    mean = by_source.groupby(runs, sort=False).mean().reset_index().assign(source=MEAN)
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
