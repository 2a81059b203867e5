"""The style and the files that all figures share."""

from pathlib import Path

import pytest
from upsampling_artifacts import registry
from upsampling_artifacts.figures import style

from ..looks import make_looks


def test_every_baseline_has_a_look() -> None:
    assert list(style.BASELINES) == list(registry.BASELINES)


def test_a_shared_reference_is_named_and_several_are_not() -> None:
    looks = make_looks("demucs_transposed", "demucs_nearest")
    assert style.reference_name(looks, ["demucs_nearest"] * 2) == "nearest-neighbor interpolation"
    assert style.reference_name(looks, list(looks)) == "its reference"


def test_saving_twice_gives_the_same_bytes_and_no_other_files(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        with style.applied():
            figure = style.new_figure(2.0)
            figure.subplots().plot([1, 2, 3])
        style.save_figure(figure, [tmp_path / folder / f"f.{kind}" for kind in ("png", "svg")])
    for name in ("f.png", "f.svg"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "first").iterdir()) == ["f.png", "f.svg"]


def test_an_unknown_format_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        style.save_figure(style.new_figure(2.0), [tmp_path / "f.nonsense"])
    assert not list(tmp_path.iterdir())
