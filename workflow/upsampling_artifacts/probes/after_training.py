"""What training leaves of the tone at one frequency: system by system, signal by signal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.probes.line_summary import lines_at, read_lines
from upsampling_artifacts.probes.measures_table import SEPARATION
from upsampling_artifacts.statistics import (
    crossed_mean_interval,
    crossed_p_value,
    false_discoveries_controlled,
)

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
        positive, "inaudible" if the margin is negative, "undecided", or "silent" if every run is.
        Of the responses called audible, 5 % are expected to be false, and so of those called
        inaudible (:func:`statistics.false_discoveries_controlled`). Without an interval, all runs
        decide.
    """
    trained = lines[lines["stage"] == "trained"]
    run = ["system", "signal", "seed", "song"]
    before = lines[lines["stage"] == "initialization"].set_index(run)["level_db"]
    sources = _worst_sources(measures)
    rows: list[tuple] = []
    audible: list[_Test] = []
    inaudible: list[_Test] = []
    for (system, signal), group in trained.groupby(["system", "signal"], sort=False):
        runs = group.set_index(run)
        with np.errstate(invalid="ignore"):  # exactly zero before and after
            lowered_db = before.reindex(runs.index) - runs["level_db"]
        silent = np.isneginf(runs["level_db"])
        margins_db = [lowered_db, runs["audibility_margin_db"], runs["tone_margin_db"]]
        intervals = [end for values in margins_db for end in _interval(values)]
        audible.append(_test(runs["tone_margin_db"]))
        inaudible.append(_test(-runs["audibility_margin_db"]))
        row = (
            system, signal, group["seed"].nunique(), group["song"].nunique(), int(silent.sum()),
            sources.get((str(system), str(signal)), ""), runs["level_db"].mean(), *intervals,
        )  # fmt: skip
        rows.append(row)
    table = pd.DataFrame(rows, columns=COLUMNS[:-1])
    all_silent = table["n_silent"] == table["n_seeds"] * table["n_songs"]
    # The later cases override the earlier ones.
    table["response"] = UNDECIDED
    table.loc[_are_positive(inaudible), "response"] = INAUDIBLE
    table.loc[_are_positive(audible), "response"] = AUDIBLE
    table.loc[all_silent, "response"] = SILENT
    return table


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
    table = _by_song(values)
    if not table.size:
        return math.nan, math.nan, math.nan
    with np.errstate(invalid="ignore"):
        return crossed_mean_interval(table)


def _by_song(values: pd.Series) -> np.ndarray:
    """``(seeds, songs)``, without those that have no value."""
    return values.unstack("song").dropna(how="all").dropna(axis="columns").to_numpy(dtype=float)


class _Test(NamedTuple):
    """Whether the mean of runs is positive.

    Attributes:
        positive: Whether the mean is; without a p-value, whether every run is.
        p_value: Of a mean of zero; NaN if runs have no interval.
    """

    positive: bool
    p_value: float


def _test(values: pd.Series) -> _Test:
    table = _by_song(values)
    if not table.size or not np.isfinite(table).all():
        return _Test(bool(values.min() > 0), math.nan)
    p_value = crossed_p_value(table)
    return _Test(bool(table.mean() > 0 if np.isfinite(p_value) else (table > 0).all()), p_value)


def _are_positive(tests: Sequence[_Test]) -> np.ndarray:
    """Which means are positive, as far as chance and the number of tests can tell."""
    p_values = np.array([test.p_value for test in tests])
    positive = np.array([test.positive for test in tests], dtype=bool)
    return positive & (false_discoveries_controlled(p_values) | np.isnan(p_values))
