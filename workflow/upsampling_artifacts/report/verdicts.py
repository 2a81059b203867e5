"""The paper's claims and our verdicts, as text."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import pandas as pd

from upsampling_artifacts.evaluation.claims import DOES_NOT_HOLD, HOLDS, UNDECIDED
from upsampling_artifacts.report.numbers import number

Row = dict[Hashable, Any]


def claim_values(claims: pd.DataFrame) -> dict[str, Any]:
    """The claims by kind, and how many hold.

    Args:
        claims: ``claims.csv``.

    Returns:
        ``measurements`` and ``theorems`` (from :func:`claim_rows`), ``readings`` (from
        :func:`reading_table`), and ``count``, from "measurement" and "theorem" to the number of
        rows per verdict and their sum, ``all``.
    """
    by_kind = {
        kind: claims[claims["kind"] == kind] for kind in ("measurement", "theorem", "reading")
    }
    return {
        "measurements": claim_rows(by_kind["measurement"]),
        "theorems": claim_rows(by_kind["theorem"]),
        "readings": reading_table(by_kind["reading"]),
        "count": {kind: _count(by_kind[kind]) for kind in ("measurement", "theorem")},
    }


def _count(claims: pd.DataFrame) -> dict[str, int]:
    verdicts = list(claims["verdict"])
    return {
        "all": len(verdicts),
        "hold": verdicts.count(HOLDS),
        "fail": verdicts.count(DOES_NOT_HOLD),
        "undecided": verdicts.count(UNDECIDED),
    }


def claim_rows(claims: pd.DataFrame) -> list[dict[str, Any]]:
    """Group rows of ``claims.csv`` by claim.

    Args:
        claims: Rows of ``claims.csv``.

    Returns:
        ``{"claim", "section", "rows"}`` for each claim. Each row has ``statement``, ``measure``,
        ``value`` (with its interval), ``criterion`` ("> 10 dB"), ``n_seeds``, ``n_songs``,
        ``n_comparisons`` and ``verdict``: "holds", "does not hold", or "undecided" if the interval
        includes the threshold.
    """
    groups: dict[str, dict[str, Any]] = {}
    for row in claims.to_dict("records"):
        group = groups.setdefault(
            row["claim"], {"claim": row["claim"], "section": row["section"], "rows": []}
        )
        group["rows"].append(
            {
                "statement": row["statement"],
                "measure": row["measure"],
                "value": claim_value(row),
                "criterion": _criterion(row),
                "n_seeds": int(row["n_seeds"]),
                "n_songs": int(row["n_songs"]),
                "n_comparisons": int(row["n_comparisons"]),
                "verdict": row["verdict"],
            }
        )
    return list(groups.values())


def reading_table(claims: pd.DataFrame) -> dict[str, Any]:
    """Arrange the readings: one row per reading, one column per criterion.

    Args:
        claims: The readings among the rows of ``claims.csv``. Their statements are
            "<reading>: <criterion>".

    Returns:
        ``columns``, ``{"name", "criterion"}`` for each criterion, and ``rows``, ``{"reading",
        "cells", "fits"}`` for each reading. A cell has ``mean``, ``interval`` and ``verdict``,
        or is None if it was not measured. A reading fits if all its cells hold.
    """
    columns: dict[str, str] = {}
    rows: dict[str, dict[str, dict[str, str]]] = {}
    for row in claims.to_dict("records"):
        reading, name = row["statement"].split(": ", 1)
        columns[name] = _criterion(row)
        cell = {"mean": _short(row["value"]) + _unit(row), "interval": _interval(row)}
        rows.setdefault(reading, {})[name] = cell | {"verdict": row["verdict"]}
    return {
        "columns": [{"name": name, "criterion": text} for name, text in columns.items()],
        "rows": [
            {
                "reading": reading,
                "cells": [cells.get(name) for name in columns],
                "fits": all(cell["verdict"] == HOLDS for cell in cells.values()),
            }
            for reading, cells in rows.items()
        ],
    }


def _criterion(row: Row) -> str:
    sign = ">" if row["must_be"] == "above" else "<"
    return f"{sign} {_short(row['threshold'])}{_unit(row)}"


def claim_value(row: Row) -> str:
    interval = _interval(row)
    return _short(row["value"]) + (f" ({interval})" if interval else "") + _unit(row)


def _interval(row: Row) -> str:
    """Empty if there is none, or if all seeds have the same value."""
    if math.isfinite(row["low"]) and row["high"] > row["low"]:
        return f"{_short(row['low'])} to {_short(row['high'])}"
    return ""


def _unit(row: Row) -> str:
    return "" if row["unit"] == "1" else f" {row['unit']}"


def _short(value: float) -> str:
    """One decimal for ordinary numbers, a power of ten for numbers close to zero."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value and abs(value) < 0.01:
        return f"{value:.1g}".replace("e-0", "e-").replace("-", "−")
    # Rounding can leave a negative zero; adding 0.0 removes its sign.
    return number(round(value, 1) + 0.0, 1).removesuffix(".0")
