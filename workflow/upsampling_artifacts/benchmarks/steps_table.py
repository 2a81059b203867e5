"""Ratios of training times, from ``steps.csv`` and the paper's Table 1; needs no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd


def reference_of(system: str, references: Mapping[str, str], measured: Iterable[str]) -> str:
    """The system whose training steps a system's are compared with.

    Args:
        system: Name of the system.
        references: The reference that each system's row in config names.
        measured: The systems of the benchmark, in order.

    Returns:
        The row's reference, or the first measured system if the reference is not measured.
    """
    names = list(measured)
    return references[system] if references[system] in names else names[0]


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
