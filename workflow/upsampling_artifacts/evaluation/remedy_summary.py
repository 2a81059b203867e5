"""Remedies compared with doing nothing: seed by seed, and for SDR also song by song.

A remedy and the system without it are trained with the same seeds and data. The report imports this
module, so it must not load torch.
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from upsampling_artifacts.statistics import ERROR_RATE, crossed_mean_interval, mean_interval

SUMMARY_COLUMNS = [
    "system", "reference", "remedy", "signal", "measure", "n_seeds", "n_songs",
    "value", "value_low", "value_high", "reference_value", "unit",
    "change", "low", "high", "n_comparisons", "simultaneous_low", "simultaneous_high",
    "change_unit",
]  # fmt: skip

RATIOS = ("parameters", "gflop_per_second", "step_seconds")
"""Costs, which are compared by their ratio; everything else by its difference."""


def summarize_remedies(table: pd.DataFrame, references: dict[str, str]) -> pd.DataFrame:
    """Compare each remedy with doing nothing, paired by seed, and by song for SDR.

    The comparisons of one measure with one signal are a family: its simultaneous intervals all
    cover their true changes with a probability of 95 % (Bonferroni).

    Args:
        table: ``remedies.csv``.
        references: The system without the remedy, by the system with it.

    Returns:
        The columns ``SUMMARY_COLUMNS``; ``value`` and ``change`` are means with 95 % intervals.
        ``change`` is a difference in dB, or for costs a ratio. An exactly silent output has a level
        of -inf and no interval. Seeds and songs that either system lacks do not count.
    """
    songs = table["measure"] == "sdr"
    table = table.assign(
        song=table["signal"].where(songs, ""), signal=table["signal"].mask(songs, "")
    ).dropna(subset="value")
    values = table.set_index(["system", "signal", "measure", "seed", "song"])["value"].sort_index()
    units = table.drop_duplicates("measure").set_index("measure")["unit"]
    names = table.drop_duplicates("system").set_index("system")["remedy"]
    measured = {
        system: list(rows[["signal", "measure"]].drop_duplicates().itertuples(index=False))
        for system, rows in table.groupby("system")
    }
    pairs = [
        (system, reference, signal, measure)
        for system, reference in references.items()
        for signal, measure in measured[system]
        if (signal, measure) in measured[reference]
    ]
    family_sizes = Counter((signal, measure) for _, _, signal, measure in pairs)
    rows = []
    for system, reference, signal, measure in pairs:
        ours, others = _paired(values, system, reference, signal, measure)
        n_comparisons = family_sizes[signal, measure]
        change = ours / others if measure in RATIOS else _difference(ours, others)
        mean, low, high = _interval(change, 1 - ERROR_RATE)
        _, *together = _interval(change, 1 - ERROR_RATE / n_comparisons)
        row = (
            system, reference, names[system], signal, measure, *ours.shape,
            *_interval(ours, 1 - ERROR_RATE), float(others.mean()), units[measure],
            mean, low, high, n_comparisons, *together, "1" if measure in RATIOS else "dB",
        )  # fmt: skip
        rows.append(dict(zip(SUMMARY_COLUMNS, row, strict=True)))
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def _paired(
    values: pd.Series, system: str, reference: str, signal: str, measure: str
) -> tuple[np.ndarray, np.ndarray]:
    """Two tables ``(seeds, songs)`` of the seeds and songs that both systems have."""
    one, other = (values.loc[name, signal, measure].unstack("song") for name in (system, reference))
    one, other = one.align(other, join="inner")
    complete = one.notna() & other.notna()
    seeds = complete.any(axis=1)
    songs = complete[seeds].all(axis=0)
    return one.loc[seeds, songs].to_numpy(), other.loc[seeds, songs].to_numpy()


def _difference(ours: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Differences of levels; none between two outputs that are exactly silent."""
    with np.errstate(invalid="ignore"):
        return ours - others


def _interval(values: np.ndarray, confidence: float) -> tuple[float, float, float]:
    """Mean and interval over seeds and, if there are several, songs."""
    if not np.isfinite(values).all():
        return float(values.mean()), math.nan, math.nan
    if values.shape[1] == 1:
        return mean_interval(values[:, 0], confidence)
    return crossed_mean_interval(values, confidence)


def read_summary(csv_path: str | Path) -> pd.DataFrame:
    """Read ``remedies_summary.csv``.

    Args:
        csv_path: The file; measures without a test signal have an empty one.
    """
    return pd.read_csv(csv_path).fillna({"signal": ""})
