"""The paper's claims, each a number with an interval and a verdict.

A claim is a row of a table (``config/paper_claims.csv``): it selects one number per seed from
``measures.csv`` and names the threshold that the whole interval of their mean must lie beyond.
"""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

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

NOTHING_DB = -300.0
"""Stands for the level of what is exactly zero (-inf), so that it has a mean; its negative, for
that of anything re what is exactly zero (inf)."""


def read_claims(csv_path: str | Path) -> list[dict[str, object]]:
    """Read a table of claims.

    Args:
        csv_path: With the columns ``CLAIM_COLUMNS``. ``frequency_hz``: one or several, separated
            by spaces, or none for every frequency at which the measure was taken; of several
            values ``reduce`` ("max" or "min") is the number. ``minus_model``: the same number
            of this model is subtracted, seed by seed. ``must_be``: "above" or "below".

    Returns:
        One dict per row, with ``frequency_hz`` a list of numbers, ``threshold`` a number.

    Raises:
        InputError: Naming the file, the row and what is wrong with it.
    """
    try:
        text = Path(csv_path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{csv_path}: not UTF-8 text; save it as such") from None
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


def _claim(fields: list[str]) -> dict[str, object]:
    """One row as a claim; what is wrong with it is raised as a ValueError."""
    if len(fields) != len(CLAIM_COLUMNS):
        raise ValueError(
            f"{len(fields)} fields where there are {len(CLAIM_COLUMNS)} columns; "
            "put text with commas in quotes"
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


def values_by_seed(claim: dict[str, object], measures: pd.DataFrame) -> pd.Series:
    """The numbers that a claim selects, by seed; empty if nothing of it was measured."""
    values = _of_model(claim, claim["model"], measures)
    if claim["minus_model"]:
        values = values - _of_model(claim, claim["minus_model"], measures)
    return values.dropna()


def _of_model(claim: dict[str, object], model: str, measures: pd.DataFrame) -> pd.Series:
    chosen = measures["model"] == model
    for column in ("signal", "layer", "measure"):
        chosen &= measures[column] == claim[column]
    rows = measures[chosen]
    if claim["frequency_hz"]:
        wanted = np.array(claim["frequency_hz"])
        rows = rows[np.isclose(rows["frequency_hz"].to_numpy()[:, None], wanted).any(axis=1)]
    values = rows.groupby("seed")["value"].agg(claim["reduce"] or "max")
    return values.clip(lower=NOTHING_DB).replace(np.inf, -NOTHING_DB)


def verdict(claim: dict[str, object], measures: pd.DataFrame) -> dict[str, object] | None:
    """Test one claim: it holds if its whole 95 % interval lies beyond the threshold.

    Returns:
        A row of ``claims.csv``; None if nothing of it was measured, for config leaves out a model.
    """
    values = values_by_seed(claim, measures)
    if values.empty:
        return None
    mean, low, high = mean_interval(values)
    above = claim["must_be"] == "above"
    # One seed has no interval: then its value decides.
    worst = np.nan_to_num(low if above else high, nan=mean)
    holds = worst > claim["threshold"] if above else worst < claim["threshold"]
    unit = measures.loc[measures["measure"] == claim["measure"], "unit"].iloc[0]
    row = (
        claim["claim"], claim["section"], claim["statement"], described(claim), mean, low, high,
        claim["threshold"], bool(holds), claim["must_be"], unit, len(values),
    )  # fmt: skip
    return dict(zip(VERDICT_COLUMNS, row, strict=True))


def described(claim: dict[str, object]) -> str:
    """For the table: ``line_prominence of melgan, noise in, at 5512.5 Hz``."""
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
    measures_path: str | Path, claims_paths: list[str | Path], csv_path: str | Path
) -> None:
    """Test every claim on ``measures.csv`` and write ``claims.csv``.

    Args:
        measures_path: The gathered measures.
        claims_paths: Tables of claims.
        csv_path: Where to.
    """
    measures = pd.read_csv(measures_path)
    claims = [claim for path in claims_paths for claim in read_claims(path)]
    rows = [row for claim in claims if (row := verdict(claim, measures)) is not None]
    with atomic_write(csv_path) as unfinished:
        pd.DataFrame(rows, columns=VERDICT_COLUMNS).to_csv(
            unfinished, index=False, float_format="%.6g"
        )
