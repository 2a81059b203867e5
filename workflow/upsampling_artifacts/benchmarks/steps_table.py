"""Ratios of training times, from ``steps.csv`` and the paper's Table 1; needs no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd


def measured_references(systems: Iterable[str], references: Mapping[str, str]) -> dict[str, str]:
    """Choose the measured system with which each system's training steps are compared.

    Args:
        systems: The systems of the benchmark, in order.
        references: The reference in each system's row in config.

    Returns:
        The reference by system: that of its row, or the first of ``systems`` if that is not
        measured.
    """
    names = list(dict.fromkeys(systems))
    return {name: references[name] if references[name] in names else names[0] for name in names}


def paper_epoch_ratios(paper: pd.DataFrame, references: Mapping[str, str]) -> pd.Series:
    """Epoch times of the paper's Table 1, each relative to that of the system's reference.

    Args:
        paper: ``config/paper_table_1.csv``.
        references: The reference of each system.

    Returns:
        Ratio by system; NaN where the paper gives no time for the system or its reference.
    """
    seconds = paper.set_index("system")["paper_epoch_seconds"].astype(float)
    names = [references.get(str(system), "") for system in seconds.index]
    return seconds / seconds.reindex(names).to_numpy()
