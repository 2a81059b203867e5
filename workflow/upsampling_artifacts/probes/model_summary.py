"""The readable summary of a user-supplied model."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import pandas as pd

from upsampling_artifacts.probes.findings import Finding, counted
from upsampling_artifacts.probes.layer_names import pattern
from upsampling_artifacts.probes.layer_remedies import PAGE
from upsampling_artifacts.probes.model_lines import stands_out_db
from upsampling_artifacts.probes.user_model_signals import in_signals

WIDTH = 100
MAX_ROWS = 12
"""More layers are folded: those whose names differ in their numbers only are one row."""

MAX_PERIODS = 6

STAGES = {"initialization": "initial weights", "trained": "trained weights"}


def summarize_model(
    name: str,
    rate_hz: float,
    layers: pd.DataFrame,
    measures: pd.DataFrame,
    findings: Sequence[Finding],
    input_kind: str = "audio",
) -> str:
    """Summarize a model: its rate-changing layers and what was found, the verdict first.

    Args:
        name: Name of the model.
        rate_hz: Sampling rate of its output.
        layers: From :func:`layer_tracer.layers_table`.
        measures: Columns seed, stage, signal, layer, measure, frequency_hz, value.
        findings: From :func:`model_findings.model_findings`.
        input_kind: ``"audio"`` or ``"features"``.
    """
    stages = " and ".join(STAGES.get(stage, stage) for stage in measures["stage"].unique())
    seeds = counted(measures["seed"].nunique(), "seed")
    text = [f"{name}: {rate_hz:g} Hz, {stages}, {seeds}"]
    text += [
        *_wrapped(_definitions(findings, measures, input_kind), ""),
        "",
        *layer_rows(layers),
        "",
    ]
    is_tone = [finding.kind == "tones" and "period" in finding.values for finding in findings]
    for finding, indented in zip(findings, is_tone, strict=True):
        if finding.kind != "remedy":
            text += _wrapped(finding.sentence, "  " * indented)
    remedies = [finding.sentence for finding in findings if finding.kind == "remedy"]
    if remedies:
        text += ["", f"What to do (more in {PAGE} of the repository):"]
        text += [line for remedy in remedies for line in _wrapped(remedy, "  ")]
    return "\n".join(text)


def _definitions(findings: Sequence[Finding], measures: pd.DataFrame, input_kind: str) -> str:
    """What a level is, what masks a tone, and what stands out."""
    text = "Levels are RMS, in dB re 1 if no other reference is named"
    if any("masked threshold" in finding.sentence for finding in findings):
        text += f"; masked thresholds are those {in_signals('noise', input_kind)}"
    if any("n_stand_out" in finding.values for finding in findings):
        text += (
            f". A tone stands out if it is {stands_out_db(measures):.0f} dB or more above its "
            "surroundings, as noise is by chance in one model of 100"
        )
    return f"{text}."


def layer_rows(layers: pd.DataFrame) -> list[str]:
    """The rate-changing layers, a row each; folded if there are more than :data:`MAX_ROWS`."""
    if layers.empty:
        return ["No layer was seen to change the rate."]
    rows = layers.to_dict("records")
    keys: list[object] = list(range(len(rows)))
    if len(rows) > MAX_ROWS:
        keys = [
            (pattern(row["name"]), row["kind"], row["mode"], row["direction"], row["stride"])
            for row in rows
        ]
    groups: dict[object, list[dict]] = {}
    for key, row in zip(keys, rows, strict=True):
        groups.setdefault(key, []).append(row)
    names = [
        group[0]["name"] if len(group) == 1 else pattern(group[0]["name"])
        for group in groups.values()
    ]
    width = max(map(len, names))
    heading = "Layers that change the rate; tones are at multiples of rate / period:"
    return [
        heading,
        *(
            line
            for name, group in zip(names, groups.values(), strict=True)
            for line in _wrapped(f"{name:<{width}}  {_description(group)}", "  ")
        ),
    ]


def _description(group: list[dict]) -> str:
    """Of one layer, or of several that differ in their numbers only."""
    row = group[0]
    kind = f"{row['mode']} {row['kind']}" if row["kind"] == "interpolation" else row["kind"]
    parts = [f"{kind}, {row['direction']} x{row['stride']}"]
    if len(group) > 1:
        parts.append(f"{len(group)} layers")
    elif row["calls"] > 1:
        parts.append(f"{row['calls']} calls")
    periods = sorted({int(r["period"]) for r in group if pd.notna(r["period"])})
    if row["direction"] == "up" and periods:
        shown = ", ".join(map(str, periods[:MAX_PERIODS]))
        more = " ..." if len(periods) > MAX_PERIODS else ""
        parts.append(f"period{'s' * (len(periods) > 1)} {shown}{more}")
        if not any(r["reaches_output"] for r in group):
            parts.append("makes no tone in the output")
    return ", ".join(parts)


def _wrapped(sentence: str, indent: str) -> list[str]:
    return textwrap.wrap(
        sentence, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
