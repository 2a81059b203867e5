"""Test the paper's claims: each gets a number and a verdict.

A claim is a row of ``config/paper_claims.csv``. It selects one number per seed (and song) and
compares it with a threshold. The numbers are those of untrained networks (``measures.csv``), of
the systems trained here, before or after training (``variants.csv``), or differences in SDR
(``sdr_differences.csv``). The kind of a claim says what its number means:

- A *theorem* follows from the mathematics. Its number is the error of an identity; only rounding
  keeps it from zero.
- A *measurement* could have come out otherwise. It holds if the whole confidence interval of the
  mean lies beyond the threshold, and does not hold if none of it does. Else it is undecided. The
  intervals of all measurements of one claim cover their means together with 95 % (Bonferroni).
- A *reading* is judged as a measurement is, alone, but asks which of several readings of an
  ambiguous sentence fits the paper's picture.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.probes.line_summary import largest_of_sources
from upsampling_artifacts.probes.measures_table import label_gradients
from upsampling_artifacts.statistics import ERROR_RATE, crossed_mean_interval, side_of

CLAIM_COLUMNS = [
    "claim", "section", "statement", "model", "signal", "layer", "measure", "frequency_hz",
    "reduce", "minus_model", "must_be", "threshold", "kind", "stage", "minus_stage",
]  # fmt: skip
VERDICT_COLUMNS = [
    "claim", "section", "statement", "measure", "value", "low", "high", "threshold", "holds",
    "must_be", "unit", "n_seeds", "kind", "n_songs", "n_comparisons", "verdict",
]  # fmt: skip

CHOICES = {
    "must_be": ("above", "below"),
    "reduce": ("max", "min", "count", ""),
    "kind": ("theorem", "measurement", "reading"),
    "stage": ("initialization", "trained", ""),
    "minus_stage": ("initialization", "trained", ""),
}
"""The values that a column may have."""

SDR_DIFFERENCE = "sdr_difference"
"""The measure that is read from ``sdr_differences.csv``."""

HOLDS, DOES_NOT_HOLD, UNDECIDED = "holds", "does not hold", "undecided"

Claim = dict[str, Any]
"""A row of the table of claims, with ``frequency_hz`` a list of numbers, ``threshold`` a number."""


def read_claims(csv_path: str | Path, rate_hz: float) -> list[Claim]:
    """Read a table of claims.

    Args:
        csv_path: A table with the columns ``CLAIM_COLUMNS``. ``frequency_hz`` holds frequencies
            separated by spaces, in Hz or as fractions of the experiment's rate ("rate/4"); if
            empty, all frequencies of the measure are selected. ``reduce``
            reduces several values to one: their "max", "min" or "count" (0 if the output was
            measured, but has no such row). ``minus_model`` names a model whose value is subtracted,
            seed by seed and song by song. ``must_be`` is "above" or "below".
            ``kind`` is "theorem" (the number is an error, which must be below the threshold),
            "measurement" or "reading" (the statement is "<reading>: <criterion>"). ``stage`` is
            empty for untrained networks, else the stage of a system trained here, and
            ``minus_stage`` the stage of the value that is subtracted; without ``minus_model``, of
            the same model.
        rate_hz: Sampling rate of the experiment.

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
            claims.append(_claim(fields, rate_hz))
        except ValueError as error:
            raise InputError(f"{csv_path}: line {reader.line_num}: {error}") from None
    return claims


def _claim(fields: list[str], rate_hz: float) -> Claim:
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
    if claim["minus_stage"] and not claim["stage"]:
        raise ValueError("minus_stage is set, but stage is empty")
    frequencies_hz = [_frequency_hz(hz, rate_hz) for hz in claim["frequency_hz"].split()]
    if len(frequencies_hz) > 1 and not claim["reduce"]:
        raise ValueError(
            f"several frequencies, but reduce is empty; use {_either(CHOICES['reduce'])}"
        )
    return {**claim, "frequency_hz": frequencies_hz, "threshold": _number(claim["threshold"])}


def _either(known: Sequence[str]) -> str:
    return " or ".join(filter(None, known))


def _frequency_hz(text: str, rate_hz: float) -> float:
    """A frequency in Hz, given as a number or as a fraction of the rate ("rate/4")."""
    rate, _, divisor = text.partition("/")
    if rate != "rate":
        return _number(text)
    if not _number(divisor) > 0:
        raise ValueError(f"'{text}' is not a fraction of the rate; write rate/4")
    return rate_hz / _number(divisor)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"'{text}' is not a number")
    return value


def values_by_seed(claim: Claim, measures: pd.DataFrame) -> pd.DataFrame:
    """Select the claim's number for each seed and song.

    Args:
        claim: From :func:`read_claims`.
        measures: The columns of ``measures.csv``. If the claim has a stage, the rows that
            :func:`line_summary.largest_of_sources` selects from ``variants.csv``.

    Returns:
        The numbers: one row per seed, one column per song (a single one if the signal is no music).
        Empty if they were not measured. The error of a theorem is an amplitude ratio, even if the
        measure is a level in dB. The level of exact zeros is -inf.
    """
    values = _model_values(claim, claim["model"], claim["stage"], measures)
    if claim["minus_model"] or claim["minus_stage"]:
        model = claim["minus_model"] or claim["model"]
        values = values - _model_values(
            claim, model, claim["minus_stage"] or claim["stage"], measures
        )
    if claim["kind"] == "theorem" and "dB" in _measured_units(claim, measures):
        values = 10 ** (values / 20)
    return values.unstack("song").dropna(how="all").dropna(axis="columns")


def _model_values(claim: Claim, model: str, stage: str, measures: pd.DataFrame) -> pd.Series:
    """The values of one model by seed and song."""
    of_output = measures["model"] == model
    for column in ("signal", "layer"):
        of_output &= measures[column] == claim[column]
    if stage:
        of_output &= measures["stage"] == stage
    output = measures[of_output]
    if not stage:
        output = output.assign(song="")
    rows = output[output["measure"] == claim["measure"]]
    if claim["frequency_hz"]:
        selected_hz = np.array(claim["frequency_hz"])
        rows = rows[np.isclose(rows["frequency_hz"].to_numpy()[:, None], selected_hz).any(axis=1)]
    runs = rows.groupby(["seed", "song"])
    if claim["reduce"] == "count":
        # An output in which nothing was found has rows of other measures only.
        measured = pd.MultiIndex.from_frame(output[["seed", "song"]].drop_duplicates())
        return runs.size().reindex(measured, fill_value=0)
    return runs["value"].agg(claim["reduce"] or "max")


def _measured_units(claim: Claim, measures: pd.DataFrame) -> list[str]:
    return list(measures.loc[measures["measure"] == claim["measure"], "unit"].unique())


def _unit(claim: Claim, measures: pd.DataFrame) -> str:
    """The unit of the claim's number."""
    if claim["reduce"] == "count":
        return "lines"
    return "1" if claim["kind"] == "theorem" else _measured_units(claim, measures)[0]


class _Number(NamedTuple):
    """The number of a claim, with its interval, if it has one."""

    value: float
    low: float
    high: float
    all_values: np.ndarray
    unit: str
    n_seeds: int
    n_songs: int
    n_comparisons: int


def verdict(
    claim: Claim, measures: pd.DataFrame, n_comparisons: int = 1
) -> dict[str, object] | None:
    """Test one claim: it holds if its whole interval lies beyond the threshold.

    It is undecided if the interval includes the threshold. A single seed has no interval, nor has
    the mean of infinite levels (exact zeros), nor a theorem, whose number is the largest error.
    Then every seed must lie beyond the threshold.

    Args:
        claim: From :func:`read_claims`.
        measures: As for :func:`values_by_seed`; for a difference in SDR, the columns of
            ``sdr_differences.csv``.
        n_comparisons: Number of claims whose intervals shall hold together with 95 %. Differences
            in SDR have their own.

    Returns:
        A row of ``claims.csv``; None if its number was not measured, because config omits a model.
    """
    number = (
        _sdr_number(claim, measures)
        if claim["measure"] == SDR_DIFFERENCE
        else _measured_number(claim, measures, n_comparisons)
    )
    if number is None:
        return None
    above, threshold = claim["must_be"] == "above", claim["threshold"]
    side = side_of(threshold, number.low, number.high, number.all_values)
    holds = side == (1 if above else -1)
    # Of a theorem, each error must be small: none is undecided.
    undecided = side == 0 and claim["kind"] != "theorem"
    text = HOLDS if holds else UNDECIDED if undecided else DOES_NOT_HOLD
    row = (
        claim["claim"], claim["section"], claim["statement"], description(claim),
        number.value, number.low, number.high, threshold, holds, claim["must_be"], number.unit,
        number.n_seeds, claim["kind"], number.n_songs, number.n_comparisons, text,
    )  # fmt: skip
    return dict(zip(VERDICT_COLUMNS, row, strict=True))


def _measured_number(claim: Claim, measures: pd.DataFrame, n_comparisons: int) -> _Number | None:
    values = values_by_seed(claim, measures).to_numpy(dtype=float)
    if not values.size:
        return None
    if claim["kind"] == "theorem":
        interval = float(values.max()), math.nan, math.nan
    else:
        with np.errstate(invalid="ignore"):
            interval = crossed_mean_interval(values, 1 - ERROR_RATE / n_comparisons)
    return _Number(*interval, values, _unit(claim, measures), *values.shape, n_comparisons)


def _sdr_number(claim: Claim, differences: pd.DataFrame) -> _Number | None:
    """The difference of two systems, with its interval for all comparisons of its family.

    One seed and one song have no interval, and say nothing of others: then, there is no number.
    """
    is_chosen = differences["system"] == claim["model"]
    is_chosen &= differences["reference"] == claim["minus_model"]
    is_chosen &= differences["source"] == claim["layer"]
    is_chosen &= differences["simultaneous_low_db"].notna()
    for row in differences[is_chosen].to_dict("records"):
        return _Number(
            row["difference_db"], row["simultaneous_low_db"], row["simultaneous_high_db"],
            np.array([row["difference_db"]]), "dB", row["n_seeds"], row["n_songs"],
            row["n_comparisons"],
        )  # fmt: skip
    return None


def description(claim: Claim) -> str:
    """Describe the number that a claim is about.

    Args:
        claim: From :func:`read_claims`.

    Returns:
        For example, ``line_prominence of melgan, noise in, at 5512.5 Hz``.
    """
    text = " ".join(filter(None, [claim["measure"], "of", claim["stage"], claim["model"]]))
    if subtracted := " ".join(filter(None, [claim["minus_stage"], claim["minus_model"]])):
        text += f" minus {subtracted}"
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
    variants_path: str | Path | None,
    sdr_differences_path: str | Path | None,
    claims_paths: Sequence[str | Path],
    rate_hz: float,
    csv_path: str | Path,
) -> None:
    """Test all claims and write ``claims.csv``.

    Args:
        measures_path: ``measures.csv``.
        gradients_path: ``gradients.csv``; its losses are models, and "gradient" is their layer.
        variants_path: ``variants.csv``; None to leave out the claims about systems trained here.
        sdr_differences_path: ``sdr_differences.csv``; None to leave out the claims about them.
        claims_paths: Tables of claims.
        rate_hz: Sampling rate of the experiment.
        csv_path: File to write.
    """
    claims = [claim for path in claims_paths for claim in read_claims(path, rate_hz)]
    measures = pd.concat([pd.read_csv(measures_path), label_gradients(pd.read_csv(gradients_path))])
    trained = pd.read_csv(variants_path, dtype={"song": str}) if variants_path else None
    tables = {
        "measures": measures,
        "variants": largest_of_sources(trained) if trained is not None else None,
        SDR_DIFFERENCE: pd.read_csv(sdr_differences_path) if sdr_differences_path else None,
    }
    with atomic_write(csv_path) as unfinished:
        pd.DataFrame(_verdicts(claims, tables), columns=VERDICT_COLUMNS).to_csv(
            unfinished, index=False, float_format="%.6g"
        )


def _verdicts(
    claims: Sequence[Claim], tables: dict[str, pd.DataFrame | None]
) -> list[dict[str, object]]:
    """Test the claims whose numbers were measured."""
    measured = []
    for claim in claims:
        table = _rows_for(claim, tables)
        if table is not None and verdict(claim, table):
            measured.append((claim, table))
    family = Counter(claim["claim"] for claim, _ in measured if claim["kind"] == "measurement")
    rows = (
        verdict(claim, table, family[claim["claim"]] if claim["kind"] == "measurement" else 1)
        for claim, table in measured
    )
    return [row for row in rows if row]


def _rows_for(claim: Claim, tables: dict[str, pd.DataFrame | None]) -> pd.DataFrame | None:
    """The rows from which a claim's number comes; None without its table."""
    if claim["measure"] == SDR_DIFFERENCE:
        return tables[SDR_DIFFERENCE]
    table = tables["variants" if claim["stage"] else "measures"]
    models = [claim["model"], claim["minus_model"]]
    return None if table is None else table[table["model"].isin(models)]
