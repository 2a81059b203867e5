"""Tables of measures for tests."""

from __future__ import annotations

import pandas as pd
from upsampling_artifacts.probes.measures_table import MEASURES_COLUMNS

KEY = ["system", "seed", "stage", "signal", "frequency_hz"]


def as_measures(lines: pd.DataFrame) -> pd.DataFrame:
    """Return the table from which ``probes.line_summary.read_lines`` reads ``lines`` back."""
    long = lines.melt(KEY, ["level_db", "prominence_db"], "measure").assign(
        layer="output", unit="dB"
    )
    names = {"level_db": "line_level", "prominence_db": "line_prominence"}
    long["measure"] = long["measure"].replace(names)
    return long.rename(columns={"system": "model"})[MEASURES_COLUMNS]
