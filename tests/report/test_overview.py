"""The overview and the recommendation: cells, their order, and who qualifies."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from upsampling_artifacts.evaluation.sdr import MEAN
from upsampling_artifacts.evaluation.sdr_differences import COLUMNS as DIFFERENCE_COLUMNS
from upsampling_artifacts.probes.line_summary import summarize_lines
from upsampling_artifacts.probes.measures_table import VARIANT_COLUMNS
from upsampling_artifacts.report.overview import overview, treble_kept, worse_than_nothing
from upsampling_artifacts.report.recommendation import recommendation

from ..looks import make_looks
from ..measures import make_lines

SYSTEMS = ["demucs_transposed", "demucs_nearest", "demucs_sinc"]
LOOKS = make_looks(*SYSTEMS)
STEPS = pd.DataFrame(
    {
        "system": ["demucs_transposed", "demucs_nearest", "demucs_nearest", "demucs_sinc"],
        "implementation": ["-", "plain", "auto", "-"],
        "ratio_to_transposed": [1.0, 1.5, 1.04, 1.02],
        "median_step_seconds": [0.1, 0.15, 0.104, 0.102],
        "peak_bytes": [3e7, 5e7, 4e7, 3e7],
    }
)


def differences(**high_db: float) -> pd.DataFrame:
    """Differences to transposed convolution of -0.1 dB, with the upper ends of their intervals."""
    rows = [
        dict.fromkeys(DIFFERENCE_COLUMNS, math.nan)
        | {
            "system": system, "reference": "demucs_transposed", "same_network": True,
            "source": MEAN, "difference_db": -0.1, "simultaneous_low_db": -0.2 - abs(high),
            "simultaneous_high_db": high,
        }
        for system, high in high_db.items()
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=DIFFERENCE_COLUMNS)
    return table.astype({"same_network": bool})


def measure(model: str, name: str, signal: str, frequency_hz: float, value: float) -> dict:
    return {
        "model": model, "seed": 0, "stage": "trained", "signal": signal, "layer": "output",
        "measure": name, "frequency_hz": frequency_hz, "value": value, "unit": "dB",
        "arithmetic": "separation",
    }  # fmt: skip


VARIANTS = pd.DataFrame(
    [
        measure("demucs_nearest", "valley_depth", "noise", 2000, 20.0),
        measure("demucs_nearest", "valley_depth", "noise", 1000, 90.0),  # not the last layer's
        measure("demucs_nearest", "valley_depth", "noise", 2000, 90.0)
        | {"stage": "initialization"},
        measure("demucs_nearest", "treble_level", "music", 1000, -2.0),
        measure("demucs_nearest", "treble_level", "music", 1000, -4.0) | {"seed": 1},
        measure("demucs_nearest", "treble_level", "noise", 1000, -50.0),
        measure("demucs_nearest", "treble_level", "music", 1000, -50.0)
        | {"arithmetic": "training"},
        measure("demucs_sinc", "treble_level", "music", 1000, -35.0),
    ],
    columns=VARIANT_COLUMNS,
)


def make_overview(
    n_seeds: int = 2, sdr_db: float = 3.0, variants: pd.DataFrame = VARIANTS
) -> dict[str, Any]:
    quiet = {"signal": "near_silence"}
    lines = [
        quiet | {"seed": seed, "system": system, "level_db": level, "audibility_margin_db": margin}
        for seed in range(n_seeds)
        for system, level, margin in [
            ("demucs_transposed", -50.0 + 2 * seed, 20.0 + seed),
            ("demucs_nearest", -130.0, -70.0),
            ("demucs_sinc", -np.inf, np.nan),
        ]
    ]
    half = 0.5 if n_seeds > 1 else math.nan
    table_1 = pd.DataFrame(
        {
            "system": [*SYSTEMS, "mixture", "ideal_ratio_mask"],
            "sdr_db": [3.2, sdr_db, 3.1, 1.1, 9.0],
            "sdr_high_db": [3.2 + half, sdr_db + half, 3.1 + half, math.nan, math.nan],
            "parameters": [1e6, 2e6, 2e6, math.nan, math.nan],
        }
    )
    return overview(
        variants, summarize_lines(make_lines(lines), 2000.0), table_1,
        differences(demucs_nearest=0.3), STEPS, LOOKS, SYSTEMS, 2000.0,
    )  # fmt: skip


def cells(values: dict[str, Any], column: str) -> dict[str, dict]:
    index = [each["name"] for each in values["columns"]].index(column)
    return {row["system"]: row["cells"][index] for row in values["rows"]}


def test_the_tone_has_its_level_and_margin_with_their_intervals() -> None:
    values = make_overview()
    level, margin = cells(values, "tone level"), cells(values, "tone margin")
    # Two seeds, 2 dB apart: half-width = 12.7 * 1 dB.
    assert (level["demucs_transposed"]["text"], level["demucs_transposed"]["note"]) == (
        "−49",
        "± 13",
    )
    assert level["demucs_nearest"]["text"] == "< −100"
    assert margin["demucs_nearest"]["text"] == "< −40"
    assert margin["demucs_sinc"] == {"text": "silent", "note": "", "order": -1e9, "bar": None}
    assert margin["demucs_transposed"]["bar"] == 1.0
    assert margin["demucs_nearest"]["bar"] == 0.0


def test_one_seed_has_no_interval() -> None:
    values = make_overview(n_seeds=1)
    assert cells(values, "tone level")["demucs_transposed"]["note"] == ""
    assert cells(values, "SDR")["demucs_transposed"]["note"] == ""


def test_filtering_is_that_of_the_last_layer_after_training() -> None:
    values = make_overview()
    assert cells(values, "valley")["demucs_nearest"]["text"] == "20"
    assert cells(values, "valley")["demucs_sinc"]["text"] == "-"
    assert cells(values, "treble kept")["demucs_nearest"]["text"] == "−3"
    assert values["treble_from_hz"] == 1000


def test_costs_are_those_of_the_implementation_in_use() -> None:
    values = make_overview()
    step = cells(values, "training step")["demucs_nearest"]
    assert (step["text"], step["note"], step["order"]) == ("1.04", "", 1.04)
    assert cells(values, "memory")["demucs_nearest"]["text"] == "40.0"


def test_differences_name_their_interval_and_the_reference() -> None:
    column = cells(make_overview(), "SDR difference")
    assert column["demucs_transposed"]["text"] == "reference"
    assert column["demucs_nearest"]["note"] == "[−0.50, +0.30]"


def test_a_column_that_was_not_measured_is_not_there() -> None:
    names = [column["name"] for column in make_overview()["columns"]]
    assert "treble kept" in names
    without = VARIANTS[VARIANTS["measure"] != "treble_level"]
    names = [column["name"] for column in make_overview(variants=without)["columns"]]
    assert "treble kept" not in names and "valley" in names
    assert treble_kept(without) == {}


def test_bars_compare_the_rows_that_are_shown() -> None:
    sdr = cells(make_overview(), "SDR")
    assert sdr["demucs_transposed"]["bar"] == 1.0
    assert sdr["demucs_nearest"]["bar"] == pytest.approx(3.0 / 3.2)


def test_a_system_worse_than_doing_nothing_is_named() -> None:
    assert make_overview()["worse"] is None
    worse = make_overview(sdr_db=0.9)["worse"]
    assert worse is not None
    assert worse["names"] == ["nearest-neighbor interpolation"]
    assert worse["sdr"] == "1.10"
    assert worse_than_nothing(pd.Series({"demucs_sinc": 1.0}), SYSTEMS, LOOKS) is None


QUIET = {"demucs_transposed": "audible", "demucs_nearest": "inaudible", "demucs_sinc": "silent"}


def test_the_fastest_of_the_quiet_is_recommended() -> None:
    chosen = recommendation(
        QUIET, differences(demucs_nearest=0.3, demucs_sinc=0.3), STEPS, {}, LOOKS
    )
    assert chosen is not None
    assert (chosen["system"], chosen["step"]) == ("demucs_sinc", "1.02")
    assert chosen["others"] == [{"name": "nearest-neighbor interpolation", "step": "1.04"}]
    assert chosen["sdr"] == {
        "difference": "−0.10", "low": "−0.50", "high": "+0.30", "resolved": False,
    }  # fmt: skip


def test_who_loses_treble_is_not_recommended_and_named() -> None:
    treble = {"demucs_transposed": -1.0, "demucs_nearest": -3.9, "demucs_sinc": -34.6}
    table = differences(demucs_nearest=0.3, demucs_sinc=0.3)
    chosen = recommendation(QUIET, table, STEPS, treble, LOOKS)
    assert chosen is not None
    assert chosen["system"] == "demucs_nearest"
    assert chosen["dull"] == [{"name": "sinc", "treble": "−35"}]


@pytest.mark.parametrize(
    ("responses", "high_db"),
    [
        (dict.fromkeys(SYSTEMS, "audible"), 0.3),
        (dict.fromkeys(SYSTEMS, "undecided"), 0.3),
        (QUIET, -0.05),  # shown to separate worse
    ],
)
def test_nothing_is_recommended_without_reason(responses: dict[str, str], high_db: float) -> None:
    table = differences(demucs_nearest=high_db, demucs_sinc=high_db)
    assert recommendation(responses, table, STEPS, {}, LOOKS) is None


def test_without_a_second_system_in_the_network_there_is_no_choice() -> None:
    assert recommendation(QUIET, differences(), STEPS, {}, LOOKS) is None
