"""Whatever stands for a system in a figure is marked as its own."""

from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.systems import (
    belongs_to,
    legend_belongs_to,
    system_of,
    ticks_belong_to,
)

from ..looks import make_looks


def test_parts_of_containers_and_arrows_are_marked_too() -> None:
    axes = style.new_figure(2.0).subplots()
    bars = axes.errorbar([1], [2], [[1], [1]], capsize=2)
    arrow = axes.annotate("", (1, 1), (0, 0), arrowprops={})
    belongs_to("mine", bars, arrow, None)
    line, caps, intervals = bars
    parts = [line, *caps, *intervals, arrow, arrow.arrow_patch]
    assert [system_of(part) for part in parts] == ["mine"] * 6


def test_ticks_and_legend_entries_belong_to_systems() -> None:
    figure = style.new_figure(2.0)
    axes = figure.subplots()
    axes.plot([0, 2], label="none")
    axes.plot([0, 1], label="first")
    axes.plot([0, 2], label="second")
    axes.set_xticks([0, 1], ["first", "second"])
    ticks_belong_to(axes.xaxis, ["a", "b"])
    legend = axes.legend()
    looks = make_looks("a", "b")
    looks["a"]["label"], looks["b"]["label"] = "first", "second"
    legend_belongs_to(legend, looks)
    assert [system_of(tick) for tick in axes.xaxis.get_major_ticks()] == ["a", "b"]
    assert [system_of(text) for text in legend.get_texts()] == ["", "a", "b"]
    assert [system_of(key) for key in legend.legend_handles] == ["", "a", "b"]
