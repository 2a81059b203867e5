"""Lines at predicted frequencies: means over seeds with confidence intervals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from upsampling_artifacts.statistics import mean_interval

CHANCE_DB = 10.0
"""Noise without a tone stays below this prominence 39 times in 40.

Prominence compares the largest bin of the window's main lobe with the median of its neighborhood,
so noise has a prominence, too: 5 dB on average for one channel, 2 dB for the mean of eight
independent channels (tests/probes/test_line_summary.py).
"""

INAUDIBLE_DB = -100.0
"""A line below this level (dB re the RMS of a normalized mixture) is below the last bit of 16-bit
audio, where most lines are rounding errors of float32."""


def read_lines(measures_path: str | Path) -> pd.DataFrame:
    """Read the lines at predicted frequencies from a table of measures.

    Args:
        measures_path: A csv file with the columns ``MEASURES_COLUMNS``.

    Returns:
        One row per model, seed, stage, signal and predicted frequency, with the columns system (the
        model's name), seed, stage, signal, frequency_hz, level_db, prominence_db.
    """
    measures = pd.read_csv(measures_path)
    names = {"line_level": "level_db", "line_prominence": "prominence_db"}
    rows = measures[(measures["layer"] == "output") & measures["measure"].isin(names)]
    key = ["model", "seed", "stage", "signal", "frequency_hz"]
    lines = rows.set_index([*key, "measure"])["value"].unstack("measure").rename(columns=names)
    # unstack sorts, but the table keeps the order of the config.
    order = pd.MultiIndex.from_frame(rows[key].drop_duplicates())
    return lines.reindex(order).reset_index().rename(columns={"model": "system"})


def lines_at(lines: pd.DataFrame, frequency_hz: float) -> pd.DataFrame:
    """The rows at one predicted frequency."""
    return lines[np.isclose(lines["frequency_hz"], frequency_hz)]


def summarize_lines(lines: pd.DataFrame, frequency_hz: float) -> pd.DataFrame:
    """Compute means over seeds of the line at one frequency, with 95 % Student t intervals.

    A run whose output is exactly zero has no line and no noise floor. It is left out of the means
    and counted in ``n_silent``.

    Args:
        lines: From :func:`read_lines`.
        frequency_hz: The predicted frequency.

    Returns:
        One row per system, signal and stage, with the columns system, signal, stage, n_seeds,
        n_silent and, for level and prominence, ``<name>_db``, ``<name>_low_db`` and
        ``<name>_high_db``.
    """
    rows = []
    groups = lines_at(lines, frequency_hz).groupby(["system", "signal", "stage"], sort=False)
    for (system, signal, stage), group in groups:
        with_line = group[np.isfinite(group["level_db"])]
        row = {"system": system, "signal": signal, "stage": stage}
        row |= {"n_seeds": len(group), "n_silent": len(group) - len(with_line)}
        for name in ("prominence", "level"):
            mean, low, high = mean_interval(with_line[f"{name}_db"])
            row |= {f"{name}_db": mean, f"{name}_low_db": low, f"{name}_high_db": high}
        rows.append(row)
    return pd.DataFrame(rows)
