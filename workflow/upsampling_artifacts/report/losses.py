"""The gradients of losses, as text."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from upsampling_artifacts.probes.loss_summary import (
    BINS_PER_POINT,
    EXAMPLES,
    LABELS,
    RATE_HZ,
    SDR_DB,
    summarize_gradients,
)
from upsampling_artifacts.report.numbers import percent, with_interval

FREQUENCY_HZ = RATE_HZ / 4


def gradient_values(gradients: pd.DataFrame) -> dict[str, Any]:
    """What the section on losses shows.

    Args:
        gradients: ``gradients.csv``.

    Returns:
        ``rows``, ``{"name", "cells"}`` for each loss, with level, prominence and chance of the
        lines in the gradient and in its power; ``n_seeds``; and how it was measured: ``sdr_db``,
        ``n_examples``, ``khz``, ``bins_per_point``.
    """
    summary = summarize_gradients(gradients[gradients["frequency_hz"] == FREQUENCY_HZ])
    rows = []
    for loss, group in summary.groupby("loss", sort=False):
        by_measure = {row["measure"]: row for row in group.to_dict("records")}
        cells = [
            _cell(name, by_measure[f"{kind}_{name}"])
            for kind in ("gradient", "gradient_power")
            for name in ("level", "prominence", "chance")
        ]
        rows.append({"name": LABELS.get(str(loss), str(loss)), "cells": cells})
    return {
        "rows": rows,
        "n_seeds": int(summary["n_seeds"].max()),
        "sdr_db": f"{SDR_DB:g}",
        "n_examples": EXAMPLES,
        "khz": f"{FREQUENCY_HZ / 1000:g}",
        "bins_per_point": BINS_PER_POINT,
    }


def _cell(name: str, row: dict[Any, Any]) -> str:
    if math.isinf(row["mean"]):
        return "none"
    return percent(row["mean"]) if name == "chance" else with_interval(row["mean"], row["high"])
