"""The paper's claims and our verdicts, as text."""

from __future__ import annotations

import math
from collections.abc import Container, Hashable
from typing import Any

import pandas as pd

from upsampling_artifacts.evaluation.claims import DOES_NOT_HOLD, HOLDS, UNDECIDED
from upsampling_artifacts.report.numbers import number

Row = dict[Hashable, Any]

FIGURES = ("figures", "figures of the paper")
SHOWN = {
    "C1": ("figure_1", "Figure 1"),
    "C2": ("figure_2", "Figure 2"),
    "C3": ("figure_3", "Figure 3"),
    "C4": ("figure_4", "Figure 4"),
    "C5": ("figure_5", "Figure 5"),
    "C6": ("figure_6", "Figure 6"),
    "C7": ("layers", "single layers"),
    "C8": ("figure_7", "Figure 7"),
    "C9": ("figure_8", "Figures 7 and 8"),
    "C10": ("figure_8", "Figure 8"),
    "C11": ("figure_6", "Figure 6"),
    "C12": ("figure_9", "Figure 9"),
    "C13": ("figure_9", "Figure 9"),
    "C14": ("over-training", "tone over training"),
    "C15": ("after-training", "after training"),
    "C16": ("after-training", "after training"),
    "C17": ("training", "SDR"),
    "C18": ("losses", "gradients of losses"),
    "C19": ("losses", "gradients of losses"),
    "C20": ("over-training", "tone over training"),
}
"""Where the page shows what a claim is about: its place and what is there."""


def claim_values(claims: pd.DataFrame, drawn: Container[str] = ()) -> dict[str, Any]:
    """The claims by kind, and how many hold.

    Args:
        claims: ``claims.csv``.
        drawn: Names of the paper's figures that the page shows.

    Returns:
        ``measurements`` and ``theorems`` (from :func:`claim_rows`), ``readings`` (from
        :func:`reading_table`), and ``count``, from "measurement" and "theorem" to the number of
        rows per verdict and their sum, ``all``.
    """
    by_kind = {
        kind: claims[claims["kind"] == kind] for kind in ("measurement", "theorem", "reading")
    }
    return {
        "measurements": claim_rows(by_kind["measurement"], drawn),
        "theorems": claim_rows(by_kind["theorem"], drawn),
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


def claim_rows(claims: pd.DataFrame, drawn: Container[str] = ()) -> list[dict[str, Any]]:
    """Group rows of ``claims.csv`` by claim.

    Args:
        claims: Rows of ``claims.csv``.
        drawn: Names of the paper's figures that the page shows.

    Returns:
        ``{"claim", "section", "place", "shown", "rows"}`` for each claim, with the values of
        ``SHOWN``. Each row has ``statement``, ``measure``, ``value`` (with its interval),
        ``criterion`` ("> 10 dB"), ``n_seeds``, ``n_songs``, ``n_comparisons`` and ``verdict``:
        "holds", "does not hold", or "undecided" if the interval includes the threshold.
    """
    groups: dict[str, dict[str, Any]] = {}
    for row in claims.to_dict("records"):
        claim = row["claim"]
        place, shown = SHOWN.get(claim, FIGURES)
        if place.startswith("figure_") and place not in drawn:
            place, shown = FIGURES
        group = groups.setdefault(
            claim,
            {"claim": claim, "section": row["section"], "place": place, "shown": shown, "rows": []},
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
        cell = {
            "mean": _short(row["value"], _decimals(row)) + _unit(row),
            "interval": _interval(row),
        }
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
    """A number with its interval and unit, with as many digits as the interval allows."""
    interval = _interval(row)
    value = _short(row["value"], _decimals(row))
    return value + (f" ({interval})" if interval else "") + _unit(row)


def _interval(row: Row) -> str:
    """Empty if there is none, or if all seeds have the same value."""
    if math.isfinite(row["low"]) and row["high"] > row["low"]:
        decimals = _decimals(row)
        return f"{_short(row['low'], decimals)} to {_short(row['high'], decimals)}"
    return ""


def _decimals(row: Row) -> int:
    """Decimals to show: the last digit is a third to a thirtieth of the interval's half-width."""
    half_width = (row["high"] - row["low"]) / 2
    if not math.isfinite(half_width) or half_width <= 0:
        return 1
    return min(max(-math.floor(math.log10(half_width / 3)), 0), 3)


def _unit(row: Row) -> str:
    return "" if row["unit"] == "1" else f" {row['unit']}"


def _short(value: float, decimals: int = 1) -> str:
    """A number with at most ``decimals``; a power of ten if that would leave nothing of it."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value and abs(value) < 0.01 and decimals != 2:
        return f"{value:.1g}".replace("e-0", "e-").replace("-", "−")
    # Rounding can leave a negative zero; adding 0.0 removes its sign.
    text = number(round(value, decimals) + 0.0, decimals)
    return text.rstrip("0").rstrip(".") if "." in text else text
