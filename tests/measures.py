"""Tables of measures for tests."""

from __future__ import annotations

import numpy as np
import pandas as pd
from upsampling_artifacts.probes.line_summary import MEASURES, OF_ALL_SOURCES, RUN
from upsampling_artifacts.probes.measures_table import VARIANT_COLUMNS

LINE_COLUMNS = [*RUN, *MEASURES.values(), "input_chance"]


def make_lines(rows: list[dict]) -> pd.DataFrame:
    """Lines as ``probes.line_summary.read_lines`` returns them, at 2 kHz unless a row says else."""
    usual = {"seed": 0, "stage": "trained", "song": "", "frequency_hz": 2000.0}
    usual |= dict.fromkeys([*MEASURES.values(), "input_chance"], np.nan)
    lines = [usual | row for row in rows]
    steps = [{"step": 0 if line["stage"] == "initialization" else 9} for line in lines]
    return pd.DataFrame(
        [step | line for step, line in zip(steps, lines, strict=True)], columns=LINE_COLUMNS
    )


def as_measures(lines: pd.DataFrame) -> pd.DataFrame:
    """Return the table from which ``probes.line_summary.read_lines`` reads ``lines`` back."""
    names = {column: measure for measure, column in MEASURES.items()}
    output = lines.melt(RUN, names, "measure").assign(layer="output")
    input = lines.melt(RUN, ["input_chance"], "measure").assign(layer="input")
    names["input_chance"] = "line_prominence_chance"
    long = pd.concat([output, input]).replace({"measure": names})
    of_one_source = (long["layer"] == "output") & ~long["measure"].isin(OF_ALL_SOURCES)
    # With a single source, its measures are also those of all sources.
    long = pd.concat(
        [long.assign(source=np.where(of_one_source, "drums", None)), long[of_one_source]]
    )
    long = long.rename(columns={"system": "model"})
    return long.assign(unit="dB", arithmetic="separation", implementation="-", precision="32-true")[
        VARIANT_COLUMNS
    ]
