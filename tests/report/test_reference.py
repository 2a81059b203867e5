"""The section on another machine's tables: what it shows, and that it says whose they are."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from upsampling_artifacts.evaluation.reference_tables import write_reference
from upsampling_artifacts.report.files import ReportFiles
from upsampling_artifacts.report.page import write_report

from .conftest import ALL_LOOKS, EXCERPT, SONG, SYSTEMS, Report
from .test_report import Page, page_text


@pytest.fixture(scope="module")
def page(report: Report) -> Page:
    return Page(report.html)


def test_the_section_says_whose_numbers_these_are(page: Page) -> None:
    text = page_text(page)
    assert "On one GPU, at 44.1 kHz Not measured by this experiment." in text
    assert (
        "measured on NVIDIA H100 80GB, PyTorch 2.11, 2026-11-28, commit 4e0e551 : 1 seed, 2 test "
        "songs. With one seed there is no interval over seeds"
    ) in text
    assert "Each system was trained for 45 s" in text
    assert "NVIDIA H100 80GB HBM3, PyTorch 2.11, 2026-11-28, commit not recorded" in text


def test_its_sentences_quote_the_tables(page: Page) -> None:
    text = page_text(page)
    assert (
        "After training on that machine, transposed convolution and subpixel convolution answer "
        "silence with a tone at 11.025 kHz, at −50 and −49 dB re the music; nearest-neighbor "
        "interpolation and linear interpolation have none above −100 dB ."
    ) in text
    assert "At step 760, the last at which all were validated, the validation loss (L1) is" in text
    assert "0.180 (transposed convolution), 0.190 (nearest-neighbor interpolation)" in text
    assert (
        "A training step of the full-size network on NVIDIA H100 80GB HBM3 (32 × 10 s, "
        "bf16-mixed), relative to one with transposed convolution: linear interpolation , 2.06 as "
        "two layers and 1.07 fused, the paper’s epochs 1.35 ; nearest-neighbor interpolation , "
        "1.41 as two layers and 0.99 fused (here: 1.50 and 1.10), the paper’s epochs 1.33 ."
    ) in text


def test_each_system_has_a_row_there_and_a_row_here(page: Page) -> None:
    rows = [[" ".join(cell.split()) for cell in row] for row in page.tables["reference-table"]]
    by_name = {row[0]: index for index, row in enumerate(rows)}
    transposed, here = rows[by_name["transposed"] :][:2]
    assert transposed == [
        "transposed", "reference", "−32.9", "−49.6", "46.0", "21.7", "6.26", "-", "1102",
    ]  # fmt: skip
    assert here == [
        "this run", "−30.0 ± 2.5", "−50.0 ± 2.5", "12.0 ± 0.0", "12.0 ± 0.0", "1.10 ± 0.25",
        "-", "90",
    ]  # fmt: skip
    nearest, here = rows[by_name["nearest"] :][:2]
    assert nearest[2:4] == ["< −100", "< −100"] and nearest[6] == "5.62"
    assert nearest[7].startswith("−0.64 [")
    assert here[6] == "−0.25 [−0.78, +0.28]"
    _, here = rows[by_name["linear"] :][:2]
    assert here == ["this run", *"-------"]


def test_full_size_steps_stand_beside_this_experiments(page: Page) -> None:
    rows = [[" ".join(cell.split()) for cell in row] for row in page.tables["full-size-table"]]
    assert ["nearest", "fused layer", "bf16-mixed", "242", "19", "0.99", "1.10", "1.33"] in rows
    assert ["transposed", "", "bf16-mixed", "243", "17", "1.00", "1.00", "1.00"] in rows
    # Here, a step in another precision was not timed.
    assert ["transposed", "", "32-true", "410", "-", "1.69", "-", "-"] in rows


def render(report: Report, files: ReportFiles, folder: Path) -> Page:
    write_report(
        folder / "report.html", folder / "provenance.json", files, report.config, ALL_LOOKS,
        [SONG], EXCERPT, tone_hz=2000.0, repository=Path(__file__).parents[2],
    )  # fmt: skip
    return Page((folder / "report.html").read_text())


def test_without_the_tables_the_section_is_left_out(report: Report, tmp_path: Path) -> None:
    render(report, replace(report.files, reference=None, full_size=None), tmp_path)
    html = (tmp_path / "report.html").read_text()
    assert not re.search(r'href="#reference"|id="reference"|H100', html)


def test_the_tables_of_a_finished_experiment_can_take_their_place(
    report: Report, tmp_path: Path
) -> None:
    """Here, those of the page's own experiment: there and here are the same."""
    training = tmp_path / "training.csv"
    pd.DataFrame({"step": [45, 90], "valid_loss": [0.3, 0.2]}).to_csv(training, index=False)
    claims = pd.read_csv(report.files.claims, dtype=str)
    claims.loc[claims["claim"] == "C9", "section"] = "6"
    claims.to_csv(tmp_path / "claims.csv", index=False)
    files = replace(report.files, claims=str(tmp_path / "claims.csv"))
    write_reference(
        tmp_path / "reference",
        report.files.variants,
        report.files.scores,
        report.files.sdr_differences,
        [(system, seed, training) for system in SYSTEMS for seed in range(3)],
        report.files.steps,
        report.path.parent / "provenance.json",
        [tmp_path / "claims.csv"],
        report.config | {"synthetic_songs": {}},
        [SONG],
    )
    page = render(report, replace(files, reference=str(tmp_path / "reference")), tmp_path)
    rows = [[" ".join(cell.split()) for cell in row] for row in page.tables["reference-table"]][2:]
    assert len(rows) == 2 * len(SYSTEMS)
    for there, here in zip(rows[::2], rows[1::2], strict=True):
        assert there[2:] == here[1:]
    assert rows[4][2:4] == ["exactly silent"] * 2
    assert page.tables["reference-claims"][1:] == [
        ["C9", "It has lines.", *["1 (0 to 2) lines: undecided"] * 2]
    ]
    text = page_text(page)
    assert "3 seeds, 1 test song. After training on that machine," in text
    assert "At step 90, the last at which all were validated" in text
