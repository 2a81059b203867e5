"""The table of measures: ``measures.csv``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from upsampling_artifacts.files import atomic_write

COLUMNS = ["signal", "layer", "measure", "frequency_hz", "value", "unit"]
"""Columns for one model; ``layer`` is "output" for the output of the model."""

MEASURES_COLUMNS = ["model", "seed", "stage", *COLUMNS]
"""Columns for many models; ``stage`` is "initialization" or "trained"."""

VARIANT_COLUMNS = [
    *MEASURES_COLUMNS, "song", "arithmetic", "implementation", "precision", "source", "step",
]  # fmt: skip
"""Columns of ``variants.csv``. ``song`` is empty unless the signal is music. ``arithmetic`` is what
ran so (:mod:`probes.arithmetic`): "separation", "training" if it differs, and "reference".
``source`` is empty for measures of all sources together, and of anything but the output. ``step``
is the number of training steps that the weights have taken; ``stage`` may also be
:data:`SNAPSHOT`."""

SNAPSHOT = "training"
"""The ``stage`` of a snapshot, between "initialization" and "trained"."""

SEPARATION = "separation"
"""The arithmetic in which a variant separates."""

GRADIENT_COLUMNS = ["loss", "seed", "frequency_hz", "measure", "value", "unit"]
"""Columns of ``losses/gradients.csv`` (:mod:`probes.loss_gradients`)."""

LOSS_OUTPUT_COLUMNS = [
    "system", "loss", "seed", "signal", "frequency_hz", "measure", "value", "unit",
]  # fmt: skip
"""Columns of ``losses/outputs.csv`` (:mod:`probes.loss_study`)."""

PLAYBACK_DB_SPL = 70.0
"""Sound pressure level at which the music is assumed to be played, for the threshold in quiet: a
comfortable level at home. Networks are trained on mixtures of RMS 1."""

LAYER, PREDICTED = "layer_", "_predicted"
"""Prefix of a model's name for an upsampling layer probed alone, and suffix of a measure's name for
the value that theory predicts."""


def label_measures(measures: pd.DataFrame, model: str, seed: int, stage: str) -> pd.DataFrame:
    """Turn the measures of one model, with :data:`COLUMNS`, into rows of ``measures.csv``.

    Args:
        measures: From :func:`model_probe.probe_model`.
        model: Name of the model in the table.
        seed: Seed of its initial weights.
        stage: "initialization" or "trained".
    """
    return measures.assign(model=model, seed=seed, stage=stage)[MEASURES_COLUMNS]


def label_gradients(gradients: pd.DataFrame) -> pd.DataFrame:
    """Turn the measures of losses, with :data:`GRADIENT_COLUMNS`, into rows of ``measures.csv``.

    The loss is the model, white noise its signal, and ``gradient`` the layer.
    """
    rows = gradients.rename(columns={"loss": "model"})
    rows = rows.assign(stage="initialization", signal="noise", layer="gradient")
    return rows[MEASURES_COLUMNS]


def write_measures(tables: list[pd.DataFrame], csv_path: str | Path) -> None:
    """Write several tables of measures to one file."""
    with atomic_write(csv_path) as unfinished:
        pd.concat(tables).to_csv(unfinished, index=False, float_format="%.6g")


def gather_measures(csv_paths: Sequence[str | Path], csv_path: str | Path) -> None:
    """Concatenate the tables of measures in ``csv_paths``, and write them to ``csv_path``."""
    with atomic_write(csv_path) as unfinished:
        pd.concat(map(pd.read_csv, csv_paths)).to_csv(unfinished, index=False)
