"""Reading ``steps.csv``; kept apart from the benchmark, so that a figure does not load torch."""

from __future__ import annotations

import pandas as pd

from upsampling_artifacts.registry import REFERENCE


def reference_of(steps: pd.DataFrame) -> str:
    """The system that the ratios in ``steps.csv`` refer to; by default the usual reference."""
    # A rounded median may be 1 by chance, but not both quartiles as well.
    columns = ["ratio_low_quartile", "ratio_to_transposed", "ratio_high_quartile"]
    exactly_one = steps.loc[(steps[columns] == 1).all(axis=1), "system"]
    return exactly_one.iloc[0] if len(exactly_one) else REFERENCE
