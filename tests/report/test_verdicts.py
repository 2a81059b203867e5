"""The claims with their verdicts as text, and the captions of the paper's figures."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest
from upsampling_artifacts.evaluation.claims import VERDICT_COLUMNS
from upsampling_artifacts.report.paper_figures import CAPTIONS, paper_figures
from upsampling_artifacts.report.verdicts import claim_rows, claim_values, reading_table

ROW = {
    "claim": "C1", "section": "1", "statement": "A tone.", "measure": "prominence of net",
    "value": 30.0, "low": 25.0, "high": 35.0, "threshold": 10.0, "holds": True,
    "must_be": "above", "unit": "dB", "n_seeds": 3,
    "kind": "measurement", "n_songs": 1, "n_comparisons": 1, "verdict": "holds",
}  # fmt: skip


def claim_row(**changes: object) -> dict[str, Any]:
    """The text of ``ROW`` with some of its values changed."""
    [group] = claim_rows(pd.DataFrame([ROW | changes], columns=VERDICT_COLUMNS))
    [row] = group["rows"]
    return row


def test_rows_are_gathered_by_claim_in_the_order_of_the_table() -> None:
    rows = [ROW, ROW | {"claim": "C7", "section": "3"}, ROW | {"statement": "Another."}]
    groups = claim_rows(pd.DataFrame(rows, columns=VERDICT_COLUMNS))
    assert [(group["claim"], group["section"]) for group in groups] == [("C1", "1"), ("C7", "3")]
    assert [row["statement"] for row in groups[0]["rows"]] == ["A tone.", "Another."]


def test_a_table_without_claims_has_no_rows() -> None:
    assert claim_rows(pd.DataFrame(columns=VERDICT_COLUMNS)) == []


@pytest.mark.parametrize("text", ["holds", "does not hold", "undecided"])
def test_the_verdict_is_that_of_the_table(text: str) -> None:
    assert claim_row(verdict=text)["verdict"] == text


@pytest.mark.parametrize(
    ("changes", "value", "criterion"),
    [
        ({}, "30 (25 to 35) dB", "> 10 dB"),
        ({"must_be": "below"}, "30 (25 to 35) dB", "< 10 dB"),
        ({"value": -2.345, "low": -3.21, "high": -1.0}, "−2.3 (−3.2 to −1) dB", "> 10 dB"),
        ({"value": 91.17, "low": 57.76, "high": 124.59}, "91 (58 to 125) dB", "> 10 dB"),
        ({"value": 0.031, "low": -0.22, "high": 0.28}, "0.03 (−0.22 to 0.28) dB", "> 10 dB"),
        ({"low": math.nan, "high": math.nan}, "30 dB", "> 10 dB"),
        ({"value": -math.inf, "low": math.nan, "high": math.nan}, "−∞ dB", "> 10 dB"),
        ({"value": math.inf, "low": math.nan, "high": math.nan}, "∞ dB", "> 10 dB"),
        ({"value": 0.0, "low": -0.04, "high": 0.04}, "0 (−0.04 to 0.04) dB", "> 10 dB"),
        ({"value": 1, "low": 1, "high": 1, "unit": "samples", "threshold": 0.5},
         "1 samples", "> 0.5 samples"),
        ({"value": 8.4e-14, "low": 7e-14, "high": 9.9e-14, "unit": "1", "threshold": 1e-12},
         "8e−14 (7e−14 to 1e−13)", "> 1e−12"),
        ({"value": 0.0, "low": 0.0, "high": 0.0, "unit": "lines", "threshold": 0.5},
         "0 lines", "> 0.5 lines"),
        ({"value": 3e-7, "low": math.nan, "high": math.nan, "unit": "1", "threshold": 1e-5},
         "3e−7", "> 1e−5"),
    ],
)  # fmt: skip
def test_values_and_criteria_show_only_the_digits_that_matter(
    changes: dict[str, object], value: str, criterion: str
) -> None:
    row = claim_row(**changes)
    assert (row["value"], row["criterion"]) == (value, criterion)
    assert row["n_seeds"] == 3


def test_only_measurements_and_theorems_are_counted_each_for_itself() -> None:
    rows = [
        ROW, ROW, ROW | {"verdict": "does not hold"}, ROW | {"verdict": "undecided"},
        ROW | {"kind": "theorem"}, ROW | {"kind": "reading", "statement": "None: visible"},
    ]  # fmt: skip
    values = claim_values(pd.DataFrame(rows, columns=VERDICT_COLUMNS))
    assert values["count"]["measurement"] == {"all": 4, "hold": 2, "fail": 1, "undecided": 1}
    assert values["count"]["theorem"] == {"all": 1, "hold": 1, "fail": 0, "undecided": 0}
    [measured], [proven] = values["measurements"], values["theorems"]
    assert len(measured["rows"]) == 4 and len(proven["rows"]) == 1


def test_readings_are_rows_and_their_criteria_columns() -> None:
    rows = [
        ROW | {"statement": "No bias: weaker"},
        ROW | {"statement": "No ReLU: weaker", "verdict": "does not hold"},
        ROW | {"statement": "No bias: visible", "threshold": -3.0},
        ROW | {"statement": "No ReLU: visible", "threshold": -3.0},
    ]
    table = reading_table(pd.DataFrame(rows, columns=VERDICT_COLUMNS))
    assert table["columns"] == [
        {"name": "weaker", "criterion": "> 10 dB"}, {"name": "visible", "criterion": "> −3 dB"},
    ]  # fmt: skip
    assert [(row["reading"], row["fits"]) for row in table["rows"]] == [
        ("No bias", True), ("No ReLU", False),
    ]  # fmt: skip
    assert table["rows"][1]["cells"][0] == {
        "mean": "30 dB", "interval": "25 to 35", "verdict": "does not hold",
    }  # fmt: skip


def test_a_reading_without_a_number_has_an_empty_cell() -> None:
    rows = [ROW | {"statement": "A: weaker"}, ROW | {"statement": "B: visible"}]
    table = reading_table(pd.DataFrame(rows, columns=VERDICT_COLUMNS))
    assert [[cell is None for cell in row["cells"]] for row in table["rows"]] == [
        [False, True], [True, False],
    ]  # fmt: skip


def test_every_figure_of_the_paper_has_a_caption_and_an_alternative_text() -> None:
    assert list(CAPTIONS) == list(range(1, 10))
    figures = paper_figures({f"figure_{number}": "path" for number in range(1, 10)})
    assert [figure["name"] for figure in figures] == [f"figure_{n}" for n in range(1, 10)]
    for figure in figures:
        assert figure["caption"] == CAPTIONS[figure["number"]]
        assert figure["alt"].startswith(f"Figure {figure['number']} of the paper, recomputed: ")


def test_drawn_figures_are_listed_in_the_papers_order() -> None:
    drawn = paper_figures({"line_levels": "a", "figure_8": "b", "figure_5": "c"})
    assert [figure["number"] for figure in drawn] == [5, 8]
    assert paper_figures({}) == []
