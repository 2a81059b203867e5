"""Separation quality, compute and the remaining tone of each system, one row per system."""

from __future__ import annotations

import pandas as pd

from upsampling_artifacts.probes.line_summary import summarize_lines


def trade_offs(
    table_1: pd.DataFrame, lines: pd.DataFrame, systems: list[str], frequency_hz: float
) -> pd.DataFrame:
    """SDR and compute of each system, and the level of its tone in silence after training.

    Args:
        table_1: The columns of ``table_1.csv``.
        lines: As :func:`probes.line_summary.read_lines` returns them.
        systems: The systems to include, in order.
        frequency_hz: The tone's frequency.

    Returns:
        One row per system: the columns system, gflop_per_second, sdr_db and level_db (re the RMS
        of a normalized mixture), the latter two with ``<name>_low_db`` and ``<name>_high_db``,
        n_silent and n_probed. Values that the tables lack are NaN, counts 0.
    """
    summary = summarize_lines(lines, frequency_hz)
    columns = ["system", "level_db", "level_low_db", "level_high_db", "n_silent", "n_seeds"]
    if len(summary):
        summary = summary[(summary["signal"] == "silence") & (summary["stage"] == "trained")]
    levels = summary.reindex(columns=columns).rename(columns={"n_seeds": "n_probed"})
    ours = ["system", "gflop_per_second", "sdr_db", "sdr_low_db", "sdr_high_db"]
    table = pd.DataFrame({"system": systems}).merge(table_1[ours], on="system", how="left")
    table = table.merge(levels.astype({"system": object}), on="system", how="left")
    return table.fillna({"n_silent": 0, "n_probed": 0}).astype({"n_silent": int, "n_probed": int})
