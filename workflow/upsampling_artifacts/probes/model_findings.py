"""What was found in a model, in sentences: the verdict first, what to do last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from upsampling_artifacts.probes.findings import Finding, counted, heard, rate_fraction
from upsampling_artifacts.probes.layer_names import MAX_NAMES, fold_names
from upsampling_artifacts.probes.layer_remedies import PAGE, remedies_of
from upsampling_artifacts.probes.model_lines import (
    STATIONARY,
    TOLERANCE_HZ,
    ToneGroup,
    found_lines,
    margins_in_noise_db,
    on_grid,
    predicted_lines,
    tone_groups,
    unpredicted_lines,
)
from upsampling_artifacts.probes.other_line_findings import other_line_findings
from upsampling_artifacts.probes.user_model_signals import in_signals

BEFORE_TONES = ("constant_output",)
DEFECTS = ("offset", "images", "aliasing", "clicks", "boundary")
AFTER_LINES = ("contradiction", *DEFECTS, "whole_segment")
"""Where findings of others go, by their kind; the rest comes just before the remedies."""

UNKNOWN = (
    f"Unknown: tones of upsampling layers are measured with {', '.join(STATIONARY)}; none of these "
    "test signals was chosen."
)

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
    input_kind: str = "audio",
) -> list[Finding]:
    """Collect what was found in a model.

    Args:
        rate_hz: Sampling rate of its output.
        layers: From :func:`layer_tracer.layers_table`.
        tones_hz: Predicted frequencies.
        measures: Columns seed, signal, layer, measure, frequency_hz, value.
        others: Findings that need the model itself: contradictions, what is not a tone ...
        input_kind: ``"audio"`` or ``"features"``.

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
    shows_tones = measures["signal"].isin(STATIONARY).any()
    tones = [_tones(group, lines, rate_hz, input_kind) for group in groups if shows_tones]
    audible = [finding for finding in tones if finding.values["n_stand_out"]]
    lines_found = [
        *_comb_of_layers(measures, tones_hz, rate_hz, groups),
        *other_line_findings(
            unpredicted_lines(measures, tones_hz, rate_hz),
            margins_in_noise_db(measures),
            rate_hz,
            groups,
            input_kind,
        ),
    ]
    n_found = len(_distinct(found_lines(measures)["frequency_hz"].to_numpy()))
    verdict = _verdict(audible, groups, lines_found, n_found)
    if groups and not shows_tones:
        verdict = replace(verdict, sentence=UNKNOWN)
    defects = [finding.kind for finding in middle if finding.kind in DEFECTS]
    if defects:
        sentence = f"{verdict.sentence} Other artifacts: {', '.join(dict.fromkeys(defects))}."
        verdict = replace(verdict, sentence=sentence)
    # Features of zero are no silence, and the harmonics of a source are wanted.
    in_silence = lines["stands_out"] & (lines["signal"] == "silence")
    has_source = any(finding.kind == "harmonics" for finding in lines_found)
    can_subtract = input_kind == "audio" and bool(in_silence.any()) and not has_source
    remedies = _remedies(audible, layers, can_subtract)
    return [*first, verdict, *tones, *lines_found, *middle, *last, *remedies]


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


def _tones(group: ToneGroup, lines: pd.DataFrame, rate_hz: float, input_kind: str) -> Finding:
    """The tones of one period: how many stand out, the loudest of them, and how audible it is."""
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
        none = "its only tone does not stand" if n_tones == 1 else f"none of {n_tones} tones stands"
        return Finding("tones", f"{sentence}{none} out.", values)
    loudest = out.nlargest(1, "level").iloc[0]
    values |= {
        "loudest_hz": float(loudest["frequency_hz"]),
        "level_db": float(loudest["level"]),
        "prominence_db": float(loudest["prominence"]),
        "signal": str(loudest["signal"]),
    }
    sentence += (
        "its only tone stands out: "
        if n_tones == 1
        else f"{n_out} of {n_tones} tones stand{'s' * (n_out == 1)} out; loudest "
    )
    sentence += (
        f"{loudest['frequency_hz']:.1f} Hz, {loudest['level']:.0f} dB "
        f"{in_signals(loudest['signal'], input_kind)}"
    )
    noise = here[(here["signal"] == "noise") & here["frequency_hz"].isin(out["frequency_hz"])]
    in_noise = noise.set_index("frequency_hz")["masking_margin"]
    if len(in_noise):
        loudest_db = float(in_noise[loudest["frequency_hz"]])
        n_over = int((in_noise[noise["stands_out"].to_numpy()] > 0).sum())
        values |= {
            "n_over_masked_threshold": n_over,
            "masking_margin_db": _known(in_noise.max()),
            "loudest_masking_margin_db": _known(loudest_db),
        }  # fmt: skip
        sentence += f", {heard(loudest_db)}"
        if n_over > (loudest_db > 0):
            most_db = in_noise.max()
            up_to = f", by up to {most_db:.0f} dB" if np.isfinite(most_db) else ""
            whose = "its own" if n_over == 1 else "theirs"
            sentence += f" ({counted(n_over, 'tone')} over {whose}{up_to})"
    return Finding("tones", f"{sentence}.", values)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


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
        # Of many, the layers are named below, with the tones of each.
        what = ", ".join(
            rate_fraction(1, f.values["period"])
            + (f" ({fold_names(f.values['layers'])})" if len(audible) <= 2 else "")
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


def _remedies(audible: list[Finding], layers: pd.DataFrame, can_subtract: bool) -> list[Finding]:
    """What the page of remedies says about the layers whose tones stand out, or else about all."""
    kinds = [kind for finding in audible for kind in finding.values["kinds"]]
    if not kinds:
        makes_tones = (layers["period"] > 1).fillna(False)
        up = (layers["direction"] == "up") & layers["reaches_output"] & makes_tones
        kinds = list(layers["kind"][up])
    found = remedies_of(kinds, can_subtract)
    return [Finding("remedy", line, {"page": PAGE}) for line in found]
