"""Names, colours and files that all figures share."""

from pathlib import Path

import pytest
from upsampling_artifacts.figures import style


def test_unknown_systems_get_their_name_and_a_colour_of_their_own() -> None:
    systems = ["demucs_transposed", "my_upsampler", "another", "demucs_nearest"]
    colours = style.colours(systems)
    assert style.label("my_upsampler") == "my upsampler"
    assert len(set(colours.values())) == 4
    assert colours["demucs_nearest"] == style.COLOURS["demucs_nearest"]


def test_colours_cycle_when_there_are_more_systems_than_colours() -> None:
    colours = style.colours([f"system_{index}" for index in range(20)])
    assert colours["system_0"] == colours[f"system_{len(style.OTHER_COLOURS)}"]


def test_saving_twice_gives_the_same_bytes_and_leaves_nothing_else(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        with style.look():
            figure = style.new_figure(2.0)
            figure.subplots().plot([1, 2, 3])
        style.save_figure(figure, [tmp_path / folder / f"f.{kind}" for kind in ("png", "svg")])
    for name in ("f.png", "f.svg"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "first").iterdir()) == ["f.png", "f.svg"]


def test_a_format_that_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        style.save_figure(style.new_figure(2.0), [tmp_path / "f.nonsense"])
    assert not list(tmp_path.iterdir())
