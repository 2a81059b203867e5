"""Findings from the tables: values for the page's sentences and tables."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from upsampling_artifacts.evaluation.sdr import MEAN, remarks_by_system, summarize_sdr
from upsampling_artifacts.evaluation.unscored_frames import summarize_unscored_frames
from upsampling_artifacts.figures.signal_names import signal_name
from upsampling_artifacts.figures.style import BASELINES, Look
from upsampling_artifacts.probes.line_summary import INAUDIBLE_DB
from upsampling_artifacts.report.numbers import NOTHING, number, percent, with_interval
from upsampling_artifacts.statistics import side_of

SIGNALS = ("silence", "near_silence", "noise", "sweep", "music")
STAGES = ("initialization", "trained")

LOWEST_DB = {"level": INAUDIBLE_DB, "audibility_margin": -40.0, "masking_margin": -40.0}
"""Lower values are rounding errors, or say no more than these."""

STANDS_OUT_BY_CHANCE = 0.001
"""A line is said to stand out if chance explains it with less than this probability: 5 % for about
fifty comparisons (systems and signals)."""


def group_by_network(config: dict[str, Any]) -> dict[str, list[str]]:
    """Group the variants by what they can be compared with.

    Args:
        config: The complete configuration.

    Returns:
        Keys ``same`` (the first variant's network with any upsampling layer), ``modified``
        (modified forms of other systems) and ``other`` (other networks).
    """
    groups: dict[str, list[str]] = {"same": [], "modified": [], "other": []}
    network = _network(config, config["variants"][0])
    for system in config["variants"]:
        group = "same" if _network(config, system) == network else "other"
        modified_from = config["systems"][system]["modified_from"]
        groups["modified" if modified_from else group].append(system)
    return groups


def _network(config: dict[str, Any], system: str) -> tuple[str, dict[str, Any]]:
    row = config["systems"][system]
    return row["architecture"], row["options"]


def tones(
    summary: pd.DataFrame, signal: str, systems: list[str], looks: Mapping[str, Look]
) -> dict[str, list[dict[str, str]]]:
    """Sort the trained systems by their response to a signal: is the tone audible?

    Args:
        summary: From :func:`upsampling_artifacts.probes.line_summary.summarize_lines`.
        signal: One of ``SIGNALS``.
        systems: The systems, in order.
        looks: Their names.

    Returns:
        Keys ``audible`` (the interval of the margin over the threshold is positive),
        ``undecided`` (it includes zero), ``inaudible`` and ``silent``; lists of ``{"name",
        "prose", "margin", "level", "initial_level"}``, the numbers as text in dB.
    """
    lines = _by_key(summary)
    groups: dict[str, list[dict[str, str]]] = {
        "audible": [], "undecided": [], "inaudible": [], "silent": [],
    }  # fmt: skip
    for system in systems:
        trained = lines.get((system, signal, "trained"))
        if trained is None:
            continue
        initial = lines.get((system, signal, "initialization"))
        groups[_response(trained)].append(
            {
                "name": looks[system]["label"],
                "prose": looks[system]["prose_name"],
                "margin": _line_cell(trained, "audibility_margin"),
                "level": _level(trained["level_db"], 0),
                "initial_level": _level(initial["level_db"] if initial else None, 0),
            }
        )
    return groups


def responses(summary: pd.DataFrame, signal: str, systems: list[str]) -> dict[str, str]:
    """Whether the tone of each trained system is audible with a signal.

    Args:
        summary: From :func:`upsampling_artifacts.probes.line_summary.summarize_lines`.
        signal: One of ``SIGNALS``.
        systems: The systems.

    Returns:
        "audible", "undecided", "inaudible" or "silent" by system; systems without the signal are
        left out.
    """
    lines = _by_key(summary)
    trained = {system: lines.get((system, signal, "trained")) for system in systems}
    return {system: _response(row) for system, row in trained.items() if row is not None}


def _by_key(summary: pd.DataFrame) -> dict[tuple[str, str, str], dict[Hashable, Any]]:
    """The rows of a summary by system, signal and stage."""
    return {(row["system"], row["signal"], row["stage"]): row for row in summary.to_dict("records")}


def _response(row: dict[Hashable, Any]) -> str:
    if row["n_silent"] == row["n_seeds"]:
        return "silent"
    margin, low, high = (row[f"audibility_margin{bound}_db"] for bound in ("", "_low", "_high"))
    return {1: "audible", 0: "undecided", -1: "inaudible"}[side_of(0.0, low, high, margin)]


def line_rows(
    summary: pd.DataFrame, systems: list[str], looks: Mapping[str, Look]
) -> list[dict[str, Any]]:
    """The table below the first figure: the tone's level, its margins, and whether it stands out.

    Args:
        summary: From :func:`upsampling_artifacts.probes.line_summary.summarize_lines`.
        systems: The systems, in order.
        looks: Their names.

    Returns:
        ``{"system", "name", "rows"}`` for each system, with one row of text per signal.
    """
    lines = _by_key(summary)
    entries = []
    for system in systems:
        rows = []
        for signal in SIGNALS:
            cells = {"signal": signal_name(signal)}
            for stage in STAGES:
                row = lines.get((system, signal, stage))
                for quantity in ("level", "audibility_margin"):
                    cells[f"{quantity}_{stage}"] = _line_cell(row, quantity)
            trained = lines.get((system, signal, "trained"))
            # In silence, what masks is rounding error.
            over_noise = _line_cell(None if signal == "silence" else trained, "masking_margin")
            cells["masking_margin"] = over_noise
            cells["chance"] = _chance(trained)
            cells["standing_out"] = _standing_out(trained)
            rows.append(cells)
        entries.append({"system": system, "name": looks[system]["label"], "rows": rows})
    return entries


def _chance(row: dict[Hashable, Any] | None) -> str:
    """The tone's rank among the control frequencies, in the output and in the input."""
    if row is None or math.isnan(row["chance"]) or math.isnan(row["prominence_db"]):
        return NOTHING
    return f"{percent(row['chance'])} ({percent(row['input_chance'])})"


def _standing_out(row: dict[Hashable, Any] | None) -> str:
    """In how many outputs the line stands out; a star if chance does not explain as many."""
    if row is None or math.isnan(row["prominence_db"]):
        return NOTHING
    star = "*" if row["by_chance"] < STANDS_OUT_BY_CHANCE else ""
    return f"{row['n_standing_out']} of {row['n_runs']}{star}"


def arithmetic_rows(
    levels: pd.DataFrame, systems: list[str], looks: Mapping[str, Look]
) -> list[dict[str, Any]]:
    """The tone in each arithmetic of the systems that have more than one.

    Args:
        levels: From :func:`upsampling_artifacts.probes.line_summary.summarize_arithmetics`.
        systems: The systems, in order.
        looks: Their names.

    Returns:
        ``{"system", "name", "arithmetic", "implementation", "precision", "levels"}``, the
        levels as text, one per signal of ``SIGNALS``.
    """
    key = ["system", "arithmetic", "implementation", "precision"]
    cells = {
        name: dict(zip(group["signal"], group["level_db"], strict=True))
        for name, group in levels.groupby(key, sort=False)
    }
    return [
        {
            "system": system,
            "name": looks[system]["label"],
            "arithmetic": arithmetic,
            "implementation": implementation,
            "precision": precision,
            "levels": [number(by_signal.get(signal), 0) for signal in SIGNALS],
        }
        for name in systems
        for (system, arithmetic, implementation, precision), by_signal in cells.items()
        if system == name
    ]


def _level(level_db: float | None, digits: int = 1) -> str:
    if level_db is not None and level_db < INAUDIBLE_DB:
        return f"< {number(INAUDIBLE_DB, 0)}"
    return number(level_db, digits)


def _line_cell(row: dict[Hashable, Any] | None, quantity: str) -> str:
    if row is None:
        return NOTHING
    if row["n_silent"] == row["n_seeds"]:
        return "exactly silent"
    lowest_db = LOWEST_DB[quantity]
    if row[f"{quantity}_db"] < lowest_db:
        text = f"< {number(lowest_db, 0)}"
    else:
        text = with_interval(row[f"{quantity}_db"], row[f"{quantity}_high_db"])
    if row["n_silent"]:
        text += f" ({row['n_silent']} of {row['n_seeds']} seeds exactly silent)"
    return text


def score_rows(
    scores: pd.DataFrame,
    songs: list[str],
    systems: list[str],
    sources: list[str],
    looks: Mapping[str, Look],
) -> list[dict[str, Any]]:
    """SDR per source of systems and baselines as text: mean over seeds with interval.

    Args:
        scores: ``scores.csv``.
        songs: The songs over which the median is taken.
        systems: The systems, in order; those without scores are skipped.
        sources: The sources, in order.
        looks: Names of the systems.

    Returns:
        ``{"system", "name", "n_seeds", "cells"}`` for each system, with one cell per source
        and one for their mean.
    """
    labels = {name: look["label"] for name, look in {**looks, **BASELINES}.items()}
    rows = {
        (row["system"], row["source"]): row
        for row in summarize_sdr(scores, songs).to_dict("records")
    }
    n_seeds: dict[str, int] = {}
    for (system, _), row in rows.items():
        n_seeds[system] = max(n_seeds.get(system, 0), row["n_seeds"])

    def cell(system: str, source: str) -> str:
        row = rows.get((system, source))
        return NOTHING if row is None else with_interval(row["sdr_db"], row["sdr_high_db"], 2)

    return [
        {
            "system": system,
            "name": labels[system],
            "n_seeds": n_seeds[system],
            "cells": [cell(system, source) for source in [*sources, MEAN]],
        }
        for system in [*systems, *BASELINES]
        if system in n_seeds
    ]


def unscored_frames(scores: pd.DataFrame) -> dict[str, Any]:
    """Count the one-second frames that museval could not score because a signal was silent.

    Args:
        scores: ``scores.csv``.

    Returns:
        ``n_frames`` and ``n_unscored`` per system; ``same_for_all``, whether all systems have the
        same count (if not, ``n_unscored`` sums the largest count of each song); and ``songs``,
        ``{"song", "n_frames", "n_unscored"}`` of those with unscored frames. A run whose estimates
        of a song are faulty does not count there; ``remarks`` has a line for each such system.
    """
    sdr = scores[scores["metric"] == "SDR"]
    if "remark" in sdr:
        sdr = sdr[~sdr["remark"].astype(str).str.startswith("not scored")]
    counts = sdr.assign(n_unscored=sdr["n_frames"] - sdr["n_frames_scored"])
    by_song = counts.groupby("song", sort=False)[["n_frames", "n_unscored"]].max()
    n_counts = counts.groupby("song")["n_unscored"].nunique()
    return {
        "n_frames": int(by_song["n_frames"].sum()),
        "n_unscored": int(by_song["n_unscored"].sum()),
        "same_for_all": bool((n_counts <= 1).all()),
        "songs": by_song[by_song["n_unscored"] > 0].reset_index().to_dict("records"),
        "remarks": remarks_by_system(scores, list(scores["song"].unique())),
    }


def unscored_tones(
    unscored: pd.DataFrame, tone_hz: float, looks: Mapping[str, Look]
) -> list[dict[str, str]]:
    """The tone in the estimates of silent stems, in frames that museval could not score.

    Args:
        unscored: ``unscored_frames.csv``.
        tone_hz: Frequency of the tone.
        looks: Names of the systems.

    Returns:
        ``{"system", "name", "n_silent", "level", "margin"}`` for each system and baseline, as
        text; empty if no frame has a silent stem.
    """
    labels = {name: look["label"] for name, look in {**looks, **BASELINES}.items()}
    return [
        {
            "system": row["system"],
            "name": labels[row["system"]],
            "n_silent": number(row["n_silent"], 0),
            "level": _median_cell(row, "level"),
            "margin": _median_cell(row, "masking_margin"),
        }
        for row in summarize_unscored_frames(unscored, tone_hz).to_dict("records")
    ]


def _median_cell(row: dict[Hashable, Any], quantity: str) -> str:
    if row["n_exactly_silent"] == row["n_seeds"]:
        return "exactly silent"
    return with_interval(row[f"{quantity}_db"], row[f"{quantity}_high_db"])
