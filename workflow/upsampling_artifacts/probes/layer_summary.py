"""Measures of single upsampling layers: means over seeds with confidence intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from upsampling_artifacts.probes.measures_table import LAYER, PREDICTED
from upsampling_artifacts.statistics import mean_interval

FLOOR_DB = -160.0
"""The level of float32's rounding errors; lower values, even exact zeros, count as this level."""


def summarize_layers(measures: pd.DataFrame) -> pd.DataFrame:
    """Compute means over seeds of each measure of each layer, with 95 % Student t intervals.

    Args:
        measures: Rows of ``measures.csv``; models are called "layer_<system>".

    Returns:
        One row per layer and measure, in the order of the table, with the columns system, measure,
        mean, low, high and predicted (NaN where theory predicts nothing).
    """
    values = measures.assign(value=measures["value"].clip(lower=FLOOR_DB))
    is_predicted = values["measure"].str.endswith(PREDICTED)
    predicted = values[is_predicted].groupby(["model", "measure"])["value"].first().to_dict()
    rows = []
    groups = values[~is_predicted].groupby(["model", "measure"], sort=False)
    for (model, measure), group in groups:
        mean, low, high = mean_interval(group["value"].to_numpy())
        row = {"system": str(model).removeprefix(LAYER), "measure": measure}
        row |= {"mean": mean, "low": low, "high": high}
        rows.append(row | {"predicted": predicted.get((model, f"{measure}{PREDICTED}"), np.nan)})
    return pd.DataFrame(rows)
