"""How fast systems train, in values that the page's section is made of."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from upsampling_artifacts.benchmarks.steps_table import measured_references, paper_epoch_ratios
from upsampling_artifacts.benchmarks.upsamplers_table import speed_ups
from upsampling_artifacts.figures.style import Look, reference_name
from upsampling_artifacts.report.numbers import NOTHING, number, significant

WIDE_CHANNELS, MANY_SAMPLES = 128, 1000
"""Layers with so many channels and so many input samples in a batch are told of in the text."""

KINDS = {"-": "", "plain": "two layers", "fused": "one layer", "auto": "chosen layer by layer"}


def speed(
    steps: pd.DataFrame, layers: pd.DataFrame, paper: pd.DataFrame, looks: Mapping[str, Look]
) -> dict[str, object]:
    """What was measured of training steps and of single layers.

    Args:
        steps: ``steps.csv``.
        layers: ``upsamplers.csv``.
        paper: ``config/paper_table_1.csv``.
        looks: Names and references of all systems.

    Returns:
        ``rows`` of the table; ``pairs``, the systems that can interpolate and convolve in one
        (``{"name", "plain", "fused", "auto", "paper"}``, ratios as text); ``about`` (how the steps
        were measured) and ``layers`` (:func:`_layers`); ``reference``, what ratios are of.
    """
    in_config = {name: look["reference"] for name, look in looks.items()}
    references = measured_references(steps["system"], in_config)
    paper_ratios = paper_epoch_ratios(paper, {**in_config, **references})
    return {
        "rows": [_row(row, looks) for row in steps.to_dict("records")],
        "pairs": _pairs(steps, paper_ratios, looks),
        "about": {
            "devices": sorted(steps["device"].dropna().unique()),
            "on_cpu": bool((steps["device"] == "cpu").any()),
            "batches": _distinct(steps, lambda row: f"{row.batch} × {row.segment_seconds:g} s"),
            "precisions": _distinct(steps, lambda row: row.precision),
            "peak": _span(steps["peak_tflop_per_second"], significant),
            **_circumstances(steps),
        },
        "layers": _layers(layers),
        "reference": reference_name(looks, references.values()),
    }


def _row(row: dict[str, object], looks: Mapping[str, Look]) -> dict[str, str]:
    quartiles = [number(row[f"ratio_{end}_quartile"], 2) for end in ("low", "high")]
    spread = f" ({' to '.join(quartiles)})" if quartiles != ["1.00", "1.00"] else ""
    ratio = number(row["ratio_to_transposed"], 2)
    return {
        "name": looks[row["system"]]["label"],
        "kind": KINDS[row["implementation"]],
        "batch": f"{row['batch']} × {row['segment_seconds']:g} s",
        "step": significant(1000 * row["median_step_seconds"]),
        "ratio": ratio if ratio == NOTHING else ratio + spread,
        "memory": significant(row["peak_bytes"] / 1e6),
        "gflop": significant(1000 * row["tflop_per_step"]),
        "share": number(100 * row["fraction_of_peak"], 0),
        "epoch": significant(row["epoch_seconds"]),
    }


def _pairs(
    steps: pd.DataFrame, paper_ratios: pd.Series, looks: Mapping[str, Look]
) -> list[dict[str, str]]:
    ratios = steps.pivot(index="system", columns="implementation", values="ratio_to_transposed")
    pairs = []
    for system in dict.fromkeys(steps.loc[steps["implementation"] == "plain", "system"]):
        ratio = {kind: number(ratios.loc[system, kind], 2) for kind in ("plain", "fused", "auto")}
        published = number(paper_ratios.get(system), 2)
        pairs.append({"name": looks[system]["prose_name"], **ratio, "paper": published})
    return pairs


def _layers(layers: pd.DataFrame) -> dict[str, object]:
    """Of single layers: what one layer gains, what it saves, how well ``auto`` chooses.

    Returns:
        ``wide`` (``{"name", "least", "most", "n"}``: how many times faster one layer is than two,
        in shapes of ``channels`` and ``samples`` or more), ``saved`` (activations kept by one layer
        re two: the median), ``n_shapes``, ``n_faster`` (in how many of them ``auto`` takes what was
        faster), ``lost`` (the most that it lost in the others, per cent), and how it was measured.
    """
    table = speed_ups(layers)
    wide = table[(table["c_in"] >= WIDE_CHANNELS) & (table["samples"] >= MANY_SAMPLES)]
    # Of a shape that auto gives to two layers, one would take 1 / speed_up times as long.
    lost = np.where(table["chosen"], 1 / table["speed_up"], table["speed_up"]) - 1
    plain = layers[(layers["direction"] == "step") & (layers["implementation"] == "plain")]
    shape = ["upsampler", "c_in", "c_out", "time", "batch"]
    kept = table.merge(plain, on=shape, suffixes=("", "_plain"))
    saved = kept["saved_bytes_per_example"] / kept["saved_bytes_per_example_plain"]
    return {
        "wide": [
            {
                "name": name,
                "least": number(of["speed_up"].min()),
                "most": number(of["speed_up"].max()),
                "n": len(of),
            }
            for name, of in wide.groupby("upsampler", sort=False)
        ],
        "channels": WIDE_CHANNELS,
        "samples": MANY_SAMPLES,
        "saved": number(saved.median(), 2),
        "n_shapes": len(table),
        "n_faster": int((lost <= 0).sum()),
        "lost": number(100 * lost.max(), 0),
        "devices": sorted(layers["device"].unique()),
        **_circumstances(layers),
    }


def _circumstances(table: pd.DataFrame) -> dict[str, str]:
    return {
        "threads": _span(table["threads"], lambda value: number(value, 0)),
        "repeats": _span(table["repeats"], lambda value: number(value, 0)),
        "load": _span(table["load_average"], number),
    }


def _span(values: pd.Series, written) -> str:
    """From the least to the most, or the one value that all have."""
    ends = dict.fromkeys([written(values.min()), written(values.max())])
    return " to ".join(ends)


def _distinct(table: pd.DataFrame, written) -> list[str]:
    return list(dict.fromkeys(map(written, table.itertuples())))
