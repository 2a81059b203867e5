"""SDR differences in words."""

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.evaluation.sdr import MEAN
from upsampling_artifacts.evaluation.sdr_differences import COLUMNS
from upsampling_artifacts.report.differences import (
    difference_groups,
    paper_verdict,
    sdr_statement,
)
from upsampling_artifacts.report.numbers import signed

from ..looks import make_looks

LOOKS = make_looks(
    "demucs_transposed", "demucs_nearest", "demucs_linear", "demucs_subpixel", "wave_unet"
)


def make_table(
    intervals: dict[str, tuple[float, float]], papers: dict[str, float] | None = None
) -> pd.DataFrame:
    """Differences in the middle of simultaneous intervals; those of single ones are shorter."""
    rows = [
        (
            system, "demucs_transposed", system != "wave_unet", source, 3, 5,
            (low + high) / 2, low + 0.01, high - 0.01, len(intervals), low, high,
            0.0, (papers or {}).get(system, np.nan), "",
        )
        for system, (low, high) in intervals.items()
        for source in (MEAN, "bass")
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def test_unresolved_differences_have_the_largest_bound_in_either_direction() -> None:
    table = make_table({"demucs_nearest": (-0.481, 0.3), "demucs_linear": (-0.2, 0.4)})
    statement = sdr_statement(table, LOOKS)
    assert statement["resolved"] == []
    assert statement["unresolved"] == {
        "names": ["nearest-neighbor interpolation", "linear interpolation"],
        "bound": "0.49",  # rounded up
    }
    assert statement["reference"] == "transposed convolution"
    assert (statement["n_seeds"], statement["n_songs"], statement["n_comparisons"]) == (3, 5, 2)


def test_a_difference_whose_simultaneous_interval_excludes_zero_is_resolved() -> None:
    """The shorter interval of one comparison does not count."""
    intervals = {
        "demucs_nearest": (-0.005, 0.5), "demucs_subpixel": (-0.5, 0.005),
        "demucs_linear": (-1.0, -0.4),
    }  # fmt: skip
    statement = sdr_statement(make_table(intervals), LOOKS)
    assert statement["resolved"] == [
        {
            "name": "linear interpolation", "direction": "lower", "size": "0.70",
            "interval": "[−1.00, −0.40]",
        }
    ]  # fmt: skip
    assert statement["unresolved"]["names"] == [
        "nearest-neighbor interpolation", "subpixel convolution",
    ]  # fmt: skip
    assert statement["unresolved"]["bound"] == "0.50"


def test_without_an_interval_nothing_is_claimed() -> None:
    statement = sdr_statement(make_table({"demucs_nearest": (np.nan, np.nan)}), LOOKS)
    assert statement["resolved"] == [] and statement["unresolved"]["bound"] is None


def test_other_networks_are_not_part_of_the_statement() -> None:
    table = make_table({"demucs_nearest": (-0.1, 0.1), "wave_unet": (-4.0, -3.0)})
    statement = sdr_statement(table, LOOKS)
    assert statement["resolved"] == [] and statement["unresolved"]["bound"] == "0.10"
    assert sdr_statement(table[table["system"] == "wave_unet"], LOOKS) is None
    groups = difference_groups(table, LOOKS)
    assert [group["same_network"] for group in groups] == [True, False]
    assert [row["name"] for row in groups[1]["rows"]] == ["Wave-U-Net"]


@pytest.mark.parametrize(
    ("low", "high", "paper", "verdict"),
    [
        (-1.0, -0.5, -0.73, "seen"),
        (-0.4, 0.4, -0.73, "excluded"),
        (0.1, 0.5, -0.73, "excluded"),
        (-1.0, 0.4, -0.73, "open"),
        (-1.0, -0.5, np.nan, "-"),
        (np.nan, np.nan, -0.73, "-"),
    ],
)
def test_the_papers_difference_is_seen_excluded_or_open(
    low: float, high: float, paper: float, verdict: str
) -> None:
    table = make_table({"demucs_linear": (low, high)}, {"demucs_linear": paper})
    assert paper_verdict(table.iloc[0]) == verdict


def test_differences_have_a_sign() -> None:
    assert [signed(x, 2) for x in (0.03, -0.18, float("nan"))] == ["+0.03", "−0.18", "-"]
