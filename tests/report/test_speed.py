"""What the page says of systems that were not timed, and of the precision of training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from .conftest import Report
from .test_reference import render
from .test_report import page_text


def test_the_page_counts_the_systems_that_were_timed(report: Report, tmp_path: Path) -> None:
    steps = pd.read_csv(report.files.steps)
    some = tmp_path / "steps.csv"
    steps[steps["system"] != "my_upsampler"].to_csv(some, index=False)
    page = render(report, replace(report.files, steps=str(some)), tmp_path)
    assert "Timed are 3 of 4 systems: references, then" in page_text(page)
    names = {row[0] for row in page.tables["speed-table"][1:]}
    assert "transposed" in names and "my upsampler" not in names
    assert "Training computed in 32-true ( training.precision: auto )." in page_text(page)


def test_the_page_says_nothing_of_it_if_all_were_timed(report: Report) -> None:
    assert "Timed are" not in report.html
