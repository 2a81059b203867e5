"""Remedies for tones, as text: what each does to the tone, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.probes.line_summary import INAUDIBLE_DB
from upsampling_artifacts.report.numbers import NOTHING, number, signed, with_interval
from upsampling_artifacts.statistics import side_of

Row = dict[Hashable, Any]
"""A row of ``remedies_summary.csv``."""

SIGNALS = ("silence", "near_silence", "noise", "music")
QUIET = "near_silence"
"""The signal of the verdict: a network without biases answers silence with silence."""

LOWEST_MARGIN_DB = -40.0
"""Lower margins say no more than this."""


def remedy_groups(summary: pd.DataFrame, looks: Mapping[str, Look]) -> list[dict[str, Any]]:
    """What the section on remedies shows: one group per system that has some.

    Args:
        summary: ``remedies_summary.csv``.
        looks: Names of the systems.

    Returns:
        For each system without a remedy: ``name`` and ``prose``; ``n_seeds``, ``n_songs`` and
        ``n_comparisons`` (of SDR); ``rows``, doing nothing first, with the cells of the table; and
        the names of the remedies by verdict on the tone in near-silence, ``audible``,
        ``undecided``, ``inaudible``; those that cost SDR (``worse``) or gain it (``better``); and
        ``bound``, the largest change in SDR that the intervals of the others include, None without
        one.
    """
    groups = []
    for reference, rows in summary.groupby("reference", sort=False):
        by_remedy = {
            str(remedy): {(row["measure"], row["signal"]): row for row in table.to_dict("records")}
            for remedy, table in rows.groupby("remedy", sort=False)
        }
        sdr = [cells["sdr", ""] for cells in by_remedy.values()]
        unresolved = [row for row in sdr if not _is_resolved(row)]
        verdicts = {name: _verdict(cells) for name, cells in by_remedy.items()}
        groups.append(
            {
                "name": looks[str(reference)]["label"],
                "prose": looks[str(reference)]["prose_name"],
                "n_seeds": int(rows["n_seeds"].min()),
                "n_songs": int(min(row["n_songs"] for row in sdr)),
                "n_comparisons": int(sdr[0]["n_comparisons"]),
                "rows": [
                    _without(next(iter(by_remedy.values()))),
                    *(_cells(name, cells) for name, cells in by_remedy.items()),
                ],
                **{
                    verdict: [name for name, given in verdicts.items() if given == verdict]
                    for verdict in ("audible", "undecided", "inaudible")
                },
                "worse": [_named(row) for row in sdr if row["simultaneous_high"] < 0],
                "better": [_named(row) for row in sdr if row["simultaneous_low"] > 0],
                "unresolved": [row["remedy"] for row in unresolved],
                "bound": _bound(unresolved),
            }
        )
    return groups


def _without(cells: dict[tuple[str, str], Row]) -> dict[str, Any]:
    """The row of doing nothing: the values with which a remedy is compared."""
    return {
        "name": "doing nothing",
        "level": _level(cells["line_level", QUIET]["reference_value"]),
        "margins": [
            _margin(cells["audibility_margin", signal]["reference_value"], math.nan)
            for signal in SIGNALS
        ],
        "verdict": NOTHING,
        "sdr": number(cells["sdr", ""]["reference_value"], 2),
        "interval": NOTHING,
        "step": "1",
        "compute": "1",
        "parameters": "1",
    }


def _cells(name: str, cells: dict[tuple[str, str], Row]) -> dict[str, Any]:
    level, sdr, step = cells["line_level", QUIET], cells["sdr", ""], cells.get(("step_seconds", ""))
    return {
        "name": name,
        "level": _level(level["value"], level["value_high"]),
        "margins": [
            _margin(row["value"], row["value_high"])
            for row in (cells["audibility_margin", signal] for signal in SIGNALS)
        ],
        "verdict": _verdict(cells),
        "sdr": signed(sdr["change"], 2),
        "interval": _interval(sdr),
        "step": NOTHING if step is None else with_interval(step["change"], step["high"], 2),
        # The same in every seed.
        "compute": number(cells["gflop_per_second", ""]["change"], 2),
        "parameters": number(cells["parameters", ""]["change"], 3),
    }


def _verdict(cells: dict[tuple[str, str], Row]) -> str:
    """Whether the tone is audible in near-silence."""
    row = cells["audibility_margin", QUIET]
    side = side_of(0.0, row["value_low"], row["value_high"], row["value"])
    return {1: "audible", 0: "undecided", -1: "inaudible"}[side]


def _is_resolved(row: Row) -> bool:
    return bool(row["simultaneous_low"] > 0 or row["simultaneous_high"] < 0)


def _bound(rows: list[Row]) -> str | None:
    """Rounded up: rounded down, it would claim more than the intervals say."""
    ends = [abs(row[f"simultaneous_{end}"]) for row in rows for end in ("low", "high")]
    bound = max(ends, default=0.0)
    return number(math.ceil(100 * bound) / 100, 2) if math.isfinite(bound) else None


def _named(row: Row) -> dict[str, str]:
    return {"name": row["remedy"], "change": signed(row["change"], 2), "interval": _interval(row)}


def _interval(row: Row) -> str:
    low, high = row["simultaneous_low"], row["simultaneous_high"]
    return f"[{signed(low, 2)}, {signed(high, 2)}]" if math.isfinite(low) else NOTHING


def _level(value_db: float, high_db: float = math.nan) -> str:
    if value_db < INAUDIBLE_DB:
        return f"< {number(INAUDIBLE_DB, 0)}"
    return with_interval(value_db, high_db)


def _margin(value_db: float, high_db: float) -> str:
    if value_db < LOWEST_MARGIN_DB:
        return f"< {number(LOWEST_MARGIN_DB, 0)}"
    return with_interval(value_db, high_db)
