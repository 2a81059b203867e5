"""Quality against compute and against the tone: points are drawn at the values of the tables."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from upsampling_artifacts.evaluation.trade_offs import trade_offs
from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.labels import Label, place_labels
from upsampling_artifacts.figures.trade_offs import draw_trade_offs, trade_offs_figure

from ..looks import make_looks
from ..measures import as_measures, make_lines

SYSTEMS = ["demucs_transposed", "demucs_nearest", "modified_transposed", "my_upsampler"]
LOOKS = make_looks(*SYSTEMS)
LEVELS_DB = {
    "demucs_transposed": [-50.0, -52.0, -54.0],
    "demucs_nearest": [-150.0, -140.0, -145.0],
    "modified_transposed": [-85.0, -90.0, -95.0],
    "my_upsampler": [-60.0, -61.0, -62.0],
}


@pytest.fixture
def table_1() -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "system": SYSTEMS,
            "sdr_db": [3.6, 3.5, 3.6, 3.0],
            "gflop_per_second": [0.125, 0.184, 0.125, 0.2],
        }
    )
    table = table.assign(sdr_low_db=table["sdr_db"] - 0.2, sdr_high_db=table["sdr_db"] + 0.2)
    others = pd.DataFrame({"system": ["sams_net", "mixture"], "sdr_db": [np.nan, 1.0]})
    return pd.concat([table, others], ignore_index=True)


@pytest.fixture
def lines() -> pd.DataFrame:
    rows = []
    for system, levels_db in LEVELS_DB.items():
        for seed, level_db in enumerate(levels_db):
            run = {"system": system, "seed": seed, "signal": "near_silence"}
            other = run | {"level_db": 7.0}
            rows.append(run | {"level_db": level_db})
            rows.append(other | {"frequency_hz": 4000.0})
            rows.append(other | {"signal": "silence"})
            rows.append(other | {"stage": "initialization"})
    return make_lines(rows)


def points(axes: Axes) -> list[tuple[float, float]]:
    """Positions of the markers, in order."""
    return [(float(c[0].get_xdata()[0]), float(c[0].get_ydata()[0])) for c in axes.containers]


def interval_ends(axes: Axes, index: int) -> list[np.ndarray]:
    """The ends of the intervals of one point."""
    return [segment for bars in axes.containers[index][2] for segment in bars.get_segments()]


def test_the_table_has_the_trained_systems_levels_in_near_silence(table_1, lines) -> None:
    table = trade_offs(table_1, lines, SYSTEMS, 2000.0).set_index("system")
    assert list(table.index) == SYSTEMS
    assert table["sdr_db"].tolist() == [3.6, 3.5, 3.6, 3.0]
    assert table["gflop_per_second"].tolist() == [0.125, 0.184, 0.125, 0.2]
    transposed = table.loc["demucs_transposed"]
    assert transposed["level_db"] == -52
    assert transposed["level_high_db"] == pytest.approx(-52 + 4.30265 * 2 / np.sqrt(3), abs=1e-3)
    assert table.loc["my_upsampler", "level_db"] == -61


def test_means_and_intervals_are_drawn_at_the_values_of_the_table(table_1, lines) -> None:
    table = trade_offs(table_1, lines, SYSTEMS, 2000.0)
    compute, levels = trade_offs_figure(table, LOOKS, 2000.0).axes
    assert compute.get_xscale() == "log"
    assert points(compute) == [(0.125, 3.6), (0.184, 3.5), (0.125, 3.6), (0.2, 3.0)]
    assert points(levels) == [(-52.0, 3.6), (-145.0, 3.5), (-90.0, 3.6), (-61.0, 3.0)]
    (vertical,) = interval_ends(compute, 0)
    np.testing.assert_allclose(vertical, [(0.125, 3.4), (0.125, 3.8)])
    horizontal = next(bar for bar in interval_ends(levels, 0) if bar[0, 1] == bar[1, 1])
    bounds = table.loc[0, ["level_low_db", "level_high_db"]].to_list()
    np.testing.assert_allclose(horizontal[:, 0], bounds)


def test_one_seed_is_drawn_without_an_interval(table_1, lines) -> None:
    table_1[["sdr_low_db", "sdr_high_db"]] = np.nan
    table = trade_offs(table_1, lines[lines["seed"] == 0], SYSTEMS, 2000.0)
    for axes in trade_offs_figure(table, LOOKS, 2000.0).axes:
        assert len(points(axes)) == len(SYSTEMS)
        assert not any(interval_ends(axes, index) for index in range(len(SYSTEMS)))


def test_the_wide_intervals_of_two_seeds_do_not_set_the_scale(table_1, lines) -> None:
    table = trade_offs(table_1, lines, SYSTEMS, 2000.0)
    table[["sdr_low_db", "sdr_high_db"]] = -50.0, 60.0
    bottom, top = trade_offs_figure(table, LOOKS, 2000.0).axes[0].get_ylim()
    assert 1 < bottom < top < 6


@pytest.mark.parametrize("probed", [["demucs_transposed"], []])
def test_systems_that_were_not_probed_are_named_below(table_1, lines, probed: list[str]) -> None:
    table = trade_offs(table_1, lines[lines["system"].isin(probed)], SYSTEMS, 2000.0)
    compute, levels = trade_offs_figure(table, LOOKS, 2000.0).axes
    assert len(points(compute)) == len(SYSTEMS)
    assert len(points(levels)) == len(probed)
    (text,) = [t.get_text() for t in levels.texts if t.get_text().startswith("not measured")]
    absent = [LOOKS[name]["label"] for name in SYSTEMS if name not in probed]
    assert text == f"not measured: {', '.join(absent)}"


def test_labels_of_crowded_points_cover_neither_each_other_nor_a_point() -> None:
    rng = np.random.default_rng(0)
    with style.applied():
        figure = style.new_figure(5.0)
        axes = figure.subplots(1, 2)[0]
        axes.set(xlim=(0, 1), ylim=(0, 1))
        crowd = rng.uniform(0.4, 0.6, (12, 2))
        labels = [Label(f"an upsampler, {i}", x, y, "black", "") for i, (x, y) in enumerate(crowd)]
        texts = place_labels(axes, labels, bars=[])
        figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in texts]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    assert not any(
        box.contains(*point) for box in boxes for point in axes.transData.transform(crowd)
    )
    frame = axes.get_window_extent()
    assert all(frame.contains(*corner) for box in boxes for corner in box.get_points())


def test_trade_offs_are_drawn_from_their_tables(table_1, lines, tmp_path: Path) -> None:
    table_1.to_csv(tmp_path / "table_1.csv", index=False)
    as_measures(lines).to_csv(tmp_path / "variants.csv", index=False)
    paths = [tmp_path / f"figures/trade_offs.{kind}" for kind in ("png", "svg")]
    draw_trade_offs(tmp_path / "table_1.csv", tmp_path / "variants.csv", paths, LOOKS, 2000.0)
    assert paths[0].read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in paths[1].read_bytes()
