"""What was found in a model, in sentences: the verdict first, what to do last."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from upsampling_artifacts.artifacts.combs import Comb, find_combs
from upsampling_artifacts.probes.findings import Finding, counted, rate_fraction
from upsampling_artifacts.probes.layer_remedies import PAGE, remedies
from upsampling_artifacts.probes.model_lines import (
    TOLERANCE_HZ,
    Source,
    ToneGroup,
    find_source,
    found_lines,
    on_grid,
    predicted_lines,
    tone_groups,
    unpredicted_lines,
)

MAX_LINES = 3
"""Single lines that the summary lists."""

MAX_SINGLE_PERIOD = 16
"""A single line fits some longer period by chance."""

MAX_NAMES = 3

BEFORE_TONES = ("constant_output",)
DEFECTS = ("offset", "images", "aliasing", "clicks", "boundary")
AFTER_LINES = ("contradiction", "offset", "images", "aliasing", "clicks", "boundary")
"""Where findings of others go, by their kind; the rest comes just before the remedies."""

KIND_NAMES = {
    "transposed": "transposed convolution",
    "subpixel": "subpixel convolution",
    "reshape": "reshape, as in a subpixel convolution",
    "istft": "inverse Fourier transform",
    "fold": "overlap-add",
    "indexing": "indexing, as in zero insertion",
    "product": "matrix product",
    "fourier": "Fourier transform",
    "other": "a function without a stride",
}


def model_findings(
    rate_hz: float,
    layers: pd.DataFrame,
    tones_hz: Sequence[float] | np.ndarray,
    measures: pd.DataFrame,
    others: Iterable[Finding] = (),
) -> list[Finding]:
    """Collect what was found in a model.

    Args:
        rate_hz: Sampling rate of its output.
        layers: From :func:`layer_tracer.layers_table`.
        tones_hz: Predicted frequencies.
        measures: Columns seed, signal, layer, measure, frequency_hz, value.
        others: Findings that need the model itself: contradictions, what is not a tone ...

    Returns:
        The findings, in the order of the summary: the verdict, the tones of each layer, the other
        lines, what is not a tone, what was left out, and what to do.
    """
    others = list(others)
    first = [finding for finding in others if finding.kind in BEFORE_TONES]
    middle = [finding for kind in AFTER_LINES for finding in others if finding.kind == kind]
    last = [finding for finding in others if finding not in [*first, *middle]]
    groups = tone_groups(layers, np.asarray(tones_hz, float), rate_hz)
    lines = predicted_lines(measures)
    tones = [_tones(group, lines, rate_hz) for group in groups]
    audible = [finding for finding in tones if finding.values["n_stand_out"]]
    lines_found = [
        *_comb_of_layers(measures, tones_hz, rate_hz, groups),
        *_other_lines(unpredicted_lines(measures, tones_hz, rate_hz), rate_hz, groups),
    ]
    n_found = len(_distinct(found_lines(measures)["frequency_hz"].to_numpy()))
    verdict = _verdict(audible, groups, lines_found, n_found)
    defects = [finding.kind for finding in middle if finding.kind in DEFECTS]
    if defects:
        sentence = f"{verdict.sentence} Other artifacts: {', '.join(dict.fromkeys(defects))}."
        verdict = replace(verdict, sentence=sentence)
    return [*first, verdict, *tones, *lines_found, *middle, *last, *_remedies(audible, layers)]


def unseen_findings(unseen: Sequence[tuple[str, Fraction]], layers: pd.DataFrame) -> list[Finding]:
    """Say which changes of rate no layer explains.

    Args:
        unseen: As in :class:`layer_paths.LayerPaths`.
        layers: From :func:`layer_tracer.layers_table`.
    """
    findings = []
    for module, ratio in unseen:
        what = (
            f"upsamples by {_number(ratio)}"
            if ratio > 1
            else f"downsamples by {_number(1 / ratio)}"
        )
        where = f"before {module}" if module else "before the output"
        seen = _directions(layers)
        findings.append(
            Finding(
                "contradiction",
                f"Something {what} {where} that could not be seen: {seen}, and yet the lengths do "
                "not agree.",
                {"module": module, "ratio": float(ratio)},
            )
        )
    return findings


def _directions(layers: pd.DataFrame) -> str:
    if layers.empty:
        return "no layer changes the rate"
    factors = {
        direction: int(np.prod(layers["stride"][layers["direction"] == direction].to_numpy(float)))
        for direction in ("down", "up")
    }
    return "the layers go " + " and ".join(f"{key} x{n}" for key, n in factors.items())


def _number(ratio: Fraction) -> str:
    return f"{float(ratio):.4g}"


def _tones(group: ToneGroup, lines: pd.DataFrame, rate_hz: float) -> Finding:
    """The tones of one period: how many stand out, and the loudest of them."""
    here = lines[lines["frequency_hz"].isin(group.tones_hz)]
    out = here[here["stands_out"]]
    filters = group.layers[group.layers["kind"] != "interpolation"]
    blamed = filters if len(filters) else group.layers
    n_tones, n_out = len(group.tones_hz), out["frequency_hz"].nunique()
    what = rate_fraction(1, group.period)
    values: dict[str, Any] = {
        "period": group.period,
        "spacing_hz": rate_hz / group.period,
        "layers": list(blamed["name"]),
        "kinds": list(dict.fromkeys(blamed["kind"])),
        "can_make": group.can_make,
        "n_tones": n_tones,
        "n_stand_out": n_out,
        "tones_hz": sorted(out["frequency_hz"].unique().tolist()),
    }
    sentence = f"{what} = {rate_hz / group.period:.6g} Hz, {fold_names(values['layers'])}: "
    if not n_tones:
        return Finding("tones", sentence + "no tone that later layers do not have, too.", values)
    if out.empty:
        return Finding(
            "tones", sentence + f"none of {counted(n_tones, 'tone')} stands out.", values
        )
    loudest = _loudest(out)
    values |= {
        "loudest_hz": float(loudest["frequency_hz"]),
        "level_db": float(loudest["level"]),
        "prominence_db": float(loudest["prominence"]),
        "signal": str(loudest["signal"]),
    }
    sentence += (
        f"{n_out} of {counted(n_tones, 'tone')} stand{'s' * (n_out == 1)} out; loudest "
        f"{loudest['frequency_hz']:.1f} Hz, {loudest['level']:.0f} dB in {loudest['signal']}"
    )
    margins_db = out["masking_margin"][out["signal"] == "noise"].dropna()
    if len(margins_db):
        n_over = int((margins_db > 0).sum())
        values |= {"n_over_masked_threshold": n_over, "masking_margin_db": float(margins_db.max())}
        sentence += f"; in noise, {n_over or 'none'} over the masked threshold"
        sentence += f", by up to {margins_db.max():.0f} dB" * (n_over > 0)
    return Finding("tones", f"{sentence}.", values)


def _verdict(
    audible: list[Finding], groups: list[ToneGroup], lines_found: list[Finding], n_found: int
) -> Finding:
    others = [f for f in lines_found if f.values.get("n_lines") and not f.values.get("predicted")]
    singles = [finding for finding in lines_found if finding.kind == "line"]
    values: dict[str, Any] = {
        "stands_out": bool(audible),
        "n_found": n_found,
        "n_unexplained": sum(finding.values["n_lines"] for finding in singles),
        "periods": [finding.values["period"] for finding in audible],
        "layers": [name for finding in audible for name in finding.values["layers"]],
    }
    if audible:
        shown = audible[:MAX_NAMES]
        what = ", ".join(
            f"{rate_fraction(1, f.values['period'])} ({fold_names(f.values['layers'])})"
            for f in shown
        )
        more = f" and {len(audible) - len(shown)} more" if len(audible) > len(shown) else ""
        kinds = dict.fromkeys(kind for f in audible for kind in f.values["kinds"])
        blame = ", ".join(KIND_NAMES.get(kind, kind) for kind in kinds)
        sentence = (
            f"Yes: tones of upsampling layers ({blame}) stand out, at multiples of {what}{more}."
        )
        return Finding("tones", sentence, values)
    if not groups:
        sentence = "No tone is predicted: no layer was seen to upsample on the way to the output."
    else:
        sentence = "No: no tone of an upsampling layer stands out."
    if others:
        sentence += " But there are other lines."
    return Finding("tones", sentence, values)


def fold_names(names: Sequence[str]) -> str:
    """Names in a few words: those that differ in their numbers only are one.

    >>> fold_names(["ups.0"]), fold_names(["act.0.up", "act.1.up", "act.2.up", "end"])
    ('ups.0', 'act.*.up (3), end')
    """
    patterns: dict[str, list[str]] = {}
    for name in names:
        patterns.setdefault(pattern(name), []).append(name)
    shown = [
        members[0] if len(members) == 1 else f"{folded} ({len(members)})"
        for folded, members in patterns.items()
    ]
    more = f" and {len(shown) - MAX_NAMES} more" if len(shown) > MAX_NAMES else ""
    return ", ".join(shown[:MAX_NAMES]) + more


def pattern(name: str) -> str:
    """A name with its numbers replaced.

    >>> pattern("ups.0.conv (2)")
    'ups.*.conv'
    """
    return re.sub(r"(?<=\.)\d+(?=\.|$)|^\d+(?=\.|$)", "*", re.sub(r" \(\d+\)$", "", name))


def _comb_of_layers(
    measures: pd.DataFrame,
    tones_hz: Sequence[float] | np.ndarray,
    rate_hz: float,
    groups: list[ToneGroup],
) -> list[Finding]:
    """How many of the lines that were found anywhere are tones of the layers."""
    found = found_lines(measures)
    rest = unpredicted_lines(measures, tones_hz, rate_hz)
    n_found, n_here = len(found), len(found) - len(rest)
    if not n_here or not groups:
        return []
    explained = found[~found["frequency_hz"].isin(rest["frequency_hz"])]["frequency_hz"].to_numpy()
    for group in groups:  # the coarsest grid that holds nearly all
        is_here = on_grid(explained, rate_hz / group.period, TOLERANCE_HZ)
        if is_here.all():
            break
    what = f"{rate_hz / group.period:.6g} Hz = {rate_fraction(1, group.period)}"
    n_lines = len(_distinct(explained))
    sentence = (
        f"A blind search, which is less sensitive, finds {n_lines} of these tones, "
        f"{'all ' * (n_lines > 1)}at multiples of {what}."
    )
    values = {
        "n_lines": n_lines, "n_found": n_found, "n_explained": n_here, "period": group.period,
        "spacing_hz": rate_hz / group.period, "predicted": True,
    }  # fmt: skip
    return [Finding("comb", sentence, values)]


def _distinct(frequencies_hz: np.ndarray) -> np.ndarray:
    """Lines of several signals and seeds, each once."""
    ordered = np.sort(frequencies_hz)
    return ordered[np.diff(ordered, prepend=-np.inf) > 2 * TOLERANCE_HZ]


def _other_lines(lines: pd.DataFrame, rate_hz: float, groups: list[ToneGroup]) -> list[Finding]:
    """Lines where no layer puts a tone: combs, then single lines."""
    if lines.empty:
        return []
    lines = _merged(lines)
    findings = []
    source = find_source(*_arrays(lines), rate_hz, [group.period for group in groups])
    combs = find_combs(*_arrays(lines), rate_hz, tolerance_hz=TOLERANCE_HZ)
    if source and not any(_is_simpler(comb, source, lines, rate_hz) for comb in combs):
        findings += _source(source, lines)
        lines = lines[~(source.is_harmonic | source.is_sideband)]
        combs = find_combs(*_arrays(lines), rate_hz, tolerance_hz=TOLERANCE_HZ)
    for comb in combs:
        is_here = _fits(comb, lines)
        if is_here.any():
            findings.append(_comb(comb, lines[is_here], groups))
            lines = lines[~is_here]
    return [*findings, *_single_lines(lines, rate_hz)]


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


def _source(source: Source, lines: pd.DataFrame) -> list[Finding]:
    """The harmonics of a source inside the model, and their sidebands."""
    harmonics, sidebands = lines[source.is_harmonic], lines[source.is_sideband]
    loudest = _loudest(harmonics)
    what = f"{source.fundamental_hz:.1f} Hz"
    values = {"fundamental_hz": source.fundamental_hz, **_line_values(harmonics)}
    sentence = (
        f"{counted(len(harmonics), 'line')} at multiples of {what}: the harmonics of a source "
        f"inside the model; loudest {loudest['frequency_hz']:.1f} Hz, {loudest['level']:.0f} dB "
        f"in {loudest['signal']}."
    )
    side = _loudest(sidebands)
    side_values = {
        "fundamental_hz": source.fundamental_hz, "period": source.period, **_line_values(sidebands),
    }  # fmt: skip
    side_sentence = (
        f"{counted(len(sidebands), 'line')} at multiples of {rate_fraction(1, source.period)} plus "
        f"or minus multiples of {what}, as if the layers modulated the source; loudest "
        f"{side['frequency_hz']:.1f} Hz, {side['level']:.0f} dB in {side['signal']}."
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


def _comb(comb: Comb, lines: pd.DataFrame, groups: list[ToneGroup]) -> Finding:
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
        f"{counted(len(lines), 'other line')}, all multiples of {comb.spacing_hz:.6g} Hz{what}; "
        f"loudest {loudest['frequency_hz']:.1f} Hz, {loudest['level']:.0f} dB "
        f"(in {', '.join(signals)})."
    )
    return Finding("comb" if comb.period else "harmonics", sentence, values)


def _single_lines(lines: pd.DataFrame, rate_hz: float) -> list[Finding]:
    strongest = lines.nlargest(MAX_LINES, "level")
    findings = [_line(row, rate_hz) for row in strongest.to_dict("records")]
    rest = len(lines) - len(strongest)
    if rest:
        values = {"n_lines": rest}
        sentence = f"{counted(rest, 'weaker line')}, not explained either."
        findings.append(Finding("line", sentence, values))
    return findings


def _line(row: dict, rate_hz: float) -> Finding:
    period = _period(row["frequency_hz"], rate_hz)
    values = {
        "n_lines": 1, "frequency_hz": row["frequency_hz"], "level_db": row["level"],
        "prominence_db": row["prominence"], "signals": row["signals"], "n_seeds": row["n_seeds"],
        "period": period,
    }  # fmt: skip
    fit = ""
    if period:
        fit = f" ({rate_fraction(round(row['frequency_hz'] * period / rate_hz), period)})"
    sentence = (
        f"A line at {row['frequency_hz']:.1f} Hz{fit}, {row['level']:.0f} dB in {row['signal']}, "
        "not explained by any layer seen."
    )
    return Finding("line", sentence, values)


def _period(frequency_hz: float, rate_hz: float) -> int | None:
    """The shortest period that has a tone at a frequency."""
    for period in range(2, MAX_SINGLE_PERIOD + 1):
        if on_grid(np.array([frequency_hz]), rate_hz / period, TOLERANCE_HZ / 2).any():
            return period
    return None


def _remedies(audible: list[Finding], layers: pd.DataFrame) -> list[Finding]:
    """What the page of remedies says about the layers whose tones stand out, or else about all."""
    kinds = [kind for finding in audible for kind in finding.values["kinds"]]
    if not kinds:
        makes_tones = (layers["period"] > 1).fillna(False)
        up = (layers["direction"] == "up") & layers["reaches_output"] & makes_tones
        kinds = list(layers["kind"][up])
    return [Finding("remedy", line, {"page": PAGE}) for line in remedies(kinds)]
