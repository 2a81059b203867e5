"""The table of measures: ``measures.csv``."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from upsampling_artifacts.files import atomic_write

COLUMNS = ["signal", "layer", "measure", "frequency_hz", "value", "unit"]
"""Of one probe. ``layer`` is "output" for what the whole model gives."""

MEASURES_COLUMNS = ["model", "seed", "stage", *COLUMNS]
"""Of many; ``stage`` is "initialization" or "trained"."""

LAYER, PREDICTED = "layer_", "_predicted"
"""Prefix of a model's name for an upsampling layer probed alone, and suffix of a measure's name for
the value that theory predicts."""


def labelled(measures: pd.DataFrame, model: str, seed: int, stage: str) -> pd.DataFrame:
    """A probe's measures as rows of ``measures.csv``."""
    return measures.assign(model=model, seed=seed, stage=stage)[MEASURES_COLUMNS]


def write_measures(tables: list[pd.DataFrame], csv_path: str | Path) -> None:
    """Write tables of measures as one."""
    with atomic_write(csv_path) as unfinished:
        pd.concat(tables).to_csv(unfinished, index=False, float_format="%.6g")


def gather_measures(csv_paths: list[str | Path], csv_path: str | Path) -> None:
    """Put the tables of many probes into one."""
    with atomic_write(csv_path) as unfinished:
        pd.concat(map(pd.read_csv, csv_paths)).to_csv(unfinished, index=False)
