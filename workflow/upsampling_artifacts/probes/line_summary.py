"""The tone at one predicted frequency: how loud it is, how audible, and whether it is chance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binom

from upsampling_artifacts.artifacts.chance import BY_CHANCE
from upsampling_artifacts.probes.measures_table import SEPARATION
from upsampling_artifacts.statistics import mean_interval

INAUDIBLE_DB = -100.0
"""A line below this level (dB re the RMS of a normalized mixture) is below the last bit of 16-bit
audio, where most lines are rounding errors of float32."""

RUN = ["system", "seed", "stage", "signal", "song", "frequency_hz"]
MEASURES = {
    "line_level": "level_db",
    "audibility_margin": "audibility_margin_db",
    "masking_margin": "masking_margin_db",
    "line_prominence": "prominence_db",
    "line_prominence_chance": "chance",
    "tone_margin": "tone_margin_db",
}
MEANS = ("level", "audibility_margin", "masking_margin", "prominence", "tone_margin")

OF_ALL_SOURCES = ("line_prominence_chance", "masking_margin_chance", "tone_margin")
"""Measures that compare the largest of all sources with control frequencies
(:func:`artifacts.measures.measure_sources`)."""


def read_lines(measures_path: str | Path) -> pd.DataFrame:
    """Read the tones of the last layers, in the arithmetic of separation.

    A listener hears one source at a time: each number is that of the source in which it is largest.

    Args:
        measures_path: A csv file with the columns ``VARIANT_COLUMNS``.

    Returns:
        One row per system, seed, stage, signal, song and predicted frequency, in the order of the
        table, with the columns ``RUN``, level_db, audibility_margin_db, masking_margin_db,
        prominence_db, chance (see :func:`artifacts.chance.chances`), tone_margin_db
        (:func:`artifacts.measures.measure_sources`) and input_chance, the chance in the signal that
        was fed in. Not every signal has all of them.
    """
    measures = pd.read_csv(measures_path, dtype={"song": str}).rename(columns={"model": "system"})
    measures = measures[measures["measure"].isin(MEASURES)]
    output = largest_of_sources(measures)
    input = measures[(measures["layer"] == "input") & (measures["arithmetic"] == SEPARATION)]
    input = input.fillna({"song": ""})
    lines = _by_run(output).rename(columns=MEASURES).reindex(columns=list(MEASURES.values()))
    lines["input_chance"] = _by_run(input).reindex(columns=["line_prominence_chance"])
    # unstack sorts, but the table keeps the order of the config.
    order = pd.MultiIndex.from_frame(output[RUN].drop_duplicates())
    return lines.reindex(order).reset_index()


def largest_of_sources(measures: pd.DataFrame) -> pd.DataFrame:
    """Reduce the measures of single sources to those of the source in which they are largest.

    Args:
        measures: Rows of ``variants.csv``.

    Returns:
        The rows of the output in the arithmetic of separation that are measured source by source,
        in the order of the table, one for all sources. ``song`` is empty unless the signal is
        music.
    """
    is_output = (measures["layer"] == "output") & (measures["arithmetic"] == SEPARATION)
    of_all = measures["measure"].isin(OF_ALL_SOURCES)
    rows = measures[is_output & (measures["source"].isna() == of_all)]
    rows = rows.fillna({"song": ""}).drop(columns="source")
    key = [column for column in rows.columns if column != "value"]
    return rows.groupby(key, sort=False, dropna=False)["value"].max().reset_index()


def _by_run(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.set_index([*RUN, "measure"])["value"].unstack("measure")


def lines_at(lines: pd.DataFrame, frequency_hz: float) -> pd.DataFrame:
    """The rows at one predicted frequency."""
    return lines[np.isclose(lines["frequency_hz"], frequency_hz)]


def lines_by_seed(lines: pd.DataFrame) -> pd.DataFrame:
    """Mean over the songs of each run; other signals have one row per run anyway.

    Args:
        lines: From :func:`read_lines`.

    Returns:
        The columns of :func:`read_lines` without song, and n_runs, n_standing_out: of how many
        outputs the line stands out while it does not in the input.
    """
    stands_out = (lines["chance"] <= BY_CHANCE) & ~(lines["input_chance"] <= BY_CHANCE)
    runs = lines.assign(n_runs=1, n_standing_out=stands_out.astype(int))
    key = [column for column in RUN if column != "song"]
    counts = {"n_runs": "sum", "n_standing_out": "sum"}
    means = dict.fromkeys([*MEASURES.values(), "input_chance"], "mean")
    return runs.groupby(key, sort=False).agg({**means, **counts}).reset_index()


def summarize_lines(lines: pd.DataFrame, frequency_hz: float) -> pd.DataFrame:
    """Compute means over seeds of the line at one frequency, with 95 % Student t intervals.

    A run whose output is exactly zero has no line. It is left out of the means and counted in
    ``n_silent``.

    Args:
        lines: From :func:`read_lines`.
        frequency_hz: The predicted frequency.

    Returns:
        One row per system, signal and stage, with the columns system, signal, stage, n_seeds,
        n_silent, chance and input_chance (medians over seeds and songs), n_runs (seeds times
        songs), n_standing_out, ``by_chance``: the probability that a line which is no different
        from the control frequencies stands out as often, and, for ``MEANS``, ``<name>_db``,
        ``<name>_low_db`` and ``<name>_high_db``.
    """
    rows = []
    at_frequency = lines_at(lines, frequency_hz)
    seeds = lines_by_seed(at_frequency)
    key = ["system", "signal", "stage"]
    medians = at_frequency.groupby(key)[["chance", "input_chance"]].median().to_dict("index")
    for (system, signal, stage), group in seeds.groupby(key, sort=False):
        with_line = group[np.isfinite(group["level_db"])]
        n_runs, n_standing_out = int(group["n_runs"].sum()), int(group["n_standing_out"].sum())
        row: dict[Any, Any] = {"system": system, "signal": signal, "stage": stage}
        row |= {"n_seeds": len(group), "n_silent": len(group) - len(with_line)}
        row |= medians[system, signal, stage]
        row |= {"n_runs": n_runs, "n_standing_out": n_standing_out}
        row["by_chance"] = float(binom.sf(n_standing_out - 1, n_runs, BY_CHANCE))
        for name in MEANS:
            mean, low, high = mean_interval(with_line[f"{name}_db"])
            row |= {f"{name}_db": mean, f"{name}_low_db": low, f"{name}_high_db": high}
        rows.append(row)
    return pd.DataFrame(rows)


def summarize_arithmetics(measures_path: str | Path, frequency_hz: float) -> pd.DataFrame:
    """Mean level of the line at one frequency in each arithmetic, after training, loudest source.

    Args:
        measures_path: A csv file with the columns ``VARIANT_COLUMNS``.
        frequency_hz: The predicted frequency.

    Returns:
        One row per system, arithmetic, implementation, precision and signal that has more than one
        arithmetic, with the column level_db: the mean over seeds and songs, -inf if one is exactly
        silent.
    """
    measures = pd.read_csv(measures_path, dtype={"song": str}).rename(columns={"model": "system"})
    rows = measures[
        (measures["stage"] == "trained")
        & (measures["layer"] == "output")
        & (measures["measure"] == "line_level")
        & measures["source"].notna()
        & np.isclose(measures["frequency_hz"], frequency_hz)
    ]
    key = ["system", "arithmetic", "implementation", "precision", "signal"]
    loudest = rows.fillna({"song": ""}).groupby([*key, "seed", "song"], sort=False)["value"].max()
    levels = loudest.groupby(key, sort=False).mean().rename("level_db").reset_index()
    count = levels.groupby("system")["arithmetic"].transform("nunique")
    return levels[count > 1].reset_index(drop=True)
