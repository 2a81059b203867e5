"""SDR differences in words: what is resolved, and what of the paper's differences is seen."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from upsampling_artifacts.evaluation.sdr import MEAN
from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.report.numbers import NOTHING, number, signed

Row = dict[Hashable, Any]
"""A row of ``sdr_differences.csv``."""


def sdr_statement(table: pd.DataFrame, looks: Mapping[str, Look]) -> dict[str, Any] | None:
    """Values for the sentence that compares upsamplers in one network.

    Args:
        table: ``sdr_differences.csv``.
        looks: Names of the systems.

    Returns:
        ``reference`` (its name); ``n_seeds`` and ``n_songs``, the smallest; ``resolved``,
        ``unresolved`` and ``papers``. Systems whose simultaneous interval excludes zero are
        resolved: ``{"name", "direction" ("higher" or "lower"), "size", "interval"}``. For the
        others, ``unresolved`` has ``names`` and ``bound``, the largest difference in either
        direction that an interval includes; None without an interval. ``papers`` lists
        ``{"name", "difference", "verdict"}`` (:func:`paper_verdict`). None if no two systems share
        a network.
    """
    rows = _rows(table, same_network=True)
    if not rows:
        return None
    unresolved = [row for row in rows if not _is_resolved(row)]
    bounds = [[row["simultaneous_low_db"], row["simultaneous_high_db"]] for row in unresolved]
    bound = float(np.max(np.abs(bounds), initial=0.0))
    return {
        "reference": looks[rows[0]["reference"]]["prose_name"],
        "n_seeds": min(row["n_seeds"] for row in rows),
        "n_songs": min(row["n_songs"] for row in rows),
        "n_comparisons": len(rows),
        "resolved": [
            {
                "name": looks[row["system"]]["prose_name"],
                "direction": "higher" if row["difference_db"] > 0 else "lower",
                "size": number(abs(row["difference_db"]), 2),
                "interval": _interval(row, "simultaneous_"),
            }
            for row in rows
            if _is_resolved(row)
        ],
        "unresolved": {
            "names": [looks[row["system"]]["prose_name"] for row in unresolved],
            # Rounded up: rounded down, it would claim more than the interval says.
            "bound": number(math.ceil(100 * bound) / 100, 2) if math.isfinite(bound) else None,
        },
        "papers": [
            {
                "name": looks[row["system"]]["prose_name"],
                "difference": signed(row["paper_difference_db"], 2),
                "verdict": paper_verdict(row),
            }
            for row in rows
            if math.isfinite(row["paper_difference_db"])
        ],
    }


def difference_groups(table: pd.DataFrame, looks: Mapping[str, Look]) -> list[dict[str, Any]]:
    """The table of differences in the mean over sources: in one network, and between networks.

    Args:
        table: ``sdr_differences.csv``.
        looks: Names of the systems.

    Returns:
        ``{"same_network", "n_comparisons", "rows"}`` for each group that has rows, with text in
        dB.
    """
    groups = []
    for same_network in (True, False):
        rows = _rows(table, same_network)
        cells = [
            {
                "system": row["system"],
                "name": looks[row["system"]]["label"],
                "reference": looks[row["reference"]]["label"],
                "difference": signed(row["difference_db"], 2),
                "interval": _interval(row, ""),
                "simultaneous": _interval(row, "simultaneous_"),
                "of_medians": signed(row["difference_of_medians_db"], 2),
                "paper": signed(row["paper_difference_db"], 2),
                "verdict": paper_verdict(row),
            }
            for row in rows
        ]
        if cells:
            groups.append(
                {"same_network": same_network, "n_comparisons": len(cells), "rows": cells}
            )
    return groups


def paper_verdict(row: Mapping[Hashable, Any]) -> str:
    """What a simultaneous interval says of the paper's difference.

    Args:
        row: A row of ``sdr_differences.csv``.

    Returns:
        "excluded" if the interval does not include the paper's difference; "seen" if it does, and
        excludes zero; "open" if it includes both; a dash without an interval or without a
        difference in the paper.
    """
    low, high = row["simultaneous_low_db"], row["simultaneous_high_db"]
    paper = row["paper_difference_db"]
    if not np.isfinite([low, high, paper]).all():
        return NOTHING
    if not low <= paper <= high:
        return "excluded"
    return "seen" if _is_resolved(row) else "open"


def _rows(table: pd.DataFrame, same_network: bool) -> list[Row]:
    rows = table[(table["source"] == MEAN) & (table["same_network"] == same_network)]
    return rows.to_dict("records")


def _is_resolved(row: Mapping[Hashable, Any]) -> bool:
    """Whether the simultaneous interval excludes zero; without an interval, nothing is resolved."""
    return bool(row["simultaneous_low_db"] > 0 or row["simultaneous_high_db"] < 0)


def _interval(row: Mapping[Hashable, Any], kind: str) -> str:
    low, high = row[f"{kind}low_db"], row[f"{kind}high_db"]
    return f"[{signed(low, 2)}, {signed(high, 2)}]" if math.isfinite(low) else NOTHING
