"""The figure of remedies: points at the values of the table, one panel per system without one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from upsampling_artifacts.evaluation.remedy_summary import SUMMARY_COLUMNS
from upsampling_artifacts.figures.remedies import LOWEST_DB, draw_remedies, remedies_figure

from ..looks import make_looks

LOOKS = make_looks("demucs_transposed", "demucs_subpixel")
# Margin of doing nothing; then remedy, margin and change in SDR.
REMEDIES = {
    "demucs_transposed": (20.0, [("low-pass", -10.0, -1.0), ("silence", 5.0, 0.1)]),
    "demucs_subpixel": (15.0, [("ICNR", 12.0, 0.05), ("subtracted", -np.inf, 0.0)]),
}


def make_summary() -> pd.DataFrame:
    """Margins have intervals of 4 dB either way, changes in SDR simultaneous ones of 0.3 dB."""
    rows = []
    for reference, (without_db, remedies) in REMEDIES.items():
        for remedy, margin_db, change_db in remedies:
            row = dict.fromkeys(SUMMARY_COLUMNS, np.nan)
            row |= {"system": f"{reference}_{remedy}", "reference": reference, "remedy": remedy}
            row |= {"n_seeds": 3, "n_songs": 2, "n_comparisons": 4, "signal": ""}
            margin = {"value": margin_db, "value_low": margin_db - 4, "value_high": margin_db + 4}
            margin |= {"reference_value": without_db, "change": margin_db - without_db}
            for signal in ("silence", "near_silence", "noise", "music"):
                extra = 100.0 if signal != "near_silence" else 0.0
                shifted = {key: value + extra for key, value in margin.items()}
                for measure in ("audibility_margin", "line_level"):
                    rows.append(row | {"measure": measure, "signal": signal} | shifted)
            interval = {"simultaneous_low": change_db - 0.3, "simultaneous_high": change_db + 0.3}
            rows.append(
                row | {"measure": "sdr", "change": change_db, "reference_value": 3.0} | interval
            )
            for measure in ("step_seconds", "gflop_per_second", "parameters"):
                rows.append(row | {"measure": measure, "change": 1.25, "high": 1.25})
    return pd.DataFrame(rows)


def test_each_remedy_is_a_point_at_its_margin_and_change() -> None:
    panels = remedies_figure(make_summary(), LOOKS, 2000.0).axes
    assert [axes.get_title() for axes in panels] == ["transposed", "subpixel"]
    for axes, (without_db, remedies) in zip(panels, REMEDIES.values(), strict=True):
        points = [(c[0].get_xdata()[0], c[0].get_ydata()[0]) for c in axes.containers]
        drawn = [(change, max(margin, LOWEST_DB)) for _, margin, change in remedies]
        np.testing.assert_allclose(points, drawn)
        nothing = next(line for line in axes.lines if line.get_marker() == "s")
        assert (nothing.get_xdata()[0], nothing.get_ydata()[0]) == (0, without_db)
        labels = {text.get_text() for text in axes.texts}
        assert {"doing nothing", *(name for name, *_ in remedies)} <= labels


def test_intervals_are_drawn_except_below_the_axis() -> None:
    transposed, subpixel = remedies_figure(make_summary(), LOOKS, 2000.0).axes
    horizontal, vertical = (bars.get_segments()[0] for bars in transposed.containers[0][2])
    np.testing.assert_allclose(horizontal, [(-1.3, -10), (-0.7, -10)])
    np.testing.assert_allclose(vertical, [(-1.0, -14), (-1.0, -6)])
    assert len(subpixel.containers[1][2]) == 1  # no interval of the margin
    assert subpixel.containers[1][0].get_marker() == "v"


def test_wide_intervals_do_not_set_the_scale() -> None:
    summary = make_summary()
    sdr = summary["measure"] == "sdr"
    summary.loc[sdr, "simultaneous_low"] = -60.0
    low, high = remedies_figure(summary, LOOKS, 2000.0).axes[0].get_xlim()
    assert -4 < low < -1 < 0.1 < high < 4


def test_one_run_has_no_intervals(tmp_path: Path) -> None:
    summary = make_summary()
    ends = ["value_low", "value_high", "simultaneous_low", "simultaneous_high"]
    summary[ends] = np.nan
    summary.to_csv(tmp_path / "summary.csv", index=False)
    paths = [tmp_path / f"remedies.{kind}" for kind in ("png", "svg")]
    draw_remedies(tmp_path / "summary.csv", paths, LOOKS, 2000.0)
    assert paths[0].read_bytes().startswith(b"\x89PNG")
    assert not any(
        c[2] for axes in remedies_figure(summary, LOOKS, 2000.0).axes for c in axes.containers
    )
