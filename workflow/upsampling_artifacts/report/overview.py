"""The overview: one row per system, with everything that decides for or against it."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any, TypedDict

import numpy as np
import pandas as pd

from upsampling_artifacts.evaluation.sdr import MEAN
from upsampling_artifacts.figures.style import BASELINES, Look
from upsampling_artifacts.probes.line_summary import INAUDIBLE_DB
from upsampling_artifacts.probes.measures_table import SEPARATION
from upsampling_artifacts.report.numbers import (
    NOTHING,
    millions,
    number,
    signed,
    significant,
    with_interval,
)

DOING_NOTHING = "mixture"
"""The baseline that every system should exceed."""

QUIET = "near_silence"
IN_USE = ("auto", "-")
"""The implementations that training takes, of systems that have several and of the others."""

OTHER_NETWORK = "†"
"""Marks a difference that is not the upsampler's alone."""

SILENT_ORDER = -1e9
"""Sorts what is exactly silent below everything else. JavaScript cannot read -inf."""

LOWEST_MARGIN_DB = -40.0
"""Lower margins say no more than this."""


class Cell(TypedDict):
    """A cell of the overview.

    Attributes:
        text: What it shows.
        note: In small print below: an interval, say.
        order: The number by which its column is sorted; None sorts last.
        bar: Length of its bar, from 0 to 1; None without a bar.
    """

    text: str
    note: str
    order: float | None
    bar: float | None


Values = dict[str, tuple[float, str, str]]
"""For each system the number, its text and its note."""


def overview(
    variants: pd.DataFrame,
    lines: pd.DataFrame,
    table_1: pd.DataFrame,
    sdr_differences: pd.DataFrame,
    steps: pd.DataFrame,
    looks: Mapping[str, Look],
    systems: list[str],
    tone_hz: float,
) -> dict[str, Any]:
    """Gather the overview's columns from the tables of the other sections.

    Args:
        variants: ``variants.csv``.
        lines: Its tones, from :func:`upsampling_artifacts.probes.line_summary.summarize_lines`.
        table_1: ``table_1.csv``.
        sdr_differences: ``sdr_differences.csv``.
        steps: ``steps.csv``.
        looks: Names of the systems.
        systems: The systems, in order.
        tone_hz: Frequency of the tone, and of the valley of the last layer.

    Returns:
        ``columns`` (``{"name", "unit"}``), ``rows`` (``{"system", "label", "cells"}``), and
        ``worse``: names of the systems whose SDR is below that of doing nothing.
    """
    depths = _of_trained(variants, "valley_depth", "noise")
    valleys = depths[np.isclose(depths["frequency_hz"], tone_hz)].groupby("model")["value"].mean()
    scores = table_1.set_index("system")
    in_use = steps[steps["implementation"].isin(IN_USE)].set_index("system")
    columns: list[tuple[str, str, Values, bool]] = [
        ("tone level", "dB", _levels(lines), False),
        ("tone margin", "dB", _margins(lines), True),
        ("valley", "dB", _numbers(valleys), True),
        ("treble kept", "dB", _numbers(treble_kept(variants)), False),
        ("SDR", "dB", _sdr(scores), True),
        ("SDR difference", "dB", _differences(sdr_differences, looks), False),
        ("training step", "ratio", _steps(in_use), True),
        ("memory", "MB", _memory(in_use), True),
        ("parameters", "", _parameters(scores), True),
    ]
    # Without skipped systems, and without columns that this experiment did not measure.
    columns = [
        (name, unit, {system: values[system] for system in systems if system in values}, has_bar)
        for name, unit, values, has_bar in columns
    ]
    columns = [column for column in columns if column[2]]
    return {
        "columns": [{"name": name, "unit": unit} for name, unit, _, _ in columns],
        "rows": [
            {
                "system": system,
                "label": looks[system]["label"],
                "color": looks[system]["color"],
                "cells": [_cell(values, system, has_bar) for _, _, values, has_bar in columns],
            }
            for system in systems
        ],
        "worse": worse_than_nothing(scores["sdr_db"], systems, looks),
        "treble_from_hz": _treble_from_hz(variants),
    }


def worse_than_nothing(
    sdr_db: pd.Series, systems: list[str], looks: Mapping[str, Look]
) -> dict[str, Any] | None:
    """Name the systems that separate worse than the mixture, split evenly.

    Args:
        sdr_db: Mean SDR by system and baseline.
        systems: The systems.
        looks: Their names.

    Returns:
        ``names``, ``sdr`` (that of doing nothing, as text) and ``label``; None if there is none.
    """
    nothing_db = sdr_db.get(DOING_NOTHING, math.nan)
    names = [
        looks[name]["prose_name"] for name in systems if sdr_db.get(name, math.nan) < nothing_db
    ]
    if not names:
        return None
    label = BASELINES[DOING_NOTHING]["label"]
    return {"names": names, "sdr": number(nothing_db, 2), "label": label}


def _cell(values: Values, system: str, has_bar: bool) -> Cell:
    if system not in values:
        return {"text": NOTHING, "note": "", "order": None, "bar": None}
    value, text, note = values[system]
    if not math.isfinite(value):
        order = None if math.isnan(value) else SILENT_ORDER
        return {"text": text, "note": note, "order": order, "bar": None}
    largest = max((v for v, _, _ in values.values() if math.isfinite(v)), default=0.0)
    bar = min(max(value / largest, 0.0), 1.0) if has_bar and largest > 0 else None
    return {"text": text, "note": note, "order": value, "bar": bar}


def _quiet(lines: pd.DataFrame) -> list[dict[Hashable, Any]]:
    chosen = (lines["signal"] == QUIET) & (lines["stage"] == "trained")
    return lines[chosen].to_dict("records")


def _levels(lines: pd.DataFrame) -> Values:
    values: Values = {}
    for row in _quiet(lines):
        if row["n_silent"] == row["n_seeds"]:
            values[row["system"]] = (-math.inf, "silent", "")
        elif row["level_db"] < INAUDIBLE_DB:
            values[row["system"]] = (row["level_db"], f"< {number(INAUDIBLE_DB, 0)}", "")
        else:
            text = number(row["level_db"], 0)
            values[row["system"]] = (row["level_db"], text, _half_width(row, "level", 0))
    return values


def _margins(lines: pd.DataFrame) -> Values:
    values: Values = {}
    for row in _quiet(lines):
        if row["n_silent"] == row["n_seeds"]:
            values[row["system"]] = (-math.inf, "silent", "")
            continue
        margin_db = row["audibility_margin_db"]
        if margin_db < LOWEST_MARGIN_DB:
            values[row["system"]] = (margin_db, f"< {number(LOWEST_MARGIN_DB, 0)}", "")
        else:
            note = _half_width(row, "audibility_margin", 0)
            values[row["system"]] = (margin_db, number(margin_db, 0), note)
    return values


def _half_width(row: dict[Hashable, Any], name: str, digits: int) -> str:
    half = row[f"{name}_high_db"] - row[f"{name}_db"]
    return f"± {half:.{digits}f}" if math.isfinite(half) else ""


def treble_kept(variants: pd.DataFrame) -> dict[str, float]:
    """How much of the music's treble each trained system keeps.

    Args:
        variants: ``variants.csv``.

    Returns:
        dB by system, mean over seeds and songs; empty if it was not measured.
    """
    rows = _of_trained(variants, "treble_level", "music")
    return {
        str(name): float(value) for name, value in rows.groupby("model")["value"].mean().items()
    }


def _of_trained(variants: pd.DataFrame, measure: str, signal: str) -> pd.DataFrame:
    return variants[
        (variants["measure"] == measure)
        & (variants["signal"] == signal)
        & (variants["stage"] == "trained")
        & (variants["layer"] == "output")
        & (variants["arithmetic"] == SEPARATION)
        & variants["source"].isna()
    ]


def _treble_from_hz(variants: pd.DataFrame) -> float | None:
    rows = _of_trained(variants, "treble_level", "music")
    return None if rows.empty else float(rows["frequency_hz"].iloc[0])


def _numbers(by_system: Mapping[str, float] | pd.Series, digits: int = 0) -> Values:
    return {
        str(system): (value, number(round(value, digits) + 0.0, digits), "")
        for system, value in by_system.items()
    }


def _sdr(scores: pd.DataFrame) -> Values:
    values: Values = {}
    for system, row in scores.iterrows():
        half = row["sdr_high_db"] - row["sdr_db"]
        note = f"± {half:.2f}" if math.isfinite(half) else ""
        values[str(system)] = (row["sdr_db"], number(row["sdr_db"], 2), note)
    return values


def _differences(table: pd.DataFrame, looks: Mapping[str, Look]) -> Values:
    values: Values = {}
    for row in table[table["source"] == MEAN].to_dict("records"):
        low, high = row["simultaneous_low_db"], row["simultaneous_high_db"]
        interval = f"[{signed(low, 2)}, {signed(high, 2)}]" if math.isfinite(low) else "no interval"
        note = interval if row["same_network"] else f"{interval} {OTHER_NETWORK}"
        values[row["system"]] = (row["difference_db"], signed(row["difference_db"], 2), note)
    for reference in table["reference"].unique():
        values.setdefault(reference, (0.0, "reference", ""))
    return values


def _steps(in_use: pd.DataFrame) -> Values:
    return {
        str(system): (
            row["ratio_to_transposed"],
            with_interval(row["ratio_to_transposed"], math.nan, 2),
            "",
        )
        for system, row in in_use.iterrows()
    }


def _memory(in_use: pd.DataFrame) -> Values:
    return {
        str(system): (row["peak_bytes"], significant(row["peak_bytes"] / 1e6), "")
        for system, row in in_use.iterrows()
    }


def _parameters(scores: pd.DataFrame) -> Values:
    return {
        str(system): (row["parameters"], millions(row["parameters"]), "")
        for system, row in scores.iterrows()
    }
