"""Lines in a model's output where no layer puts a tone: a source, combs, single lines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from upsampling_artifacts.artifacts.combs import Comb, find_combs
from upsampling_artifacts.probes.findings import Finding, counted, heard, rate_fraction
from upsampling_artifacts.probes.layer_names import fold_names
from upsampling_artifacts.probes.model_lines import (
    TOLERANCE_HZ,
    Source,
    ToneGroup,
    find_source,
    on_grid,
)
from upsampling_artifacts.probes.user_model_signals import in_signals

MAX_LINES = 3
"""Single lines that the summary lists."""

MAX_SINGLE_PERIOD = 16
"""A single line fits some longer period by chance."""


def other_line_findings(
    lines: pd.DataFrame,
    margins_db: pd.Series,
    rate_hz: float,
    groups: list[ToneGroup],
    input_kind: str = "audio",
) -> list[Finding]:
    """Say what lines there are where no layer puts a tone: a source, combs, then single lines.

    Args:
        lines: From :func:`model_lines.unpredicted_lines`.
        margins_db: From :func:`model_lines.margins_in_noise_db`.
        rate_hz: Sampling rate of the output.
        groups: The tones of the layers.
        input_kind: ``"audio"`` or ``"features"``.

    Returns:
        The findings.
    """
    if lines.empty:
        return []
    lines = _merged(lines)
    lines["masking_margin"] = lines["frequency_hz"].map(margins_db)
    findings = []
    source = find_source(*_arrays(lines), rate_hz, [group.period for group in groups])
    combs = find_combs(*_arrays(lines), rate_hz, tolerance_hz=TOLERANCE_HZ)
    if source and not any(_is_simpler(comb, source, lines, rate_hz) for comb in combs):
        findings += _source(source, lines, input_kind)
        lines = lines[~(source.is_harmonic | source.is_sideband)]
        combs = find_combs(*_arrays(lines), rate_hz, tolerance_hz=TOLERANCE_HZ)
    for comb in combs:
        is_here = _fits(comb, lines)
        if is_here.any():
            findings.append(_comb(comb, lines[is_here], groups, input_kind))
            lines = lines[~is_here]
    return [*findings, *_single_lines(lines, rate_hz, input_kind)]


def _is_simpler(comb: Comb, source: Source, lines: pd.DataFrame, rate_hz: float) -> bool:
    """Whether a comb explains the lines of a source, without a denser grid.

    The harmonics of a source and their sidebands on both sides are ``2 orders + 1`` grids.
    """
    spacing_hz = rate_hz / source.period / (2 * source.orders + 1)
    return bool(_fits(comb, lines).sum() >= source.n_lines and comb.spacing_hz >= spacing_hz)


def _fits(comb: Comb, lines: pd.DataFrame) -> np.ndarray:
    return on_grid(lines["frequency_hz"].to_numpy(), comb.spacing_hz, TOLERANCE_HZ)


def _arrays(lines: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return lines["frequency_hz"].to_numpy(), lines["level"].to_numpy()


def _source(source: Source, lines: pd.DataFrame, input_kind: str) -> list[Finding]:
    """The harmonics of a source inside the model, and their sidebands."""
    harmonics, sidebands = lines[source.is_harmonic], lines[source.is_sideband]
    loudest = _loudest(harmonics)
    what = f"{source.fundamental_hz:.1f} Hz"
    values = {"fundamental_hz": source.fundamental_hz, **_line_values(harmonics)}
    sentence = (
        f"{counted(len(harmonics), 'line')} at multiples of {what}: the harmonics of a source "
        f"inside the model; loudest {_measured(loudest, input_kind)}."
    )
    side = _loudest(sidebands)
    side_values = {
        "fundamental_hz": source.fundamental_hz, "period": source.period, **_line_values(sidebands),
    }  # fmt: skip
    side_sentence = (
        f"{counted(len(sidebands), 'line')} at multiples of {rate_fraction(1, source.period)} plus "
        f"or minus multiples of {what}, as if the layers modulated the source; loudest "
        f"{_measured(side, input_kind)}."
    )
    return [
        Finding("harmonics", sentence, values),
        Finding("harmonics", side_sentence, side_values),
    ]


def _merged(lines: pd.DataFrame) -> pd.DataFrame:
    """One row per frequency, with its largest level, the signal that has it, and all signals."""
    ordered = lines.sort_values("frequency_hz")
    cluster = (ordered["frequency_hz"].diff() > 2 * TOLERANCE_HZ).cumsum()
    groups = ordered.groupby(cluster)
    loudest = ordered.loc[groups["level"].idxmax()].reset_index(drop=True)
    signals = groups["signal"].agg(lambda names: sorted(set(names))).reset_index(drop=True)
    seeds = groups["seed"].nunique().reset_index(drop=True)
    return loudest.assign(signals=signals, n_seeds=seeds)


def _line_values(lines: pd.DataFrame) -> dict[str, Any]:
    """How many lines, where, and the loudest."""
    loudest = _loudest(lines)
    return {
        "n_lines": len(lines),
        "frequencies_hz": lines["frequency_hz"].tolist(),
        "loudest_hz": float(loudest["frequency_hz"]),
        "level_db": float(loudest["level"]),
    }


def _loudest(lines: pd.DataFrame) -> pd.Series:
    return lines.nlargest(1, "level").iloc[0]


def _comb(comb: Comb, lines: pd.DataFrame, groups: list[ToneGroup], input_kind: str) -> Finding:
    loudest = _loudest(lines)
    signals = sorted({signal for names in lines["signals"] for signal in names})
    names = [name for g in groups if g.period == comb.period for name in g.layers["name"]]
    if comb.period is None:
        what = ": the harmonics of a source, which no layer's stride makes"
    elif names:
        what = f" = {rate_fraction(1, comb.period)} ({fold_names(names)})"
    else:
        what = (
            f" = {rate_fraction(1, comb.period)}, which is no period of a layer seen (chunks or "
            f"frames of {comb.period} samples?)"
        )
    values = {
        "spacing_hz": comb.spacing_hz, "period": comb.period, "chance": comb.chance,
        "signals": signals, **_line_values(lines),
    }  # fmt: skip
    sentence = (
        f"{counted(len(lines), 'other line')}, all multiples of {comb.spacing_hz:.6g} Hz{what}, "
        f"{in_signals(signals, input_kind)}; loudest {_measured(loudest, input_kind)}."
    )
    return Finding("comb" if comb.period else "harmonics", sentence, values)


def _single_lines(lines: pd.DataFrame, rate_hz: float, input_kind: str) -> list[Finding]:
    strongest = lines.nlargest(MAX_LINES, "level")
    findings = [_line(row, rate_hz, input_kind) for row in strongest.to_dict("records")]
    rest = len(lines) - len(strongest)
    if rest:
        values = {"n_lines": rest}
        sentence = f"Unexplained, too: {counted(rest, 'weaker line')}."
        findings.append(Finding("line", sentence, values))
    return findings


def _line(row: dict, rate_hz: float, input_kind: str) -> Finding:
    period = _period(row["frequency_hz"], rate_hz)
    values = {
        "n_lines": 1, "frequency_hz": row["frequency_hz"], "level_db": row["level"],
        "prominence_db": row["prominence"], "signals": row["signals"], "n_seeds": row["n_seeds"],
        "period": period,
    }  # fmt: skip
    fraction = ""
    if period:
        fraction = f" ({rate_fraction(round(row['frequency_hz'] * period / rate_hz), period)})"
    sentence = f"Unexplained: a line at {_measured(row, input_kind, fraction)}."
    return Finding("line", sentence, values)


def _measured(line: Any, input_kind: str, fraction: str = "") -> str:
    """Frequency, level and audibility of a line."""
    margin_db = line["masking_margin"]
    audibility = "" if pd.isna(margin_db) else f", {heard(margin_db)}"
    return (
        f"{line['frequency_hz']:.1f} Hz{fraction}, {line['level']:.0f} dB "
        f"{in_signals(line['signal'], input_kind)}{audibility}"
    )


def _period(frequency_hz: float, rate_hz: float) -> int | None:
    """The shortest period that has a tone at a frequency."""
    for period in range(2, MAX_SINGLE_PERIOD + 1):
        if on_grid(np.array([frequency_hz]), rate_hz / period, TOLERANCE_HZ / 2).any():
            return period
    return None
