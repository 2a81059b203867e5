"""Test the paper's claims: each gets a number and a verdict.

A claim is a row of ``config/paper_claims.csv``. It selects one number per seed from
``measures.csv`` and compares it with a threshold. Its kind says what the number means:

- A *theorem* follows from the mathematics. Its number is the error of an identity; only rounding
  keeps it from zero.
- A *measurement* could have come out otherwise. It holds if the whole confidence interval of the
  mean over seeds lies beyond the threshold.
- A *reading* is judged as a measurement is, but asks which of several readings of an ambiguous
  sentence fits the paper's picture.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.probes.measures_table import label_gradients
from upsampling_artifacts.statistics import mean_interval

CLAIM_COLUMNS = [
    "claim", "section", "statement", "model", "signal", "layer", "measure", "frequency_hz",
    "reduce", "minus_model", "must_be", "threshold", "kind",
]  # fmt: skip
VERDICT_COLUMNS = [
    "claim", "section", "statement", "measure", "value", "low", "high", "threshold", "holds",
    "must_be", "unit", "n_seeds", "kind",
]  # fmt: skip

CHOICES = {
    "must_be": ("above", "below"),
    "reduce": ("max", "min", "count", ""),
    "kind": ("theorem", "measurement", "reading"),
}
"""The values that a column may have."""


Claim = dict[str, Any]
"""A row of the table of claims, with ``frequency_hz`` a list of numbers, ``threshold`` a number."""


def read_claims(csv_path: str | Path) -> list[Claim]:
    """Read a table of claims.

    Args:
        csv_path: A table with the columns ``CLAIM_COLUMNS``. ``frequency_hz`` holds frequencies
            separated by spaces; if empty, all frequencies of the measure are selected. ``reduce``
            reduces several values to one: their "max", "min" or "count" (0 if the output was
            measured, but has no such row). ``minus_model`` names a model whose value is subtracted,
            seed by seed. ``must_be`` is "above" or "below".
            ``kind`` is "theorem" (the number is an error, which must be below the threshold),
            "measurement" or "reading" (the statement is "<reading>: <criterion>").

    Returns:
        One claim per row.

    Raises:
        InputError: The table is not UTF-8, has other columns, or has an invalid row.
    """
    try:
        text = Path(csv_path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{csv_path}: not UTF-8 text; save it as UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""))
    if next(reader, None) != CLAIM_COLUMNS:
        raise InputError(f"{csv_path}: its columns must be {', '.join(CLAIM_COLUMNS)}")
    claims = []
    for fields in filter(None, reader):
        try:
            claims.append(_claim(fields))
        except ValueError as error:
            raise InputError(f"{csv_path}: line {reader.line_num}: {error}") from None
    return claims


def _claim(fields: list[str]) -> Claim:
    """Parse one row; an invalid one raises a ValueError."""
    if len(fields) != len(CLAIM_COLUMNS):
        raise ValueError(
            f"{len(fields)} fields for {len(CLAIM_COLUMNS)} columns; put text with commas in quotes"
        )
    claim = dict(zip(CLAIM_COLUMNS, fields, strict=True))
    for column in ("claim", "section", "statement", "model", "signal", "layer", "measure"):
        if not claim[column]:
            raise ValueError(f"{column} is empty")
    for column, known in CHOICES.items():
        if claim[column] not in known:
            raise ValueError(f"{column} is '{claim[column]}'; use {_either(known)}")
    if claim["kind"] == "theorem" and claim["must_be"] != "below":
        raise ValueError("must_be is 'above', but a theorem's number is an error; use below")
    if claim["kind"] == "reading" and ": " not in claim["statement"]:
        raise ValueError("the statement of a reading must be '<reading>: <criterion>'")
    frequencies_hz = [_number(hz) for hz in claim["frequency_hz"].split()]
    if len(frequencies_hz) > 1 and not claim["reduce"]:
        raise ValueError(
            f"several frequencies, but reduce is empty; use {_either(CHOICES['reduce'])}"
        )
    return {**claim, "frequency_hz": frequencies_hz, "threshold": _number(claim["threshold"])}


def _either(known: Sequence[str]) -> str:
    return " or ".join(filter(None, known))


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"'{text}' is not a number")
    return value


def values_by_seed(claim: Claim, measures: pd.DataFrame) -> pd.Series:
    """Select the claim's number for each seed.

    Args:
        claim: From :func:`read_claims`.
        measures: The columns of ``measures.csv``.

    Returns:
        The numbers by seed; empty if they were not measured. The error of a theorem is an amplitude
        ratio, even if the measure is a level in dB. The level of exact zeros is -inf.
    """
    values = _model_values(claim, claim["model"], measures)
    if claim["minus_model"]:
        values = values - _model_values(claim, claim["minus_model"], measures)
    if claim["kind"] == "theorem" and "dB" in _measured_units(claim, measures):
        values = 10 ** (values / 20)
    return values.dropna()


def _model_values(claim: Claim, model: str, measures: pd.DataFrame) -> pd.Series:
    of_output = measures["model"] == model
    for column in ("signal", "layer"):
        of_output &= measures[column] == claim[column]
    output = measures[of_output]
    rows = output[output["measure"] == claim["measure"]]
    if claim["frequency_hz"]:
        selected_hz = np.array(claim["frequency_hz"])
        rows = rows[np.isclose(rows["frequency_hz"].to_numpy()[:, None], selected_hz).any(axis=1)]
    if claim["reduce"] == "count":
        # An output in which nothing was found has rows of other measures only.
        return rows.groupby("seed").size().reindex(output["seed"].unique(), fill_value=0)
    return rows.groupby("seed")["value"].agg(claim["reduce"] or "max")


def _measured_units(claim: Claim, measures: pd.DataFrame) -> list[str]:
    return list(measures.loc[measures["measure"] == claim["measure"], "unit"].unique())


def _unit(claim: Claim, measures: pd.DataFrame) -> str:
    """The unit of the claim's number."""
    if claim["reduce"] == "count":
        return "lines"
    return "1" if claim["kind"] == "theorem" else _measured_units(claim, measures)[0]


def verdict(claim: Claim, measures: pd.DataFrame) -> dict[str, object] | None:
    """Test one claim: it holds if its whole 95 % interval lies beyond the threshold.

    A single seed has no interval, nor has the mean of infinite levels (exact zeros), nor a
    theorem, whose number is the largest error. Then every seed must lie beyond the threshold.

    Args:
        claim: From :func:`read_claims`.
        measures: The columns of ``measures.csv``.

    Returns:
        A row of ``claims.csv``; None if its number was not measured, because config omits a model.
    """
    values = values_by_seed(claim, measures).to_numpy()
    if not len(values):
        return None
    if claim["kind"] == "theorem":
        value, low, high = float(values.max()), math.nan, math.nan
    else:
        with np.errstate(invalid="ignore"):
            value, low, high = mean_interval(values)
    above = claim["must_be"] == "above"
    decisive = values if math.isnan(low) else np.array([low if above else high])
    holds = decisive > claim["threshold"] if above else decisive < claim["threshold"]
    row = (
        claim["claim"], claim["section"], claim["statement"], description(claim), value, low, high,
        claim["threshold"], bool(holds.all()), claim["must_be"], _unit(claim, measures),
        len(values), claim["kind"],
    )  # fmt: skip
    return dict(zip(VERDICT_COLUMNS, row, strict=True))


def description(claim: Claim) -> str:
    """Describe the number that a claim is about.

    Args:
        claim: From :func:`read_claims`.

    Returns:
        For example, ``line_prominence of melgan, noise in, at 5512.5 Hz``.
    """
    text = f"{claim['measure']} of {claim['model']}"
    if claim["minus_model"]:
        text += f" minus {claim['minus_model']}"
    text += f", {claim['signal']} in"
    if claim["layer"] != "output":
        text += f", {claim['layer']}"
    if claim["frequency_hz"]:
        text += f", at {', '.join(f'{hz:g}' for hz in claim['frequency_hz'])} Hz"
    elif claim["reduce"] == "count":
        text += ", at any frequency"
    elif claim["reduce"]:
        text += ", at all predicted frequencies"
    return f"{text} ({claim['reduce']})" if claim["reduce"] else text


def write_claims(
    measures_path: str | Path,
    gradients_path: str | Path,
    claims_paths: Sequence[str | Path],
    csv_path: str | Path,
) -> None:
    """Test all claims and write ``claims.csv``.

    Args:
        measures_path: ``measures.csv``.
        gradients_path: ``gradients.csv``; its losses are models, and "gradient" is their layer.
        claims_paths: Tables of claims.
        csv_path: File to write.
    """
    measures = pd.concat([pd.read_csv(measures_path), label_gradients(pd.read_csv(gradients_path))])
    claims = [claim for path in claims_paths for claim in read_claims(path)]
    rows = [row for claim in claims if (row := verdict(claim, measures)) is not None]
    with atomic_write(csv_path) as unfinished:
        pd.DataFrame(rows, columns=VERDICT_COLUMNS).to_csv(
            unfinished, index=False, float_format="%.6g"
        )
