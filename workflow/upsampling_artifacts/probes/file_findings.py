"""What was found in an audio file, in sentences: the verdict first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from upsampling_artifacts.artifacts.combs import Comb
from upsampling_artifacts.probes.audio_file import MODEL_RATES_HZ, coincidence, roundest_hz
from upsampling_artifacts.probes.file_lines import NOTE_SECONDS, FileLines
from upsampling_artifacts.probes.file_search import PAUSES
from upsampling_artifacts.probes.findings import Finding, counted, heard, rate_fraction
from upsampling_artifacts.probes.line_summary import INAUDIBLE_DB

MAX_LINES = 8
"""Single lines that have a sentence; the table has all."""

MAX_NAMED = 4
"""The lines of smaller combs are named one by one."""

MAX_PAUSES = 4

SMALL_STRIDE = 8
"""Largest stride that is named for another rate without further evidence."""


def lines_findings(
    found: FileLines,
    rate_hz: float,
    seconds: float,
    own_strides: Sequence[int] | None = None,
    model_rate_hz: float | None = None,
) -> list[Finding]:
    """Say what lines were found in a file and to what they point.

    Args:
        found: The lines.
        rate_hz: Sampling rate of the file.
        seconds: Length of what was searched.
        own_strides: Products of the model's strides, if they were given.
        model_rate_hz: The model's rate, if it was given.

    Returns:
        The findings: the verdict, combs, single lines, then remarks.
    """
    table = found.table
    audible = table["level_db"] >= INAUDIBLE_DB
    findings = [_verdict(table[audible], found.doubtful)]
    in_combs: set[int] = set()
    for comb, comb_rate_hz in found.combs:
        heard = [index for index in comb.lines if audible[index]]
        if len(heard) > 1:
            findings.append(_comb(comb, table.loc[heard], comb_rate_hz, rate_hz))
            in_combs |= set(comb.lines)
    single = table[audible & ~table.index.isin(in_combs)]
    findings += [_line(row, rate_hz) for row in single.head(MAX_LINES).to_dict("records")]
    rest = single.iloc[MAX_LINES:]
    if len(rest):
        sentence = f"And {counted(len(rest), 'weaker single line')} (see lines.csv)."
        findings.append(
            Finding("line", sentence, {"frequencies_hz": rest["frequency_hz"].tolist()})
        )
    if not audible.all():
        quiet = int((~audible).sum())
        sentence = (
            f"And {counted(quiet, 'line')} below {INAUDIBLE_DB:g} dB, under the last bit of 16-bit "
            "audio."
        )
        findings.append(Finding("line", sentence, {"lines": quiet}))
    if own_strides:
        findings.append(_own(table[audible], own_strides))
    return findings + _remarks(found, seconds, rate_hz, model_rate_hz)


def _verdict(lines: pd.DataFrame, doubtful: int) -> Finding:
    is_hum = (lines["mains"] != "").groupby(lines["comb_hz"].fillna(-lines["frequency_hz"]))
    fits = lines["stride"].notna() & ~(is_hum.transform("all") & lines["comb_hz"].notna())
    values: dict[str, Any] = {"lines": len(lines), "explained": int(fits.sum())}
    if lines.empty:
        sentence = "No stationary narrow line was found."
        if doubtful:
            sentence = "No line can be told from notes: the sound is too short."
    elif not fits.any():
        one = len(lines) == 1
        sentence = (
            f"No: {'the only line is not' if one else f'none of {len(lines)} lines is'} at a "
            "frequency where an upsampling layer puts tones."
        )
    else:
        sure = fits & lines["round_hz"].isna()
        tests = lines.loc[sure if sure.any() else fits, "chance"]
        by_chance = min(1.0, float(tests.min()) * max(1, len(lines)))
        values |= {"chance": by_chance, "sure": int(sure.sum())}
        all_of = (
            "the only line is"
            if len(lines) == 1
            else f"{fits.sum()} of {len(lines)} lines {'is' if fits.sum() == 1 else 'are'}"
        )
        where = f"{all_of} at a frequency where an upsampling layer puts tones"
        chance = f"(by chance: {_chance(by_chance)})"
        sentence = (
            f"Yes: {where} {chance}"
            if sure.any()
            else f"Yes, unless the sound has test tones: {where}, but also at a round one {chance}"
        )
        sentence += f"; {_over_threshold(lines[fits])}."
    return Finding("tones", sentence, values)


def _over_threshold(lines: pd.DataFrame) -> str:
    """How many lines are over the masked threshold."""
    n_over = int((lines["masking_margin_db"] > 0).sum())
    return f"{n_over or 'none'} over the masked threshold"


def _comb(comb: Comb, lines: pd.DataFrame, comb_rate_hz: float, rate_hz: float) -> Finding:
    values: dict[str, Any] = {
        "spacing_hz": comb.spacing_hz,
        "period": comb.period,
        "rate_hz": comb_rate_hz,
        "lines": len(comb.lines),
        "frequencies_hz": lines["frequency_hz"].tolist(),
        "chance": comb.chance,
    }
    how_many = f"{counted(len(lines), 'line')}, all multiples of {comb.spacing_hz:.6g} Hz"
    loudest = lines.iloc[int(lines["level_db"].to_numpy().argmax())]
    if comb.period is None:
        sentence = (
            f"{how_many}, which is no whole fraction of the rate: the harmonics of a source"
            f"{_other_hop(comb, comb_rate_hz)}; loudest {_measured(loudest)}."
        )
        return Finding("harmonics", sentence, values)
    if (lines["mains"] != "").all():
        fraction = _fraction(1, comb.period, comb_rate_hz, rate_hz)
        sentence = f"{how_many}: mains hum (also {fraction}); loudest {_measured(loudest)}."
        return Finding("harmonics", sentence, values)
    what = f"{how_many} = {_fraction(1, comb.period, comb_rate_hz, rate_hz)}"
    either = ""
    if not lines["round_hz"].isna().any():
        either = ", or tones at round frequencies"
    elif not np.isnan(roundest_hz(comb.spacing_hz, rate_hz, 1e-6)):
        either = ", or a source at this round pitch"
    if len(lines) > MAX_NAMED:
        sentence = (
            f"{what}: a hop, or the product of the last layers' strides (by chance: "
            f"{_chance(comb.chance)}){either}; "
            f"loudest {rate_fraction(loudest['multiple'], loudest['stride'])} = "
            f"{_measured(loudest)}."
        )
        return Finding("comb", sentence, values)
    named = [
        f"{rate_fraction(row['multiple'], row['stride'])} = {_measured(row)}"
        for row in lines.to_dict("records")
    ]
    sentence = f"{what} (by chance: {_chance(comb.chance)}){either}: {'; '.join(named)}."
    return Finding("comb", sentence, values)


def _line(row: dict[Any, Any], rate_hz: float) -> Finding:
    explained = not pd.isna(row["stride"])
    if explained:
        fraction = _fraction(row["multiple"], row["stride"], row["model_rate_hz"], rate_hz)
        what = (
            f"{fraction}: the stride of the last layer, or the product of those of the last layers "
        )
        chance = _chance(row["chance"])
        if pd.isna(row["round_hz"]):
            what += f"(by chance: {chance})"
        else:
            what += (
                f"(by chance, for a multiple of {row['round_hz']:g} Hz: {chance}), or a tone that "
                "someone put at a round frequency"
            )
    else:
        what = "no stride fits"
    what += _at_usual_rates(row, rate_hz)
    if row["mains"]:
        what += f"; {'but also ' if explained else ''}mains hum: {row['mains']}"
    values = {str(key): None if pd.isna(value) else value for key, value in row.items()}
    return Finding("line", f"{_measured(row)}: {what}.", values)


def _at_usual_rates(row: dict[Any, Any], rate_hz: float) -> str:
    """At what usual rate the line would point to a small stride, smaller than that named."""
    largest = SMALL_STRIDE if pd.isna(row["stride"]) else min(SMALL_STRIDE, row["stride"] - 1)
    for other_hz in sorted(MODEL_RATES_HZ, reverse=True):
        match = coincidence(row["frequency_hz"], other_hz, 0.05)
        if match and match.stride <= largest and other_hz != row["model_rate_hz"]:
            name = rate_fraction(match.multiple, match.stride)
            return f"; it would be {name} of a model at {other_hz} Hz"
    return ""


def _other_hop(comb: Comb, rate_hz: float) -> str:
    """The usual rate of which the spacing of a comb is a whole fraction, unless by chance."""
    error_hz = 0.1 / max(comb.multiples)
    for other_hz in MODEL_RATES_HZ:
        period = round(other_hz / comb.spacing_hz)
        step_hz = other_hz / period - other_hz / (period + 1)
        chance = 2 * error_hz / step_hz * len(MODEL_RATES_HZ)
        if (
            other_hz != rate_hz
            and abs(other_hz / period - comb.spacing_hz) < error_hz
            and chance < 0.05
        ):
            return f", or rate/{period} of a model at {other_hz} Hz"
    return ""


def _own(lines: pd.DataFrame, own_strides: Sequence[int]) -> Finding:
    fits = lines["stride"].isin(list(own_strides))
    tested = ", ".join(f"rate/{stride}" for stride in own_strides)
    verb = "is" if fits.sum() == 1 else "are"
    sentence = (
        f"Your model's strides put tones at multiples of {tested}: {fits.sum()} of "
        f"{counted(len(lines), 'line')} {verb} there."
    )
    return Finding("tones", sentence, {"strides": list(own_strides), "lines": int(fits.sum())})


def _remarks(
    found: FileLines, seconds: float, rate_hz: float, model_rate_hz: float | None
) -> list[Finding]:
    remarks = []
    heard = found.table[found.table["level_db"] >= INAUDIBLE_DB]
    n_lines = int((heard["part"] == PAUSES).sum())
    if n_lines:
        named = ", ".join(f"{start:.1f} to {end:.1f} s" for start, end in found.pauses[:MAX_PAUSES])
        more = len(found.pauses) - MAX_PAUSES
        sentence = (
            f"{counted(n_lines, 'line')} stand{'s' * (n_lines == 1)} out only in pauses: "
            f"{named}{f' and {more} more' if more > 0 else ''}."
        )
        pauses = [list(pause) for pause in found.pauses]
        remarks.append(Finding("pauses", sentence, {"pauses_seconds": pauses, "lines": n_lines}))
    original = found.original_rate_hz
    if original:
        is_used = found.model_rate_hz == original and not model_rate_hz
        used = f"; fractions are of {original:g} Hz" if is_used else ""
        sentence = (
            f"Nothing above {original / 2:g} Hz: resampled from {original:g} Hz, or low-passed"
            f"{used}."
        )
        remarks.append(
            Finding("resampled", sentence, {"rate_hz": rate_hz, "original_rate_hz": original})
        )
    if found.doubtful:
        sentence = (
            f"{seconds:.1f} s are too short to tell {counted(found.doubtful, 'steady partial')} "
            f"from notes: no line is named. Give at least {NOTE_SECONDS:g} s, or silence."
        )
        values = {"seconds": seconds, "lines": found.doubtful}
        remarks.append(Finding("too_short", sentence, values))
    return remarks


def _measured(row: Any) -> str:
    where = f", channel {row['channels']}" if row["channels"] else ""
    return (
        f"{row['frequency_hz']:.2f} Hz at {row['level_db']:.1f} dB, "
        f"{heard(row['masking_margin_db'])}, prominence {row['prominence_db']:.0f} dB{where}"
    )


def _fraction(multiple: int, stride: int, of_hz: float, rate_hz: float) -> str:
    fraction = rate_fraction(multiple, stride)
    return fraction if of_hz == rate_hz else f"{fraction} of {of_hz:g} Hz"


def _chance(chance: float) -> str:
    return f"{chance:.1g}" if chance >= 1e-12 else "below 1e-12"
