"""The tone at one frequency over training: means over seeds, and when it becomes audible."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.probes.line_summary import read_lines, summarize_lines

SIGNALS = ("silence", "near_silence", "noise")
"""The signals with which snapshots are probed."""

KEY = ["system", "signal", "stage", "step"]
QUANTITIES = ["level", "audibility_margin"]
COLUMNS = [
    *KEY, "frequency_hz", "n_seeds", "n_silent",
    *(f"{quantity}{bound}_db" for quantity in QUANTITIES for bound in ("", "_low", "_high")),
]  # fmt: skip
"""Columns of ``over_training.csv``."""


def summarize_over_training(measures_path: str | Path, frequency_hz: float) -> pd.DataFrame:
    """Compute means over seeds of the tone at one frequency, at each step that was measured.

    Training keeps the weights with the lowest validation loss, which may be those of another step
    with another seed. So the step of a trained system is a mean over seeds.

    Args:
        measures_path: A csv file with the columns ``VARIANT_COLUMNS``.
        frequency_hz: The predicted frequency.

    Returns:
        The columns ``COLUMNS``, with 95 % Student t intervals; rows in the order of the table, the
        steps of a system and signal rising. Runs whose output is exactly zero are left out of the
        means and counted in ``n_silent``.
    """
    lines = read_lines(measures_path, snapshots=True)
    lines = lines[lines["signal"].isin(SIGNALS)]
    steps = lines.groupby(["system", "stage"])["step"].transform("mean")
    lines["step"] = lines["step"].where(lines["stage"] != "trained", steps)
    summary = summarize_lines(lines, frequency_hz, KEY).assign(frequency_hz=frequency_hz)
    order = summary.groupby(["system", "signal"], sort=False).ngroup()
    return summary.assign(order=order).sort_values(["order", "step"], kind="stable")[COLUMNS]


def write_over_training(
    measures_path: str | Path, frequency_hz: float, csv_path: str | Path
) -> None:
    """Write the table of :func:`summarize_over_training`."""
    table = summarize_over_training(measures_path, frequency_hz)
    with atomic_write(csv_path) as unfinished:
        table.to_csv(unfinished, index=False, float_format="%.6g")


def first_step_above(rows: pd.DataFrame, quantity: str, threshold_db: float) -> int | None:
    """The first measured step from which the tone is above a threshold until the end.

    It is above with its whole interval; with a single seed, which has no interval, if its mean is.

    Args:
        rows: The rows of one system and signal, from :func:`summarize_over_training`.
        quantity: "level" or "audibility_margin".
        threshold_db: The threshold.

    Returns:
        The step; None if the tone is not above in the end.

    Example:
        >>> rows = pd.DataFrame({"step": [0, 1, 8], "level_db": [9.0, 2.0, 4.0]})
        >>> first_step_above(rows.assign(level_low_db=[5.0, -1.0, 3.0]), "level", 0.0)
        8
    """
    lowest_db = rows[f"{quantity}_low_db"].fillna(rows[f"{quantity}_db"])
    above_to_the_end = (lowest_db > threshold_db)[::-1].cummin()
    steps = rows["step"][above_to_the_end]
    return int(steps.iloc[0]) if len(steps) else None
