"""Training speed: values for the page's section on it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from upsampling_artifacts.benchmarks.steps_table import measured_references, paper_epoch_ratios
from upsampling_artifacts.benchmarks.upsamplers_table import speed_ups
from upsampling_artifacts.figures.style import Look, reference_name
from upsampling_artifacts.report.numbers import NOTHING, number, significant

WIDE_CHANNELS, MANY_SAMPLES = 128, 1000
"""The text quotes layers with at least this many channels and input samples per batch."""

IMPLEMENTATIONS = {
    "-": "",
    "plain": "two layers",
    "fused": "fused layer",
    "auto": "chosen per layer",
}


def speed(
    steps: pd.DataFrame, layers: pd.DataFrame, paper: pd.DataFrame, looks: Mapping[str, Look]
) -> dict[str, Any]:
    """Measured speeds of training steps and of single layers.

    Args:
        steps: ``steps.csv``.
        layers: ``upsamplers.csv``.
        paper: ``config/paper_table_1.csv``.
        looks: Names and references of all systems.

    Returns:
        - ``rows``: a row of text for each system and implementation.
        - ``ratios``: for each interpolating system ``{"name", "plain", "fused", "auto",
          "paper"}``, step times relative to the reference, as text.
        - ``n_systems``: the number of systems that were timed.
        - ``setup``: how the steps were measured.
        - ``layers``: see :func:`_layers`.
        - ``reference``: the system that the ratios refer to.
    """
    in_config = {name: look["reference"] for name, look in looks.items()}
    references = measured_references(steps["system"], in_config)
    paper_ratios = paper_epoch_ratios(paper, {**in_config, **references})
    return {
        "rows": [_row(row, looks) for row in steps.to_dict("records")],
        "ratios": interpolation_ratios(steps, paper_ratios, looks),
        "n_systems": steps["system"].nunique(),
        "setup": {
            "devices": sorted(steps["device"].dropna().unique()),
            "on_cpu": bool((steps["device"] == "cpu").any()),
            "batches": _unique(
                f"{batch} × {seconds:g} s"
                for batch, seconds in zip(steps["batch"], steps["segment_seconds"], strict=True)
            ),
            "precisions": _unique(steps["precision"]),
            "peak": _range(steps["peak_tflop_per_second"], significant),
            **_conditions(steps),
        },
        "layers": _layers(layers),
        "reference": reference_name(looks, references.values()),
    }


def _row(row: dict[Hashable, Any], looks: Mapping[str, Look]) -> dict[str, str]:
    quartiles = [number(row[f"ratio_{end}_quartile"], 2) for end in ("low", "high")]
    spread = f" ({' to '.join(quartiles)})" if quartiles != ["1.00", "1.00"] else ""
    ratio = number(row["ratio_to_transposed"], 2)
    return {
        "system": row["system"],
        "name": looks[row["system"]]["label"],
        "implementation": IMPLEMENTATIONS[row["implementation"]],
        "batch": f"{row['batch']} × {row['segment_seconds']:g} s",
        "step": significant(1000 * row["median_step_seconds"]),
        "ratio": ratio if ratio == NOTHING else ratio + spread,
        "memory": significant(row["peak_bytes"] / 1e6),
        "gflop": significant(1000 * row["tflop_per_step"]),
        "share": number(100 * row["fraction_of_peak"], 0),
        "epoch": significant(row["epoch_seconds"]),
    }


def interpolation_ratios(
    steps: pd.DataFrame, paper_ratios: pd.Series, looks: Mapping[str, Look]
) -> list[dict[str, str]]:
    """Step times of the interpolating systems relative to the reference, as text.

    Args:
        steps: ``steps.csv``, with one row per system and implementation.
        paper_ratios: The paper's, by system.
        looks: Names of the systems.

    Returns:
        ``{"name", "plain", "fused", "auto", "paper"}`` for each system.
    """
    ratios = steps.pivot(index="system", columns="implementation", values="ratio_to_transposed")
    rows = []
    for system in dict.fromkeys(steps.loc[steps["implementation"] == "plain", "system"]):
        ratio = {name: number(ratios.loc[system, name], 2) for name in ("plain", "fused", "auto")}
        published = number(paper_ratios.get(system), 2)
        rows.append({"name": looks[system]["prose_name"], **ratio, "paper": published})
    return rows


def _layers(layers: pd.DataFrame) -> dict[str, Any]:
    """Single layers: what fusion gains and saves, and how well ``auto`` chooses.

    Returns:
        - ``wide``: ``{"name", "min", "max", "n"}`` for each interpolation: the speed-ups by
          fusion over the shapes with at least ``channels`` and ``samples``.
        - ``saved``: activations kept for the backward pass, fused re plain (median).
        - ``n_shapes``, and ``n_faster`` of them for which ``auto`` chose the faster
          implementation; ``lost``: the largest loss on the others in percent.
        - ``devices``, ``threads``, ``repeats``, ``load``: how the layers were measured.
    """
    table = speed_ups(layers)
    wide = table[(table["c_in"] >= WIDE_CHANNELS) & (table["samples"] >= MANY_SAMPLES)]
    # Time of the implementation that auto chooses, relative to the other one, minus one.
    lost = np.where(table["chosen"], 1 / table["speed_up"], table["speed_up"]) - 1
    plain = layers[(layers["direction"] == "step") & (layers["implementation"] == "plain")]
    shape = ["upsampler", "c_in", "c_out", "time", "batch"]
    both = table.merge(plain, on=shape, suffixes=("", "_plain"))
    saved = both["saved_bytes_per_example"] / both["saved_bytes_per_example_plain"]
    return {
        "wide": [
            {
                "name": name,
                "min": number(rows["speed_up"].min()),
                "max": number(rows["speed_up"].max()),
                "n": len(rows),
            }
            for name, rows in wide.groupby("upsampler", sort=False)
        ],
        "channels": WIDE_CHANNELS,
        "samples": MANY_SAMPLES,
        "saved": number(saved.median(), 2),
        "n_shapes": len(table),
        "n_faster": int((lost <= 0).sum()),
        "lost": number(100 * lost.max(), 0),
        "devices": sorted(layers["device"].unique()),
        **_conditions(layers),
    }


def _conditions(table: pd.DataFrame) -> dict[str, str]:
    return {
        "threads": _range(table["threads"], lambda value: number(value, 0)),
        "repeats": _range(table["repeats"], lambda value: number(value, 0)),
        "load": _range(table["load_average"], number),
    }


def _range(values: pd.Series, as_text: Callable[[float], str]) -> str:
    """Smallest to largest value, or the one value that all share."""
    return " to ".join(_unique([as_text(values.min()), as_text(values.max())]))


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
