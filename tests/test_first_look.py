"""The notebook docs/first_look.ipynb runs, and its measures agree with theory."""

from __future__ import annotations

import math
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from .clone import REPOSITORY

PATH = REPOSITORY / "docs/first_look.ipynb"
ROUNDING_DB = -120.0
"""Rounding errors of float32: a lower level is not a tone."""


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(notebook: NotebookNode) -> str:
    return "".join(
        output.text
        for cell in code_cells(notebook)
        for output in cell.outputs
        if output.output_type == "stream"
    )


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> NotebookNode:
    """The notebook after a run in an empty folder; a cell that fails raises an error."""
    notebook = nbformat.read(PATH, as_version=4)
    folder: Path = tmp_path_factory.mktemp("notebook")
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}})
    client.execute()
    return notebook


def test_every_cell_runs_without_errors_and_warnings(executed: NotebookNode) -> None:
    for cell in code_cells(executed):
        assert cell.execution_count
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.text


def test_the_printed_measures_agree_with_theory(executed: NotebookNode) -> None:
    rows = re.findall(
        r"^(\w+) +(\w.+?) +measured +(\S+) dB +predicted +(\S+) dB$",
        printed(executed),
        re.MULTILINE,
    )
    assert [row[:2] for row in rows] == [
        (layer, measure)
        for layer in ("transposed", "nearest")
        for measure in ("tones re DC offset", "spectral images", "passband droop")
    ]
    for _, measure, measured, predicted in rows:
        if math.isinf(float(predicted)):
            assert float(measured) < ROUNDING_DB
        else:
            tolerance_db = 1.5 if measure == "tones re DC offset" else 0.5
            assert float(measured) == pytest.approx(float(predicted), abs=tolerance_db)


def test_the_lines_found_are_the_tones_predicted(executed: NotebookNode) -> None:
    assert "tones predicted (Hz): [8000.0, 16000.0]" in printed(executed)
    assert "lines found (Hz):     [8000.0, 16000.0]" in printed(executed)


def test_the_committed_notebook_shows_its_figures_and_prints() -> None:
    """A reader on the web sees the results without running anything."""
    notebook = nbformat.read(PATH, as_version=4)
    assert len(notebook.cells) == 10
    assert all(cell.outputs for cell in code_cells(notebook))
    figures = [
        output
        for cell in code_cells(notebook)
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    assert len(figures) == 2
    assert PATH.stat().st_size < 300_000


def test_the_committed_output_is_that_of_the_code(executed: NotebookNode) -> None:
    """Up to the last digits, which depend on the machine."""
    committed = nbformat.read(PATH, as_version=4)
    without_numbers = [re.sub(r"-?[\d.]+|\*| +", " ", printed(nb)) for nb in (committed, executed)]
    assert without_numbers[0].split() == without_numbers[1].split()
