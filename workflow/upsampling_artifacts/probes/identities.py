"""Measure how exactly the paper's identities hold (``artifacts/identities.py``)."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from upsampling_artifacts.artifacts.identities import (
    frequency_response_error,
    overlap_error,
    zero_insertion_error,
)
from upsampling_artifacts.probes.measures_table import MEASURES_COLUMNS, write_measures

STRIDES = (2, 3, 4, 8)
KINDS = ("nearest", "linear")
LAYERS = (1, 3)


def measure_identities(seeds: list[int], csv_path: str | Path) -> None:
    """Write the error of each identity, the maximum over ``STRIDES``.

    In the table, the models are called "partial_overlap" and "full_overlap" (transposed
    convolutions with constant filters), "nearest_interpolation" and "linear_interpolation". The
    frequency response is checked after one and three interpolations, "layer_1" and "layer_3".

    Args:
        seeds: Seeds of the constant filters and of the noise that is interpolated.
        csv_path: Where to write the table.
    """
    rows = []
    for seed in seeds:
        rows += [
            (model, seed, "initialization", signal, layer, measure, math.nan, max(errors), "1")
            for (model, signal, layer, measure), errors in _errors(seed).items()
        ]
    write_measures([pd.DataFrame(rows, columns=MEASURES_COLUMNS)], csv_path)


def _errors(seed: int) -> dict[tuple[str, str, str, str], list[float]]:
    """By model, signal, layer and measure: the error at each stride."""
    errors = {
        ("partial_overlap", "ones", "output", "overlap_error"): [
            overlap_error(seed, stride + 1, stride) for stride in STRIDES
        ],
        ("full_overlap", "ones", "output", "overlap_error"): [
            overlap_error(seed, 2 * stride, stride) for stride in STRIDES
        ],
    }
    for kind in KINDS:
        model = f"{kind}_interpolation"
        errors[model, "noise", "output", "zero_insertion_error"] = [
            zero_insertion_error(kind, seed, stride) for stride in STRIDES
        ]
        for layers in LAYERS:
            errors[model, "impulse", f"layer_{layers}", "frequency_response_error"] = [
                frequency_response_error(kind, stride, layers) for stride in STRIDES
            ]
    return errors
