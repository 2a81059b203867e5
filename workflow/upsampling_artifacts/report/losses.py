"""The gradients of losses, as text."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from upsampling_artifacts.figures.signal_names import signal_name
from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.probes.loss_summary import (
    BINS_PER_POINT,
    EXAMPLES,
    LABELS,
    MARGIN_SAMPLES,
    RATE_HZ,
    SAMPLES,
    SDR_DB,
    summarize_gradients,
    summarize_outputs,
)
from upsampling_artifacts.report.numbers import NOTHING, number, percent, signed, with_interval

FREQUENCY_HZ = RATE_HZ / 4

OUTPUT_SIGNALS = ("near_silence", "noise")
OUTPUT_STRIDES = (4, 16)


def gradient_values(gradients: pd.DataFrame) -> dict[str, Any]:
    """What the section on losses shows.

    Args:
        gradients: ``gradients.csv``.

    Returns:
        ``rows``, ``{"name", "cells"}`` for each loss, with level, prominence and chance of the
        lines in the gradient and in its power; ``n_seeds``; and how it was measured: ``sdr_db``,
        ``n_examples``, ``seconds`` of each, ``khz``, ``bins_per_point``.
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
        "seconds": f"{(SAMPLES - 2 * MARGIN_SAMPLES) / RATE_HZ:.1f}",
        "khz": f"{FREQUENCY_HZ / 1000:g}",
        "bins_per_point": BINS_PER_POINT,
    }


def _cell(name: str, row: dict[Any, Any]) -> str:
    if math.isinf(row["mean"]):
        return "none"
    return percent(row["mean"]) if name == "chance" else with_interval(row["mean"], row["high"])


def output_values(
    outputs: pd.DataFrame, losses: Sequence[str], rate_hz: float, looks: Mapping[str, Look]
) -> dict[str, Any]:
    """What reaches the output of networks that are trained briefly with each loss.

    Args:
        outputs: ``losses/outputs.csv``.
        losses: The losses; the others are compared with the first.
        rate_hz: Sampling rate.
        looks: Names of the systems.

    Returns:
        ``first``, the name of the first loss; ``columns``, the signal and stride of each pair of
        columns; ``systems``, ``{"name", "prose", "rows", "louder", "quieter"}``: a row per loss
        with level and change as text, and the changes that are resolved, as ``{"loss", "signal",
        "stride", "change"}``; ``n_seeds`` and ``n_comparisons``.
    """
    summary = summarize_outputs(outputs[outputs["measure"] == "line_level"], losses)
    columns = [(signal, stride) for signal in OUTPUT_SIGNALS for stride in OUTPUT_STRIDES]
    by_key = {
        (row["system"], row["loss"], row["signal"], round(rate_hz / row["frequency_hz"], 3)): row
        for row in summary.to_dict("records")
    }
    systems = []
    for system in dict.fromkeys(outputs["system"]):
        cells = {
            loss: [by_key[system, loss, signal, stride] for signal, stride in columns]
            for loss in losses
        }
        resolved = [
            {
                "loss": LABELS.get(loss, loss),
                "signal": signal_name(signal),
                "stride": stride,
                "change": signed(row["change"]),
                "louder": row["change"] > 0,
            }
            for loss in losses[1:]
            for (signal, stride), row in zip(columns, cells[loss], strict=True)
            if row["change_low"] > 0 or row["change_high"] < 0
        ]
        systems.append(
            {
                "name": looks[system]["label"],
                "prose": looks[system]["prose_name"],
                "rows": [
                    {
                        "name": LABELS.get(loss, loss),
                        "cells": [_level_and_change(row, loss == losses[0]) for row in rows],
                    }
                    for loss, rows in cells.items()
                ],
                "louder": [change for change in resolved if change["louder"]],
                "quieter": [change for change in resolved if not change["louder"]],
            }
        )
    return {
        "first": LABELS.get(losses[0], losses[0]),
        "columns": [(signal_name(signal), stride) for signal, stride in columns],
        "systems": systems,
        "n_seeds": int(summary["n_seeds"].max()),
        "n_comparisons": len(systems) * (len(losses) - 1),
    }


def _level_and_change(row: dict[Hashable, Any], is_first: bool) -> tuple[str, str]:
    low, high = row["change_low"], row["change_high"]
    if is_first:
        change = NOTHING
    elif math.isfinite(low):
        change = f"{signed(row['change'])} [{signed(low)}, {signed(high)}]"
    else:
        change = signed(row["change"])
    return number(row["mean"]), change
