"""Sentences that numbers bear out or not.

A claim selects one number per seed from ``measures.csv`` and names the threshold that its
interval must lie beyond. The paper's claims stand in :mod:`artifacts.claims`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from upsampling_artifacts.statistics import mean_interval

COLUMNS = [
    "claim", "section", "statement", "measure", "value", "low", "high", "threshold", "holds",
    "must_be", "unit", "n_seeds",
]  # fmt: skip

NOTHING_DB = -300.0
"""Stands for the level of what is exactly zero (-inf), so that it has a mean."""


@dataclass(frozen=True)
class Selection:
    """One number per seed out of ``measures.csv``.

    Attributes:
        model: Name in the column of that name.
        signal: What was fed in.
        measure: Which measure.
        frequency_hz: At which frequency; several: the ``reduce`` of them. None: all of them.
        layer: Where.
        reduce: "max" or "min", over frequencies.
        minus: Another selection, which is subtracted seed by seed.
    """

    model: str
    signal: str
    measure: str
    frequency_hz: float | tuple[float, ...] | None = None
    layer: str = "output"
    reduce: Literal["max", "min"] = "max"
    minus: Selection | None = None

    def of(self, measures: pd.DataFrame) -> pd.Series:
        """The values by seed; empty if nothing of it was measured."""
        rows = measures[
            (measures["model"] == self.model)
            & (measures["signal"] == self.signal)
            & (measures["layer"] == self.layer)
            & (measures["measure"] == self.measure)
        ]
        if self.frequency_hz is not None:
            wanted = np.atleast_1d(self.frequency_hz)
            near = np.isclose(rows["frequency_hz"].to_numpy()[:, None], wanted).any(axis=1)
            rows = rows[near]
        values = rows.groupby("seed")["value"].agg(self.reduce).dropna().clip(lower=NOTHING_DB)
        if self.minus is None:
            return values
        return (values - self.minus.of(measures)).dropna()

    def described(self) -> str:
        """For the table: ``line_prominence of demucs_nearest@paper, noise in, at 11025 Hz``."""
        text = f"{self.measure} of {self.model}, {self.signal} in"
        if self.layer != "output":
            text += f", {self.layer}"
        if self.frequency_hz is not None:
            wanted = ", ".join(f"{hz:g}" for hz in np.atleast_1d(self.frequency_hz))
            text += f", at {wanted} Hz"
            if np.size(self.frequency_hz) > 1:
                text += f" ({self.reduce})"
        elif self.measure in ("line_prominence", "line_level", "valley_depth"):
            text += f", at every predicted frequency ({self.reduce})"
        return text if self.minus is None else f"{text}, minus that of {self.minus.model}"


@dataclass(frozen=True)
class Claim:
    """A sentence that a number can bear out or not.

    Attributes:
        claim: Which of the paper's claims, "C1" to "C13"; one may take several sentences.
        section: Of the paper.
        statement: The sentence.
        selection: The number.
        must_be: On which side of the threshold it must lie.
        threshold: In the unit of the measure.
    """

    claim: str
    section: str
    statement: str
    selection: Selection
    must_be: Literal["above", "below"]
    threshold: float

    def verdict(self, measures: pd.DataFrame) -> dict[str, object] | None:
        """A row of ``claims.csv``: it holds if its whole 95 % interval lies beyond the threshold.

        Returns:
            None if nothing of it was measured (a model that config leaves out).
        """
        values = self.selection.of(measures)
        if values.empty:
            return None
        mean, low, high = mean_interval(values)
        worst = {"above": low, "below": high}[self.must_be]
        if np.isnan(worst):  # one seed has no interval: then its value decides
            worst = mean
        holds = worst > self.threshold if self.must_be == "above" else worst < self.threshold
        unit = measures.loc[measures["measure"] == self.selection.measure, "unit"].iloc[0]
        row = (
            self.claim, self.section, self.statement, self.selection.described(), mean, low, high,
            self.threshold, bool(holds), self.must_be, unit, len(values),
        )  # fmt: skip
        return dict(zip(COLUMNS, row, strict=True))


def test_claims(claims: list[Claim], measures: pd.DataFrame) -> pd.DataFrame:
    """The verdicts, in order; the columns ``COLUMNS``."""
    verdicts = [claim.verdict(measures) for claim in claims]
    return pd.DataFrame([row for row in verdicts if row is not None], columns=COLUMNS)


test_claims.__test__ = False  # pytest would take it for a test
