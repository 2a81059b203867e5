"""The tone after training, as text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.report.numbers import with_interval

SIGNALS = {
    "silence": "silence",
    "near_silence": "near-silence",
    "noise": "white noise",
    "sweep": "a sweep",
    "impulses": "impulses",
    "speech": "speech",
    "music": "the test songs",
    "quiet": "their quietest passages",
    "excerpt": "a real song",
}
"""Test signals in running text; the user's own sounds keep their names."""

LOWERED_IN = "near_silence"


def after_training_values(
    table: pd.DataFrame, systems: list[str], looks: Mapping[str, Look]
) -> dict[str, Any]:
    """What the section on the tone after training shows.

    Args:
        table: ``after_training.csv``.
        systems: The systems to compare in a sentence: one network with different upsamplers.
        looks: Their names.

    Returns:
        ``audible``, systems with an audible tone: ``{"prose", "signals", "lowering"}``, the signals
        and by how much training lowered the level in near-silence; ``inaudible``, names of those
        whose tone is inaudible or absent with every signal; ``others``, names of the rest;
        ``n_signals`` and ``n_cells``.
    """
    values: dict[str, Any] = {"audible": [], "inaudible": [], "others": []}
    for system in systems:
        rows = table[table["system"] == system].set_index("signal")
        prose = looks[system]["prose_name"]
        signals = rows.index[rows["response"] == "audible"]
        if len(signals):
            mean_db, high_db = (
                float(rows[column].get(LOWERED_IN, math.nan))
                for column in ("lowering_db", "lowering_high_db")
            )
            lowering = with_interval(mean_db, high_db, 0)
            names = [SIGNALS.get(signal, signal) for signal in signals]
            values["audible"].append({"prose": prose, "signals": names, "lowering": lowering})
        elif rows["response"].isin(["inaudible", "silent"]).all():
            values["inaudible"].append(prose)
        else:
            values["others"].append(prose)
    return values | {"n_signals": table["signal"].nunique(), "n_cells": len(table)}
