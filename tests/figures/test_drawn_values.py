"""The numbers of a figure are those that it shows."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.drawn_values import drawn_values
from upsampling_artifacts.figures.systems import belongs_to


@pytest.fixture
def axes() -> Axes:
    return style.new_figure(2.0).subplots()


def rows(axes: Axes, *columns: str) -> list[tuple]:
    table = drawn_values(axes.get_figure(root=True))
    return list(table[list(columns)].itertuples(index=False, name=None))


def test_an_error_bar_is_its_point_and_the_ends_of_its_interval(axes: Axes) -> None:
    belongs_to("mine", axes.errorbar(1, 5, [[2], [3]], label="mean"))
    found = rows(axes, "system", "kind", "x", "y")
    assert found == [("mine", "line", 1, 5), ("mine", "interval", 1, 3), ("mine", "interval", 1, 8)]


def test_points_bands_and_cells_are_read_back(axes: Axes) -> None:
    axes.scatter([1], [2])
    axes.fill_between([0, 1], [0, 0], [3, 4])
    axes.pcolormesh([0, 2, 4], [0, 2], [[7.0, 8.0]])
    found = rows(axes, "kind", "x", "y", "value")
    assert found[0][:3] == ("point", 1, 2)
    assert ("band", 1, 4) in [row[:3] for row in found]
    assert found[-2:] == [("cell", 1, 1, 7), ("cell", 3, 1, 8)]


def test_of_a_spectrogram_the_median_over_time_is_read_back_and_no_color_bar(axes: Axes) -> None:
    levels = np.array([[-50.0, -40.0, -30.0], [-20.0, -20.0, -10.0]])
    image = axes.imshow(levels, origin="lower", extent=(0, 3, 0, 4))
    axes.get_figure(root=True).colorbar(image)
    found = rows(axes, "kind", "y", "value")
    assert found == [("median over time", 1, -40), ("median over time", 3, -20)]


def test_axes_of_names_give_names_and_axes_of_numbers_numbers(axes: Axes) -> None:
    axes.set_xticks([0, 1], ["first\nline", "second"])
    axes.set_yticks([10, 20], ["ten", "twenty"])
    axes.plot([0.2, 0.9], [10, 20])
    assert rows(axes, "x", "y") == [("first line", 10), ("second", 20)]


def test_what_is_no_data_is_left_out(axes: Axes) -> None:
    axes.axhline(3)
    axes.axvspan(1, 2)
    axes.plot(1.04, 5, "<", transform=axes.get_yaxis_transform())
    axes.plot([1, 2], [np.nan, 5])
    assert rows(axes, "x", "y") == [(2, 5)]
