"""The section on remedies, and what the page says of losses: sentences from the tables."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.report.losses import output_values
from upsampling_artifacts.report.remedies import remedy_groups

from ..figures.test_remedies import LOOKS, make_summary
from ..looks import make_looks
from .conftest import Report, make_loss_outputs, make_remedies
from .test_reference import render
from .test_report import page_text


def text_of(report: Report, section: str) -> str:
    """The text of a section without tags and line breaks."""
    html = re.search(rf'<section id="{section}">(.*?)</section>', report.html, re.DOTALL)
    assert html, section
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html[1])).strip()


def test_remedies_are_sorted_by_the_tone_and_by_sdr() -> None:
    transposed, subpixel = remedy_groups(make_summary(), LOOKS)
    assert transposed["inaudible"] == ["low-pass"]  # -10 ± 4 dB
    assert transposed["audible"] == ["silence"]  # 5 ± 4 dB
    assert [change["name"] for change in transposed["worse"]] == ["low-pass"]
    assert transposed["worse"][0]["change"] == "−1.00"
    assert transposed["better"] == []
    # 0.1 ± 0.3 dB
    assert (transposed["unresolved"], transposed["bound"]) == (["silence"], "0.40")
    assert subpixel["inaudible"] == ["subtracted"]
    assert (subpixel["n_seeds"], subpixel["n_songs"], subpixel["n_comparisons"]) == (3, 2, 4)


def test_the_comparison_of_all_remedies_says_whose_it_is(report: Report, tmp_path: Path) -> None:
    """It stands beside this experiment's, in a table of its own."""
    folder = tmp_path / "reference"
    folder.mkdir()
    make_remedies(folder)
    origin = {
        "machine": {"GPU": None, "CPU": "a processor", "cores": "2"}, "packages": {"torch": "2.11"},
        "written": "2026-11-28", "commit": "0123456789", "dirty": False, "remarks": [],
        "config": {
            "seeds": [0, 1, 2], "test_songs": ["one", "two"], "rate_hz": 8000,
            "training": {"epochs": 6},
        },
    }  # fmt: skip
    (folder / "provenance.json").write_text(json.dumps(origin))
    page = render(report, replace(report.files, reference_remedies=str(folder)), tmp_path)
    text = page_text(page)
    training = "6 epochs, 3 seeds, 2 test songs, tone at 2 kHz; "
    assert training + "a processor, 2 cores, PyTorch 2.11, 2026-11-28" in text
    there, here = page.tables["reference-remedy-table"], page.tables["remedy-table"]
    assert there == here and len(there) > 4
    assert "reference-remedy-table" not in report.html


def test_an_interval_that_includes_zero_leaves_the_tone_undecided() -> None:
    summary = make_summary()
    margins = summary["measure"] == "audibility_margin"
    summary.loc[margins & (summary["remedy"] == "silence"), "value_low"] = -1.0
    assert remedy_groups(summary, LOOKS)[0]["undecided"] == ["silence"]


def test_one_seed_is_judged_by_its_value_and_has_no_bound() -> None:
    summary = make_summary()
    summary[["value_low", "value_high", "simultaneous_low", "simultaneous_high"]] = np.nan
    transposed = remedy_groups(summary, LOOKS)[0]
    assert (transposed["inaudible"], transposed["audible"]) == (["low-pass"], ["silence"])
    assert transposed["worse"] == []
    assert transposed["bound"] is None


def test_the_table_begins_with_doing_nothing() -> None:
    rows = remedy_groups(make_summary(), LOOKS)[0]["rows"]
    assert [row["name"] for row in rows] == ["doing nothing", "low-pass", "silence"]
    nothing, low_pass, _ = rows
    assert nothing["sdr"] == "3.00"
    assert nothing["margins"][1] == "20.0"  # near-silence
    assert low_pass["margins"][1] == "−10.0 ± 4.0"
    assert (low_pass["sdr"], low_pass["interval"]) == ("−1.00", "[−1.30, −0.70]")
    assert (low_pass["step"], low_pass["parameters"]) == ("1.25 ± 0.00", "1.250")


def test_the_page_says_what_helps_and_what_it_costs(report: Report) -> None:
    text = text_of(report, "remedies")
    assert "the tone is not audible with low-pass; the tone is still audible with silence." in text
    assert "SDR is lower with low-pass (−1.00 dB, [−1.30, −0.70])." in text
    assert (
        "With silence, no change in SDR is resolved over 3 seeds and 2 songs, and the intervals "
        "exclude changes of more than 0.40 dB." in text
    )


@pytest.fixture
def outputs(tmp_path: Path) -> pd.DataFrame:
    (tmp_path / "losses").mkdir()
    return pd.read_csv(make_loss_outputs(tmp_path))


def test_lines_that_a_loss_leaves_louder_are_named(outputs: pd.DataFrame) -> None:
    looks = make_looks("demucs_transposed", "demucs_nearest")
    values = output_values(outputs, ["l1", "deep_features"], 8000.0, looks)
    transposed, nearest = values["systems"]
    assert transposed["louder"] == [
        {
            "loss": "deep features, strided convolutions", "signal": "near-silence", "stride": 4,
            "change": "+6.1", "louder": True,
        }
    ]  # fmt: skip
    assert transposed["quieter"] == nearest["louder"] == nearest["quieter"] == []
    assert values["n_comparisons"] == 2
    first, second = transposed["rows"]
    assert first["cells"][0] == ("−67.0", "-")
    assert second["cells"][0][0] == "−60.9"
    assert second["cells"][0][1].startswith("+6.1 [")


def test_rounded_frequencies_of_other_rates_are_found(outputs: pd.DataFrame) -> None:
    """At 22.05 kHz, rate / 16 is written with six digits: 1378.12 instead of 1378.125 Hz."""
    arguments = ["l1", "deep_features"], make_looks("demucs_transposed", "demucs_nearest")
    expected = output_values(outputs, arguments[0], 8000.0, arguments[1])
    outputs["frequency_hz"] = [float(f"{hz * 22050 / 8000:.6g}") for hz in outputs["frequency_hz"]]
    assert output_values(outputs, arguments[0], 22050.0, arguments[1]) == expected


def test_the_page_says_what_reaches_the_output(report: Report) -> None:
    text = text_of(report, "losses")
    assert "With transposed convolution, lines are louder than after training with L1" in text
    assert (
        "With nearest-neighbor interpolation, no loss leaves a louder line than L1, as far as 3 "
        "seeds can tell." in text
    )
