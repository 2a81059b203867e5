"""Test the paper's claims: each gets a number, an interval and a verdict.

A claim is a row of ``config/paper_claims.csv``. It selects one number per seed from
``measures.csv``, and holds if the whole confidence interval of their mean lies beyond a threshold.
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
from upsampling_artifacts.statistics import mean_interval

CLAIM_COLUMNS = [
    "claim", "section", "statement", "model", "signal", "layer", "measure", "frequency_hz",
    "reduce", "minus_model", "must_be", "threshold",
]  # fmt: skip
VERDICT_COLUMNS = [
    "claim", "section", "statement", "measure", "value", "low", "high", "threshold", "holds",
    "must_be", "unit", "n_seeds",
]  # fmt: skip

ZERO_LEVEL_DB = -300.0
"""Replaces -inf, the level of exact zeros, so that means exist; its negative replaces inf, a level
re exact zeros."""


Claim = dict[str, Any]
"""A row of the table of claims, with ``frequency_hz`` a list of numbers, ``threshold`` a number."""


def read_claims(csv_path: str | Path) -> list[Claim]:
    """Read a table of claims.

    Args:
        csv_path: A table with the columns ``CLAIM_COLUMNS``. ``frequency_hz`` holds frequencies
            separated by spaces; if empty, all frequencies of the measure are selected. ``reduce``
            ("max" or "min") reduces several values to one. ``minus_model`` names a model whose
            value is subtracted, seed by seed. ``must_be`` is "above" or "below".

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
    for column, known in (("must_be", ("above", "below")), ("reduce", ("max", "min", ""))):
        if claim[column] not in known:
            raise ValueError(
                f"{column} is '{claim[column]}'; use {' or '.join(filter(None, known))}"
            )
    frequencies_hz = [_number(hz) for hz in claim["frequency_hz"].split()]
    if len(frequencies_hz) > 1 and not claim["reduce"]:
        raise ValueError("several frequencies, but reduce is empty; use max or min")
    return {**claim, "frequency_hz": frequencies_hz, "threshold": _number(claim["threshold"])}


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
        The numbers by seed; empty if they were not measured. Exact zeros have ``ZERO_LEVEL_DB``.
    """
    values = _model_values(claim, claim["model"], measures)
    if claim["minus_model"]:
        values = values - _model_values(claim, claim["minus_model"], measures)
    return values.dropna()


def _model_values(claim: Claim, model: str, measures: pd.DataFrame) -> pd.Series:
    selected = measures["model"] == model
    for column in ("signal", "layer", "measure"):
        selected &= measures[column] == claim[column]
    rows = measures[selected]
    if claim["frequency_hz"]:
        selected_hz = np.array(claim["frequency_hz"])
        rows = rows[np.isclose(rows["frequency_hz"].to_numpy()[:, None], selected_hz).any(axis=1)]
    values = rows.groupby("seed")["value"].agg(claim["reduce"] or "max")
    return values.clip(lower=ZERO_LEVEL_DB).replace(np.inf, -ZERO_LEVEL_DB)


def verdict(claim: Claim, measures: pd.DataFrame) -> dict[str, object] | None:
    """Test one claim: it holds if its whole 95 % interval lies beyond the threshold.

    Args:
        claim: From :func:`read_claims`.
        measures: The columns of ``measures.csv``.

    Returns:
        A row of ``claims.csv``; None if its number was not measured, because config omits a model.
    """
    values = values_by_seed(claim, measures)
    if values.empty:
        return None
    mean, low, high = mean_interval(values.to_numpy())
    above = claim["must_be"] == "above"
    # One seed has no interval: its value decides.
    bound = np.nan_to_num(low if above else high, nan=mean)
    holds = bound > claim["threshold"] if above else bound < claim["threshold"]
    unit = measures.loc[measures["measure"] == claim["measure"], "unit"].iloc[0]
    row = (
        claim["claim"], claim["section"], claim["statement"], description(claim), mean, low, high,
        claim["threshold"], bool(holds), claim["must_be"], unit, len(values),
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
    elif claim["reduce"]:
        text += ", at all predicted frequencies"
    return f"{text} ({claim['reduce']})" if claim["reduce"] else text


def write_claims(
    measures_path: str | Path, claims_paths: Sequence[str | Path], csv_path: str | Path
) -> None:
    """Test all claims and write ``claims.csv``.

    Args:
        measures_path: ``measures.csv``.
        claims_paths: Tables of claims.
        csv_path: File to write.
    """
    measures = pd.read_csv(measures_path)
    claims = [claim for path in claims_paths for claim in read_claims(path)]
    rows = [row for claim in claims if (row := verdict(claim, measures)) is not None]
    with atomic_write(csv_path) as unfinished:
        pd.DataFrame(rows, columns=VERDICT_COLUMNS).to_csv(
            unfinished, index=False, float_format="%.6g"
        )
