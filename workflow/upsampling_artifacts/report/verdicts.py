"""The paper's claims and our verdicts, as text."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import pandas as pd

from upsampling_artifacts.evaluation.claims import ZERO_LEVEL_DB
from upsampling_artifacts.report.numbers import NOTHING, number


def claim_rows(claims: pd.DataFrame) -> list[dict[str, Any]]:
    """Group the rows of ``claims.csv`` by claim.

    Args:
        claims: ``claims.csv``.

    Returns:
        ``{"claim", "section", "rows"}`` for each claim. Each row has ``statement``, ``measure``,
        ``value`` (with its interval), ``criterion`` ("> 10 dB"), ``n_seeds`` and ``verdict``:
        "holds", "does not hold", or "open" if the interval includes the threshold.
    """
    groups: dict[str, dict[str, Any]] = {}
    for row in claims.to_dict("records"):
        group = groups.setdefault(
            row["claim"], {"claim": row["claim"], "section": row["section"], "rows": []}
        )
        sign = ">" if row["must_be"] == "above" else "<"
        unit = "" if row["unit"] == "1" else f" {row['unit']}"
        group["rows"].append(
            {
                "statement": row["statement"],
                "measure": row["measure"],
                "value": _value(row, unit),
                "criterion": f"{sign} {_short(row['threshold'])}{unit}",
                "n_seeds": int(row["n_seeds"]),
                "verdict": _verdict(row),
            }
        )
    return list(groups.values())


def _verdict(row: dict[Hashable, Any]) -> str:
    if row["holds"]:
        return "holds"
    is_open = row["low"] <= row["threshold"] <= row["high"]
    return "open" if is_open else "does not hold"


def _value(row: dict[Hashable, Any], unit: str) -> str:
    if math.isnan(row["value"]):
        return NOTHING
    text = _short(row["value"])
    if math.isfinite(row["low"]) and row["high"] > row["low"]:
        text += f" ({_short(row['low'])} to {_short(row['high'])})"
    return text + unit


def _short(value: float) -> str:
    """One decimal for ordinary numbers, a power of ten for numbers close to zero."""
    if value <= ZERO_LEVEL_DB:
        return "−∞"
    if value and abs(value) < 0.01:
        return f"{value:.1g}".replace("-", "−")
    # Rounding can leave a negative zero; adding 0.0 removes its sign.
    return number(round(value, 1) + 0.0, 1).removesuffix(".0")
