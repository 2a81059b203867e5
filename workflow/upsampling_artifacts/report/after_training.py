"""The tone after training, as text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from upsampling_artifacts.figures.signal_names import signal_name
from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.report.numbers import with_interval

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
        ``audible``, systems with an audible tone: ``{"prose", "signals"}``; ``lowered`` and
        ``raised``, which of these training made less or more loud in near-silence, with the whole
        interval: ``{"prose", "by"}``; ``inaudible``, names of those whose tone is inaudible or
        absent with every signal; ``n_signals`` and ``n_cells``.
    """
    values: dict[str, Any] = {"audible": [], "lowered": [], "raised": [], "inaudible": []}
    for system in systems:
        rows = table[table["system"] == system].set_index("signal")
        if rows.empty:  # no layer of it makes a tone there
            continue
        prose = looks[system]["prose_name"]
        signals = rows.index[rows["response"] == "audible"]
        if len(signals):
            mean_db, low_db, high_db = (
                float(rows[column].get(LOWERED_IN, math.nan))
                for column in ("lowering_db", "lowering_low_db", "lowering_high_db")
            )
            by = with_interval(abs(mean_db), abs(mean_db) + high_db - mean_db, 0)
            single = math.isnan(low_db) and not math.isnan(mean_db)  # one seed has no interval
            if single or low_db > 0 or high_db < 0:
                values["lowered" if mean_db > 0 else "raised"].append({"prose": prose, "by": by})
            names = [signal_name(signal) for signal in signals]
            values["audible"].append({"prose": prose, "signals": names})
        elif rows["response"].isin(["inaudible", "silent"]).all():
            values["inaudible"].append(prose)
    return values | {"n_signals": table["signal"].nunique(), "n_cells": len(table)}
