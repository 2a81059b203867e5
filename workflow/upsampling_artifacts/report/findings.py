"""Findings from the tables: values for the page's sentences and tables."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from upsampling_artifacts.evaluation.sdr import MEAN, summarize_sdr
from upsampling_artifacts.evaluation.unscored_frames import summarize_unscored_frames
from upsampling_artifacts.figures.style import BASELINES, Look
from upsampling_artifacts.probes.line_summary import CHANCE_DB, INAUDIBLE_DB
from upsampling_artifacts.report.numbers import NOTHING, number, with_interval

SIGNALS = {"silence": "silence", "noise": "white noise", "music": "music"}
STAGES = ("initialization", "trained")


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
    """Sort the trained systems by their response to a signal: a tone, no tone, or silence.

    A tone exceeds both the prominence that noise has by chance and the resolution of 16-bit
    audio.

    Args:
        summary: From :func:`upsampling_artifacts.probes.line_summary.summarize_lines`.
        signal: "silence", "noise" or "music".
        systems: The systems, in order.
        looks: Their names.

    Returns:
        Keys ``tone``, ``undecided`` (the mean prominence exceeds chance, but its interval does
        not), ``no_tone`` and ``silent``; lists of ``{"name", "prose", "prominence", "level",
        "initial_prominence"}``, the numbers as text in dB.
    """
    lines = _by_key(summary)
    responses: dict[str, list[dict[str, str]]] = {
        "tone": [], "undecided": [], "no_tone": [], "silent": [],
    }  # fmt: skip
    for system in systems:
        trained = lines.get((system, signal, "trained"))
        if trained is None:
            continue
        responses[_response(trained)].append(
            {
                "name": looks[system]["label"],
                "prose": looks[system]["prose_name"],
                "prominence": _line_cell(trained, "prominence"),
                "level": number(trained["level_db"], 0),
                "initial_prominence": _line_cell(
                    lines.get((system, signal, "initialization")), "prominence"
                ),
            }
        )
    return responses


def _by_key(summary: pd.DataFrame) -> dict[tuple[str, str, str], dict[Hashable, Any]]:
    """The rows of a summary by system, signal and stage."""
    return {(row["system"], row["signal"], row["stage"]): row for row in summary.to_dict("records")}


def _response(row: dict[Hashable, Any]) -> str:
    if row["n_silent"] == row["n_seeds"]:
        return "silent"
    if not (row["prominence_db"] > CHANCE_DB and row["level_db"] > INAUDIBLE_DB):
        return "no_tone"
    # A single seed has no interval: its value decides.
    return "undecided" if row["prominence_low_db"] <= CHANCE_DB else "tone"


def line_rows(
    summary: pd.DataFrame, systems: list[str], looks: Mapping[str, Look]
) -> list[dict[str, Any]]:
    """The table below the first figure: level and prominence of the line.

    Args:
        summary: From :func:`upsampling_artifacts.probes.line_summary.summarize_lines`.
        systems: The systems, in order.
        looks: Their names.

    Returns:
        ``{"name", "rows"}`` for each system, with one row of text per signal.
    """
    lines = _by_key(summary)
    entries = []
    for system in systems:
        rows = []
        for signal, name in SIGNALS.items():
            cells = {"signal": name}
            for stage in STAGES:
                row = lines.get((system, signal, stage))
                for quantity in ("prominence", "level"):
                    cells[f"{quantity}_{stage}"] = _line_cell(row, quantity)
            rows.append(cells)
        entries.append({"name": looks[system]["label"], "rows": rows})
    return entries


def _line_cell(row: dict[Hashable, Any] | None, quantity: str) -> str:
    if row is None:
        return NOTHING
    if row["n_silent"] == row["n_seeds"]:
        return "exactly silent"
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
        ``{"name", "n_seeds", "cells"}`` for each system, with one cell per source and one for
        their mean.
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
        ``{"song", "n_frames", "n_unscored"}`` of those with unscored frames.
    """
    sdr = scores[scores["metric"] == "SDR"]
    counts = sdr.assign(n_unscored=sdr["n_frames"] - sdr["n_frames_scored"])
    by_song = counts.groupby("song", sort=False)[["n_frames", "n_unscored"]].max()
    n_counts = counts.groupby("song")["n_unscored"].nunique()
    return {
        "n_frames": int(by_song["n_frames"].sum()),
        "n_unscored": int(by_song["n_unscored"].sum()),
        "same_for_all": bool((n_counts <= 1).all()),
        "songs": by_song[by_song["n_unscored"] > 0].reset_index().to_dict("records"),
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
        ``{"name", "n_silent", "level", "margin"}`` for each system and baseline, as text; empty if
        no frame has a silent stem.
    """
    labels = {name: look["label"] for name, look in {**looks, **BASELINES}.items()}
    return [
        {
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
