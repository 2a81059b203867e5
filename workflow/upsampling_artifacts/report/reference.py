"""Measurements of another machine beside this experiment's: values for the section on one GPU."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from upsampling_artifacts.benchmarks.steps_table import paper_epoch_ratios
from upsampling_artifacts.evaluation.reference_tables import (
    ReferenceTables,
    losses_at_equal_steps,
    read_provenance,
    read_reference,
    summarize_tones,
)
from upsampling_artifacts.evaluation.remedy_summary import read_summary
from upsampling_artifacts.evaluation.sdr import MEAN, summarize_sdr
from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.probes.line_summary import INAUDIBLE_DB
from upsampling_artifacts.report.numbers import (
    NOTHING,
    listed,
    number,
    signed,
    significant,
    with_interval,
)
from upsampling_artifacts.report.remedies import remedy_groups
from upsampling_artifacts.report.speed import IMPLEMENTATIONS, interpolation_ratios
from upsampling_artifacts.report.verdicts import claim_value

TRAINED_SECTION = "6"
"""The section of the paper that speaks of trained networks."""

STAGES = ("initialization", "trained")
TONES = (("silence", "line_level"), ("noise", "line_prominence"))
"""What the table shows of the tone. A prominence means nothing in silence."""


@dataclass(frozen=True)
class Tables:
    """The tables of one experiment.

    Attributes:
        tones: From :func:`evaluation.reference_tables.summarize_tones`.
        scores: ``scores.csv``.
        songs: The test songs.
        sdr_differences: ``sdr_differences.csv``.
        claims: ``claims.csv``; None without it.
        steps: Smallest and largest number of training steps, by system.
    """

    tones: pd.DataFrame
    scores: pd.DataFrame
    songs: Sequence[str]
    sdr_differences: pd.DataFrame
    claims: pd.DataFrame | None
    steps: Mapping[str, tuple[float, float]]


def reference_values(folder: str | Path, here: Tables, looks: Mapping[str, Look]) -> dict[str, Any]:
    """What the section shows of an experiment that ran elsewhere.

    Args:
        folder: ``results/reference/<experiment>``.
        here: The tables of this experiment.
        looks: Names of the systems.

    Returns:
        - ``origin``: ``provenance.json``.
        - ``tone_khz``, ``n_seeds``, ``n_songs``, and ``method`` of the SDR intervals.
        - ``tones``: ``{"name", "level"}`` of the systems that answer silence with a tone, and
          ``without_tone``: names of the others.
        - ``systems``: ``{"name", "there", "here"}`` for each system, with a row of text each.
        - ``claims``: ``{"claim", "statement", "there", "here"}`` for each claim about trained
          networks (section 6), with value and verdict as text.
        - ``losses``: ``step``, and ``rows`` of ``{"name", "loss"}``.
        - ``files``: the paths of the tables, by name.
    """
    reference = read_reference(folder)
    config = reference.provenance["config"]
    there, systems, tone_hz = (
        _tables(reference, Path(folder)),
        config["variants"],
        config["rate_hz"] / 4,
    )
    step, losses = losses_at_equal_steps(reference.training, systems)
    levels = there.tones.xs(("silence", "trained", "line_level"), level=[1, 2, 3])["mean"]
    return {
        "origin": reference.provenance,
        "tone_khz": f"{tone_hz / 1000:g}",
        "n_seeds": reference.scores["seed"].nunique(),
        "n_songs": len(there.songs),
        "method": listed(list(there.sdr_differences["method"].unique())),
        "tones": [
            {"name": looks[name]["prose_name"], "level": number(levels[name], 0)}
            for name in systems
            if levels[name] >= INAUDIBLE_DB
        ],
        "without_tone": [
            looks[name]["prose_name"] for name in systems if levels[name] < INAUDIBLE_DB
        ],
        "systems": [
            {
                "name": looks[name]["label"],
                "there": _row(there, name),
                "here": _row(here, name),
            }
            for name in systems
        ],
        "claims": _claims(there.claims, here.claims),
        "losses": {
            "step": f"{step:,}",
            "rows": [
                {"name": looks[name]["prose_name"], "loss": number(loss, 3)}
                for name, loss in losses.items()
            ],
        },
        "files": {path.stem: str(path) for path in sorted(Path(folder).iterdir())},
    }


def reference_remedies(folder: str | Path, looks: Mapping[str, Look]) -> dict[str, Any]:
    """The comparison of all remedies that comes with the repository.

    Args:
        folder: ``results/reference/<experiment>``, with ``remedies_summary.csv``.
        looks: Names of the systems.

    Returns:
        ``groups``, from :func:`remedies.remedy_groups`; ``origin``, ``provenance.json``; ``file``.
    """
    path = Path(folder, "remedies_summary.csv")
    return {
        "groups": remedy_groups(read_summary(path), looks),
        "origin": read_provenance(folder),
        "file": str(path),
    }


def step_values(
    folder: str | Path, here: pd.DataFrame, paper: pd.DataFrame, looks: Mapping[str, Look]
) -> dict[str, Any]:
    """Training steps at full size that were timed elsewhere, beside this experiment's.

    Args:
        folder: ``results/reference/<name>``, with ``steps.csv`` and ``provenance.json``.
        here: ``steps.csv`` of this experiment.
        paper: ``config/paper_table_1.csv``.
        looks: Names and references of all systems.

    Returns:
        ``origin``: ``provenance.json``; ``rows``: of text, for each system, implementation and
        precision; ``ratios``: for each interpolating system, :func:`speed.interpolation_ratios`
        with the entry ``here``; ``precision`` and ``batch`` of the ratios; ``file``: the table.
    """
    path = Path(folder, "steps.csv")
    steps = pd.read_csv(path)
    paper_ratios = paper_epoch_ratios(paper, {k: look["reference"] for k, look in looks.items()})
    key = ["system", "implementation"]
    # A step in another precision follows that to which the ratios refer.
    is_first = ~steps.duplicated(key)
    ratios_here = here.set_index(key)["ratio_to_transposed"].to_dict()
    by_name = {row["name"]: row for row in interpolation_ratios(here, paper_ratios, looks)}
    return {
        "origin": read_provenance(folder),
        "rows": [
            {
                "name": looks[row["system"]]["label"],
                "implementation": IMPLEMENTATIONS[row["implementation"]],
                "precision": row["precision"],
                "step": significant(1000 * row["median_step_seconds"]),
                "ratio": number(row["ratio_to_transposed"], 2),
                "share": number(100 * row["fraction_of_peak"], 0),
                "here": number(ratios_here.get((row["system"], row["implementation"])), 2)
                if first
                else NOTHING,
                "paper": number(paper_ratios.get(row["system"]), 2) if first else NOTHING,
            }
            for row, first in zip(steps.to_dict("records"), is_first, strict=True)
        ],
        "ratios": [
            {**row, "here": by_name.get(row["name"])}
            for row in interpolation_ratios(steps[is_first], paper_ratios, looks)
        ],
        "precision": steps["precision"].iloc[0],
        "batch": f"{steps['batch'].iloc[0]} × {steps['segment_seconds'].iloc[0]:g} s",
        "file": str(path),
    }


def _tables(reference: ReferenceTables, folder: Path) -> Tables:
    claims = folder / "claims.csv"
    config = reference.provenance["config"]
    steps = reference.training.groupby(["system", "seed"])["step"].max()
    return Tables(
        tones=summarize_tones(reference.variants, config["rate_hz"] / 4),
        scores=reference.scores,
        songs=config["test_songs"],
        sdr_differences=reference.sdr_differences,
        claims=pd.read_csv(claims) if claims.exists() else None,
        steps={str(name): (n.min(), n.max()) for name, n in steps.groupby(level="system")},
    )


def _claims(there: pd.DataFrame | None, here: pd.DataFrame | None) -> list[dict[str, str]]:
    """The claims about trained networks in both experiments, by statement."""
    if there is None or here is None:
        return []
    ours = {row["statement"]: row for row in _trained_claims(here)}
    return [
        {
            "claim": row["claim"],
            "statement": row["statement"],
            "there": _verdict(row),
            "here": _verdict(ours.get(row["statement"])),
        }
        for row in _trained_claims(there)
    ]


def _trained_claims(claims: pd.DataFrame) -> list[dict[Hashable, Any]]:
    return claims[claims["section"].astype(str) == TRAINED_SECTION].to_dict("records")


def _verdict(row: dict[Hashable, Any] | None) -> str:
    return NOTHING if row is None else f"{claim_value(row)}: {row['verdict']}"


def _row(tables: Tables, system: str) -> dict[str, str]:
    """The cells of a system, as text; dashes if it was not part of the experiment."""
    tones = tables.tones.to_dict("index")
    least, most = tables.steps.get(system, (math.nan, math.nan))
    sdr = _by_system(summarize_sdr(tables.scores, list(tables.songs)))
    differences = _by_system(tables.sdr_differences)
    return {
        **{
            f"{signal}_{stage}": _tone(tones.get((system, signal, stage, measure)))
            for signal, measure in TONES
            for stage in STAGES
        },
        "sdr": _sdr(sdr.get(system)),
        "difference": _difference(differences.get(system)),
        "steps": " to ".join(dict.fromkeys([number(least, 0), number(most, 0)])),
    }


def _by_system(table: pd.DataFrame) -> dict[Hashable, dict[Hashable, Any]]:
    """The rows of the mean over sources."""
    rows = table[table["source"] == MEAN].to_dict("records")
    return {row["system"]: row for row in rows}


def _tone(line: dict[Hashable, Any] | None) -> str:
    if line is None:
        return NOTHING
    if math.isinf(line["mean"]):
        return "exactly silent"
    if line["mean"] < INAUDIBLE_DB:
        return f"< {number(INAUDIBLE_DB, 0)}"
    return with_interval(line["mean"], line["high"])


def _sdr(row: dict[Hashable, Any] | None) -> str:
    return NOTHING if row is None else with_interval(row["sdr_db"], row["sdr_high_db"], 2)


def _difference(row: dict[Hashable, Any] | None) -> str:
    if row is None:
        return NOTHING
    low, high = row["simultaneous_low_db"], row["simultaneous_high_db"]
    interval = f" [{signed(low, 2)}, {signed(high, 2)}]" if math.isfinite(low) else ""
    return signed(row["difference_db"], 2) + interval
