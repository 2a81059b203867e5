"""Measure how exactly interpolation equals zero insertion and a fixed filter."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from upsampling_artifacts.artifacts.identities import zero_insertion_error
from upsampling_artifacts.probes.measures_table import MEASURES_COLUMNS, write_measures

STRIDES = (2, 3, 4, 8)


def measure_identities(seeds: list[int], csv_path: str | Path) -> None:
    """Write the ``zero_insertion_error`` of both interpolations, the maximum over ``STRIDES``.

    In the table, the models are called "nearest_interpolation" and "linear_interpolation".

    Args:
        seeds: Seeds of the noise that is interpolated.
        csv_path: Where to write the table.
    """
    rows = [
        (
            f"{kind}_interpolation", seed, "initialization", "noise", "output",
            "zero_insertion_error", float("nan"),
            max(zero_insertion_error(kind, seed, stride) for stride in STRIDES), "1",
        )
        for kind in ("nearest", "linear")
        for seed in seeds
    ]  # fmt: skip
    write_measures([pd.DataFrame(rows, columns=MEASURES_COLUMNS)], csv_path)
