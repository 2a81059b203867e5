"""What the tables say, in values that the page's sentences are made of."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from upsampling_artifacts.evaluation.sdr import MEAN, summarize_sdr
from upsampling_artifacts.figures.style import BASELINES, Look
from upsampling_artifacts.probes.line_summary import CHANCE_DB, UNHEARD_DB
from upsampling_artifacts.report.numbers import NOTHING, number, with_interval

SIGNALS = {"silence": "silence", "noise": "white noise", "music": "music"}
STAGES = ("initialization", "trained")


def kinds_of_systems(config: dict) -> dict[str, list[str]]:
    """The variants by what they can be compared with.

    Args:
        config: The complete configuration.

    Returns:
        Keys ``same`` (the first variant's network, with one upsampling layer or another),
        ``modified`` (modified forms of other systems) and ``other`` (other networks).
    """
    kinds = {"same": [], "modified": [], "other": []}
    network = _network_of(config, config["variants"][0])
    for system in config["variants"]:
        same = "same" if _network_of(config, system) == network else "other"
        modified_from = config["systems"][system]["modified_from"]
        kinds["modified" if modified_from else same].append(system)
    return kinds


def _network_of(config: dict, system: str) -> tuple[str, dict]:
    row = config["systems"][system]
    return row["architecture"], row["options"]


def tones(
    summary: pd.DataFrame, signal: str, systems: list[str], looks: Mapping[str, Look]
) -> dict[str, list[dict]]:
    """Which trained systems answer a signal with a tone, which do not, and which are silent.

    A tone stands out more than chance would have it, and above where 16-bit audio ends.

    Args:
        summary: As :func:`summarise_lines` gives it.
        signal: "silence", "noise" or "music".
        systems: The systems, in order.
        looks: Their names.

    Returns:
        Keys ``tone``, ``undecided`` (the mean says tone, but the interval reaches chance),
        ``no_tone`` and ``silent``; lists of ``{"name", "prose", "prominence", "level",
        "initial_prominence"}``, the numbers as text in dB.
    """
    answer = {"tone": [], "undecided": [], "no_tone": [], "silent": []}
    table = summary[summary["signal"] == signal].set_index(["system", "stage"])
    for system in systems:
        if (system, "trained") not in table.index:
            continue
        row = table.loc[(system, "trained")]
        initial = (
            table.loc[(system, "initialization")]
            if (system, "initialization") in table.index
            else None
        )
        about = {
            "name": looks[system]["label"],
            "prose": looks[system]["prose_name"],
            "prominence": _line_cell(row, "prominence"),
            "level": number(row["level_db"], 0),
            "initial_prominence": _line_cell(initial, "prominence"),
        }
        answer[_kind_of(row)].append(about)
    return answer


def _kind_of(row: pd.Series) -> str:
    if row["n_silent"] == row["n_seeds"]:
        return "silent"
    if not (row["prominence_db"] > CHANCE_DB and row["level_db"] > UNHEARD_DB):
        return "no_tone"
    # One seed has no interval: then its value decides.
    return "undecided" if row["prominence_low_db"] <= CHANCE_DB else "tone"


def line_rows(summary: pd.DataFrame, systems: list[str], looks: Mapping[str, Look]) -> list[dict]:
    """The table beneath the first picture: one entry per system, one row per signal in it."""
    table = summary.set_index(["system", "signal", "stage"])
    entries = []
    for system in systems:
        rows = []
        for signal, name in SIGNALS.items():
            cells = {"signal": name}
            for stage in STAGES:
                key = (system, signal, stage)
                row = table.loc[key] if key in table.index else None
                for value in ("prominence", "level"):
                    cells[f"{value}_{stage}"] = _line_cell(row, value)
            rows.append(cells)
        entries.append({"name": looks[system]["label"], "rows": rows})
    return entries


def _line_cell(row: pd.Series | None, value: str) -> str:
    if row is None:
        return "-"
    if row["n_silent"] == row["n_seeds"]:
        return "exactly silent"
    text = with_interval(row[f"{value}_db"], row[f"{value}_high_db"])
    if row["n_silent"]:
        text += f" ({row['n_silent']} of {row['n_seeds']} seeds exactly silent)"
    return text


def score_rows(
    scores: pd.DataFrame,
    songs: list[str],
    systems: list[str],
    sources: list[str],
    looks: Mapping[str, Look],
) -> list[dict]:
    """SDR per source, mean over seeds with intervals, as text: systems, then baselines.

    Returns:
        ``{"name", "n_seeds", "cells"}`` with one cell per source and one for their mean.
    """
    labels = {name: look["label"] for name, look in {**looks, **BASELINES}.items()}
    summary = summarize_sdr(scores, songs).set_index(["system", "source"])
    cells = {
        key: with_interval(row["sdr_db"], row["sdr_high_db"], 2)
        for key, row in summary.to_dict("index").items()
    }
    n_seeds = summary.groupby("system")["n_seeds"].max()
    return [
        {
            "name": labels[system],
            "n_seeds": int(n_seeds[system]),
            "cells": [cells.get((system, source), NOTHING) for source in [*sources, MEAN]],
        }
        for system in [*systems, *BASELINES]
        if system in n_seeds.index
    ]


def unscored_frames(scores: pd.DataFrame) -> dict[str, object]:
    """Frames of one second that museval could not score, because something in them was silent.

    Returns:
        ``n_frames`` and ``n_unscored`` of one system (the same for all of them, if
        ``same_for_all``), and ``songs``: ``{"song", "n_frames", "n_unscored"}`` of those that
        have any.
    """
    sdr = scores[scores["metric"] == "SDR"]
    counts = sdr.assign(n_unscored=sdr["n_frames"] - sdr["n_frames_scored"])
    by_song = counts.groupby("song", sort=False)[["n_frames", "n_unscored"]].max()
    spread = counts.groupby("song")["n_unscored"].nunique()
    return {
        "n_frames": int(by_song["n_frames"].sum()),
        "n_unscored": int(by_song["n_unscored"].sum()),
        "same_for_all": bool((spread <= 1).all()),
        "songs": by_song[by_song["n_unscored"] > 0].reset_index().to_dict("records"),
    }


def sdr_range(
    table_1: pd.DataFrame, systems: list[str], looks: Mapping[str, Look]
) -> dict[str, object] | None:
    """Best and worst of our systems by mean SDR; None if fewer than two have one.

    Returns:
        ``best`` and ``worst`` as ``{"name", "sdr"}``, ``difference`` in dB as text, and
        ``overlap``: whether their intervals do (None if there are none).
    """
    ours = table_1[table_1["system"].isin(systems)].dropna(subset=["sdr_db"])
    if len(ours) < 2:
        return None
    ours = ours.sort_values("sdr_db")
    worst, best = ours.iloc[0], ours.iloc[-1]
    bounds = [best["sdr_low_db"], worst["sdr_high_db"]]
    return {
        "best": _sdr_of(best, looks),
        "worst": _sdr_of(worst, looks),
        "difference": number(best["sdr_db"] - worst["sdr_db"], 2),
        "overlap": bool(bounds[0] <= bounds[1]) if np.isfinite(bounds).all() else None,
    }


def _sdr_of(row: pd.Series, looks: Mapping[str, Look]) -> dict[str, str]:
    return {
        "name": looks[row["system"]]["prose_name"],
        "sdr": with_interval(row["sdr_db"], row["sdr_high_db"], 2),
    }
