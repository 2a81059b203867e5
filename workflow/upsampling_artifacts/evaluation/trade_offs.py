"""Separation quality, compute and the remaining tone of each system, one row per system."""

from __future__ import annotations

import pandas as pd

from upsampling_artifacts.probes.line_summary import summarize_lines

SIGNAL = "near_silence"
"""In silence, a network without biases has no tone whatever its weights."""


def trade_offs(
    table_1: pd.DataFrame, lines: pd.DataFrame, systems: list[str], frequency_hz: float
) -> pd.DataFrame:
    """SDR and compute of each system, and its tone's level in near-silence after training.

    Args:
        table_1: The columns of ``table_1.csv``.
        lines: As :func:`probes.line_summary.read_lines` returns them.
        systems: The systems to include, in order.
        frequency_hz: The tone's frequency.

    Returns:
        One row per system: the columns system, gflop_per_second, sdr_db and level_db (re the RMS
        of a normalized mixture), the latter two with ``<name>_low_db`` and ``<name>_high_db``.
        Values that the tables lack are NaN.
    """
    summary = summarize_lines(lines, frequency_hz)
    if len(summary):
        summary = summary[(summary["signal"] == SIGNAL) & (summary["stage"] == "trained")]
    levels = summary.reindex(columns=["system", "level_db", "level_low_db", "level_high_db"])
    ours = ["system", "gflop_per_second", "sdr_db", "sdr_low_db", "sdr_high_db"]
    table = pd.DataFrame({"system": systems}).merge(table_1[ours], on="system", how="left")
    return table.merge(levels.astype({"system": object}), on="system", how="left")
