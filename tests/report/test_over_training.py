"""The sentences on the tone over training."""

from __future__ import annotations

import numpy as np
from upsampling_artifacts.report.over_training import over_training_values

from ..figures.test_over_training import make_over_training
from ..looks import make_looks

SYSTEMS = [
    "demucs_transposed", "demucs_subpixel_icnr", "modified_transposed", "demucs_nearest",
    "demucs_subpixel", "demucs_linear",
]  # fmt: skip
LOOKS = make_looks(*SYSTEMS)


def test_systems_are_sorted_by_when_their_tone_is_audible() -> None:
    table = make_over_training(SYSTEMS)
    margin = "audibility_margin_"
    bounds = [f"{margin}db", f"{margin}low_db", f"{margin}high_db"]
    table[["level_db", *bounds]] = -160.0, -90.0, -92.0, -88.0
    table["level_low_db"] = np.nan
    of_system = {name: table["system"] == name for name in SYSTEMS}

    def set_tone(chosen, level_db: float, margin_db: float, spread_db: float = 2.0) -> None:
        table.loc[chosen, "level_db"] = level_db
        table.loc[chosen, "audibility_margin_db"] = margin_db
        table.loc[chosen, "audibility_margin_low_db"] = margin_db - spread_db
        table.loc[chosen, "audibility_margin_high_db"] = margin_db + spread_db

    set_tone(of_system["demucs_transposed"], -50.0, 30.0)
    set_tone(of_system["demucs_subpixel_icnr"] & (table["step"] >= 1), -60.0, 1.0)  # undecided
    set_tone(of_system["demucs_subpixel_icnr"] & (table["step"] >= 10), -51.4, 9.0)
    set_tone(of_system["modified_transposed"] & (table["step"] < 90), -40.0, 9.0)
    # Audible with all its interval from step 1 on, but its first interval includes zero.
    set_tone(of_system["demucs_subpixel"], -50.0, 9.0)
    set_tone(of_system["demucs_subpixel"] & (table["step"] == 0), -50.0, 9.0, 12.0)
    set_tone(of_system["demucs_linear"] & (table["step"] == 90), -60.0, 1.0)
    values = over_training_values(table, SYSTEMS, LOOKS)
    levels = {"initial_level": "−50", "level": "−50"}
    assert values["always"] == [
        {"prose": "transposed convolution", "step": "0", "appears": "0", **levels}
    ]
    assert values["later"] == [
        {"prose": "subpixel convolution with ICNR", "step": "10", "appears": "1",
         "initial_level": "below −100", "level": "−51"},
    ]  # fmt: skip
    names = [entry["prose"] for entry in values["not_in_the_end"]]
    assert names == ["modified transposed convolution", "nearest-neighbor interpolation"]
    assert [entry["prose"] for entry in values["undecided"]] == [
        "subpixel convolution", "linear interpolation",
    ]  # fmt: skip
    assert (values["n_snapshots"], values["n_seeds"]) == (3, 3)


def test_only_near_silence_counts() -> None:
    table = make_over_training(SYSTEMS)
    table.loc[table["signal"] != "near_silence", "audibility_margin_low_db"] = -99.0
    assert over_training_values(table, SYSTEMS, LOOKS)["always"] == []
    table["audibility_margin_low_db"] = -99.0
    table.loc[table["signal"] == "near_silence", "audibility_margin_low_db"] = 9.0
    assert len(over_training_values(table, SYSTEMS, LOOKS)["always"]) == len(SYSTEMS)


def test_without_snapshots_the_ends_of_training_are_left() -> None:
    table = make_over_training(SYSTEMS)
    without = table[table["stage"] != "training"]
    assert over_training_values(without, SYSTEMS, LOOKS)["n_snapshots"] == 0


def test_a_system_without_a_tone_there_is_left_out() -> None:
    table = make_over_training(SYSTEMS)
    measured = table[table["system"] != "demucs_linear"]
    values = over_training_values(measured, SYSTEMS, LOOKS)
    groups = ("always", "later", "not_in_the_end", "undecided")
    assert sum(len(values[group]) for group in groups) == len(SYSTEMS) - 1
