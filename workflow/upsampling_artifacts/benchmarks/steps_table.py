"""Reading ``steps.csv``, without the torch that measuring it takes."""

from __future__ import annotations

import pandas as pd

from upsampling_artifacts.registry import REFERENCE


def reference_of(steps: pd.DataFrame) -> str:
    """The system that the ratios in ``steps.csv`` are of; the usual one if none was measured."""
    # Rounded, a median may happen to be 1; that both quartiles are, too, is no chance.
    columns = ["ratio_low_quartile", "ratio_to_transposed", "ratio_high_quartile"]
    exactly_one = steps.loc[(steps[columns] == 1).all(axis=1), "system"]
    return exactly_one.iloc[0] if len(exactly_one) else REFERENCE
