"""Table 1 as text: our values beside the paper's."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from upsampling_artifacts.benchmarks.steps_table import paper_epoch_ratios
from upsampling_artifacts.figures.style import BASELINES, Look
from upsampling_artifacts.report.numbers import (
    NOTHING,
    millions,
    number,
    significant,
    with_interval,
)

PAPER_SYSTEMS, OTHER_SYSTEMS, NO_MODEL = "", "Our other systems", "Baselines without a model"
"""Titles of the groups of Table 1; the paper's own systems need none."""


def table_1_groups(
    table_1: pd.DataFrame, paper: pd.DataFrame, looks: Mapping[str, Look]
) -> list[dict[str, Any]]:
    """Group the rows of Table 1: the paper's systems, our other systems, and baselines.

    Args:
        table_1: ``table_1.csv``.
        paper: ``config/paper_table_1.csv``, for the labels.
        looks: Labels and references of the systems.

    Returns:
        ``{"title", "rows"}`` for each group that has rows. The paper's group has no title.
    """
    labels = dict(zip(paper["system"], paper["label"], strict=True))
    references = {name: look["reference"] for name, look in looks.items()}
    paper_ratios = paper_epoch_ratios(paper, references)
    groups: dict[str, list[dict[str, str]]] = {PAPER_SYSTEMS: [], OTHER_SYSTEMS: [], NO_MODEL: []}
    for row in table_1.astype(object).where(table_1.notna(), math.nan).to_dict("records"):
        system = row["system"]
        if system in labels:
            title = PAPER_SYSTEMS
        elif system in BASELINES:
            title = NO_MODEL
        else:
            title = OTHER_SYSTEMS
        groups[title].append(
            {
                "system": system,
                "label": _label(row, labels, looks),
                "sdr": with_interval(row["sdr_db"], row["sdr_high_db"], 2),
                "n_seeds": number(row["n_seeds"], 0),
                "paper_sdr": number(row["paper_sdr_db"], 2),
                "parameters": millions(row["parameters"]),
                "parameters_full_size": millions(row["parameters_full_size"]),
                "compute": significant(row["gflop_per_second"]),
                "compute_full_size": significant(row["gflop_per_second_full_size"]),
                "epoch": number(row["epoch_seconds"], 1, "s"),
                "epoch_ratio": number(row["epoch_ratio"], 2),
                "paper_epoch": number(row["paper_epoch_seconds"], 0, "s"),
                "paper_epoch_ratio": number(paper_ratios.get(system), 2),
            }
        )
    return [{"title": title, "rows": rows} for title, rows in groups.items() if rows]


def parameter_rows(
    table_1: pd.DataFrame, paper: pd.DataFrame, looks: Mapping[str, Look]
) -> list[dict[str, str]]:
    """Parameter counts: as trained here, at the paper's size, and as printed in the paper.

    Args:
        table_1: ``table_1.csv``.
        paper: ``config/paper_table_1.csv``, for the labels.
        looks: Labels of the systems.

    Returns:
        ``{"system", "label", "ours", "full_size", "full_size_millions", "paper"}`` for each
        system that has any count.
    """
    labels = dict(zip(paper["system"], paper["label"], strict=True))
    rows = []
    for row in table_1.to_dict("records"):
        printed = row["paper_parameters_millions"]
        counts = [row["parameters"], row["parameters_full_size"]]
        if pd.isna([*counts, printed]).all():
            continue
        ours, full = (NOTHING if pd.isna(count) else f"{int(count):,}" for count in counts)
        rows.append(
            {
                "system": row["system"],
                "label": _label(row, labels, looks),
                "ours": ours,
                "full_size": full,
                "full_size_millions": NOTHING if pd.isna(counts[1]) else millions(counts[1]),
                "paper": NOTHING if pd.isna(printed) else f"{printed:g}M",
            }
        )
    return rows


def training_length(table_1: pd.DataFrame, trainings: list[dict[str, Any]]) -> str:
    """State how long the systems were trained: for the same steps, or for the same time.

    Args:
        table_1: ``table_1.csv``.
        trainings: The ``training`` section of the configuration for each system.

    Returns:
        A sentence without its full stop; empty if no system was trained.
    """
    trained = table_1.dropna(subset="steps_most")
    if trained.empty:
        return ""
    min_steps, max_steps = int(trained["steps_least"].min()), int(trained["steps_most"].max())
    steps = f"{max_steps:,} steps"
    if min_steps < max_steps:
        steps = f"{min_steps:,} to {steps}"
    lengths = {(training["epochs"], training["minutes"]) for training in trainings}
    if len(lengths) > 1:
        return f"The configured training length differs between systems: {steps}"
    ((epochs, minutes),) = lengths
    if minutes is None:
        return f"Each system was trained for {epochs:,} epochs ({steps})"
    return (
        f"Each system was trained for {minutes:g} minutes and then to the end of the epoch in "
        f"progress, for at most {epochs:,} epochs ({steps})"
    )


def training_precision(table_1: pd.DataFrame, looks: Mapping[str, Look]) -> str:
    """State in which arithmetic the systems were trained.

    Args:
        table_1: ``table_1.csv``.
        looks: Labels of the systems.

    Returns:
        A sentence without its full stop; empty if no system was trained.

    Example:
        >>> table = pd.DataFrame({"system": ["a", "b"], "precision": ["tf32", "bf16-mixed"]})
        >>> training_precision(table, {"a": {"label": "A"}, "b": {"label": "B"}})
        'Training computed in tf32 (A) and in bf16-mixed (B)'
    """
    by_precision = {
        str(precision): [looks[system]["label"] for system in rows["system"]]
        for precision, rows in table_1.groupby("precision", sort=False)
    }
    if len(by_precision) < 2:
        return "".join(f"Training computed in {precision}" for precision in by_precision)
    parts = [f"in {precision} ({', '.join(names)})" for precision, names in by_precision.items()]
    return f"Training computed {', '.join(parts[:-1])} and {parts[-1]}"


def _label(row: dict[Hashable, Any], labels: dict[str, str], looks: Mapping[str, Look]) -> str:
    """The paper's name of a system, or else ours, with the note on our row."""
    system = row["system"]
    name = labels.get(system) or {**looks, **BASELINES}[system]["label"]
    return name if pd.isna(row["note"]) else f"{name} ({row['note']})"
