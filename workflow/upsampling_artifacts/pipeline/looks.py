"""How systems are shown whose rows do not say it."""

from __future__ import annotations

import itertools

PALETTE = [
    *("#d55e00", "#0072b2", "#00a9f2", "#d41564", "#ff9c00", "#00877c"),
    *("#0000bc", "#690050", "#7e3600", "#d0ab90", "#a2abb2", "#4b0200"),
]
"""Colors for systems whose rows set none. Any two differ by 14 CIEDE2000 or more, for readers with
deuteranopia or protanopia, too (tests/figures/test_colors.py)."""

MARKERS = ["o", "s", "^", "D", "P", "X", "v", "<", ">", "p", "h", "*"]
"""Markers for systems whose rows set none, as matplotlib names them."""


def complete_looks(config: dict) -> None:
    """Give each system that lacks one a label, a name in running text, a color and a marker.

    Colors and markers go to the variants first, in order. Those that rows of variants set are
    skipped; when they are used up, they repeat.
    """
    systems = config["systems"]
    for name, row in systems.items():
        if row["label"] is None:
            row["label"] = name.removeprefix(f"{row['architecture']}_").replace("_", " ")
        if row["prose_name"] is None:
            row["prose_name"] = row["label"]
        if row["remedy"] is None:
            row["remedy"] = row["label"]
    for key, choices in (("color", PALETTE), ("marker", MARKERS)):
        taken = {systems[name][key] for name in config["variants"]}
        free = [choice for choice in choices if choice not in taken] or choices
        rows = [systems[name] for name in dict.fromkeys([*config["variants"], *systems])]
        without = [row for row in rows if row[key] is None]
        for row, choice in zip(without, itertools.cycle(free), strict=False):
            row[key] = choice
