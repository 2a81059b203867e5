"""The tone over training, as text."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.probes.line_summary import INAUDIBLE_DB
from upsampling_artifacts.probes.measures_table import SNAPSHOT
from upsampling_artifacts.probes.over_training import first_step_above
from upsampling_artifacts.report.numbers import number
from upsampling_artifacts.statistics import side_of

SIGNAL = "near_silence"
"""The signal of the sentences: in exact silence, networks without biases say nothing."""


def over_training_values(
    table: pd.DataFrame, systems: list[str], looks: Mapping[str, Look]
) -> dict[str, Any]:
    """What the section on the tone over training says.

    Args:
        table: ``over_training.csv``.
        systems: The systems, in order.
        looks: Their names.

    Returns:
        ``n_snapshots``; ``n_seeds``; and the systems whose tone is, in near-silence, audible
        ``always`` (from initialization to the end), ``later`` (from a step to the end, but
        inaudible at initialization) or ``not_in_the_end``, or else ``undecided``; as ``{"prose",
        "step", "appears", "initial_level", "level"}``: the step from which it is audible, that from
        which it is above ``INAUDIBLE_DB``, and its levels in dB.
    """
    quiet, snapshots = table[table["signal"] == SIGNAL], table[table["stage"] == SNAPSHOT]
    groups: dict[str, list[dict[str, Any]]] = {
        "always": [], "later": [], "not_in_the_end": [], "undecided": [],
    }  # fmt: skip
    for system in systems:
        rows = quiet[quiet["system"] == system]
        if rows.empty:  # no layer of it makes a tone there
            continue
        stages = rows[rows["stage"] != SNAPSHOT].set_index("stage")
        levels_db, step = stages["level_db"], first_step_above(rows, "audibility_margin", 0.0)
        groups[_group(step, stages.to_dict("index"))].append(
            {
                "prose": looks[system]["prose_name"],
                "step": str(step),
                "appears": str(first_step_above(rows, "level", INAUDIBLE_DB)),
                "initial_level": _level(levels_db["initialization"]),
                "level": _level(levels_db["trained"]),
            }
        )
    return {
        **groups,
        "n_snapshots": max(snapshots.groupby("system")["step"].nunique(), default=0),
        "n_seeds": int(table["n_seeds"].max()),
    }


def _group(first_step: int | None, stages: dict[Hashable, dict[Hashable, Any]]) -> str:
    """The group of a system: when its tone is audible."""
    if first_step == 0:
        return "always"
    if first_step is not None and _is_inaudible(stages["initialization"]):
        return "later"
    in_the_end = first_step is not None or not _is_inaudible(stages["trained"])
    return "undecided" if in_the_end else "not_in_the_end"


def _is_inaudible(row: dict[Hashable, Any]) -> bool:
    """Whether the whole interval is below the threshold; exact silence has no margin."""
    margin, low, high = (row[f"audibility_margin{bound}_db"] for bound in ("", "_low", "_high"))
    return math.isnan(margin) or side_of(0.0, low, high, margin) < 0


def _level(level_db: float) -> str:
    if level_db < INAUDIBLE_DB:
        return f"below {number(INAUDIBLE_DB, 0)}"
    return number(level_db, 0)
