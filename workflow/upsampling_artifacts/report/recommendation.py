"""Which upsampler to use: what this experiment allows to recommend."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from upsampling_artifacts.evaluation.sdr import MEAN
from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.report.numbers import number, signed
from upsampling_artifacts.report.overview import IN_USE

MAX_TREBLE_LOSS_DB = 3.0
"""A system that loses more treble than the reference by this much is not recommended: half the
power."""

Row = dict[Hashable, Any]


def recommendation(
    responses: Mapping[str, str],
    sdr_differences: pd.DataFrame,
    steps: pd.DataFrame,
    treble_db: Mapping[str, float],
    looks: Mapping[str, Look],
) -> dict[str, Any] | None:
    """Choose among the upsamplers of one network.

    Of those without an audible tone in near-silence, the SDR of which is not shown to be lower than
    the reference's, and which keep the treble, the one whose training step is the fastest.

    Args:
        responses: For each system of the network, whether its tone after training is "audible",
            "undecided", "inaudible" or "silent".
        sdr_differences: ``sdr_differences.csv``.
        steps: ``steps.csv``.
        treble_db: Treble kept, by system; may lack systems.
        looks: Names of the systems.

    Returns:
        ``system``, ``name``, ``sdr`` (``{"difference", "low", "high"}`` as text and ``resolved``;
        None if it is the reference), ``step`` (ratio as text), ``reference`` (its name), ``others``
        (``{"name", "step"}`` of the further candidates, fastest first), ``dull`` (``{"name",
        "treble"}`` of systems that are out for their treble alone) and ``reference_treble``. None
        if no system qualifies.
    """
    rows = sdr_differences[(sdr_differences["source"] == MEAN) & sdr_differences["same_network"]]
    differences: dict[str, Row] = {row["system"]: row for row in rows.to_dict("records")}
    if not differences:
        return None
    reference = next(iter(differences.values()))["reference"]
    ratios = steps[steps["implementation"].isin(IN_USE)].set_index("system")["ratio_to_transposed"]
    quiet = [
        system
        for system, response in responses.items()
        if response in ("inaudible", "silent") and not _is_lower(differences.get(system))
    ]
    dull = [name for name in quiet if _is_dull(treble_db, name, reference)]
    candidates = sorted(set(quiet) - set(dull), key=lambda name: ratios.get(name, math.inf))
    if not candidates:
        return None
    best = candidates[0]
    return {
        "system": best,
        "name": looks[best]["prose_name"],
        "reference": looks[reference]["prose_name"],
        "sdr": _sdr(differences.get(best)),
        "step": number(ratios.get(best, math.nan), 2),
        "others": [
            {"name": looks[name]["prose_name"], "step": number(ratios.get(name, math.nan), 2)}
            for name in candidates[1:]
        ],
        "dull": [
            {"name": looks[name]["prose_name"], "treble": number(treble_db[name], 0)}
            for name in dull
        ],
        "reference_treble": number(treble_db.get(reference), 0),
    }


def _is_lower(row: Row | None) -> bool:
    """Whether a system is shown to separate worse than the reference."""
    return row is not None and bool(row["simultaneous_high_db"] < 0)


def _is_dull(treble_db: Mapping[str, float], system: str, reference: str) -> bool:
    lost_db = treble_db.get(reference, math.nan) - treble_db.get(system, math.nan)
    return bool(lost_db > MAX_TREBLE_LOSS_DB)


def _sdr(row: Row | None) -> dict[str, Any] | None:
    if row is None:
        return None
    low, high = row["simultaneous_low_db"], row["simultaneous_high_db"]
    has_interval = math.isfinite(low)
    return {
        "difference": signed(row["difference_db"], 2),
        "low": signed(low, 2) if has_interval else "",
        "high": signed(high, 2) if has_interval else "",
        "resolved": bool(low > 0 or high < 0),
    }
