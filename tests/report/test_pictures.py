"""Figures in the page: vector graphics that fit among others, with the numbers that they show."""

import base64
import gzip
import io
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.systems import belongs_to
from upsampling_artifacts.report.pictures import Picture, read_picture


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A line of a system, one of none, and a raster of 8 × 8 cells."""
    with style.applied():
        figure = style.new_figure(2.0)
        lines, raster = figure.subplots(1, 2)
        belongs_to("mine", lines.plot([1, 2, 3], [4, 5, 6], label="my line"))
        lines.plot([1, 2], [0, 0])
        lines.set_title("a < b")
        raster.imshow(np.eye(8), rasterized=True)
    style.save_figure(figure, [tmp_path / "figure.svg"])
    return tmp_path / "figure.svg"


@pytest.fixture
def picture(path: Path) -> Picture:
    return read_picture(path, "first", "Two <panels>")


def test_a_picture_is_one_element_with_a_description_and_no_size_of_its_own(
    picture: Picture,
) -> None:
    root = ElementTree.fromstring(picture.svg)
    assert root.tag == "svg"
    assert (root.get("role"), root.get("aria-label")) == ("img", "Two <panels>")
    assert root.get("viewBox") == "0 0 720 144"
    assert picture.aspect_ratio == 5
    assert root.get("width") is root.get("height") is None
    assert {"metadata", "style"}.isdisjoint(element.tag for element in root.iter())


def test_text_stays_text_in_one_font(picture: Picture) -> None:
    root = ElementTree.fromstring(picture.svg)
    assert "a < b" in [element.text for element in root.iter("text")]
    assert picture.svg.count("font-family") == 1


def test_two_pictures_share_no_identifier_and_every_reference_is_kept(path: Path) -> None:
    pictures = [read_picture(path, name, "") for name in ("first", "second")]
    ids = [set(re.findall(r' id="([^"]+)"', picture.svg)) for picture in pictures]
    assert ids[0]
    assert ids[0].isdisjoint(ids[1])
    for picture, defined in zip(pictures, ids, strict=True):
        used = re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', picture.svg)
        assert {first or second for first, second in used} == defined


def test_what_belongs_to_a_system_says_so(picture: Picture) -> None:
    root = ElementTree.fromstring(picture.svg)
    groups = [element for element in root.iter() if "data-system" in element.attrib]
    assert [group.get("data-system") for group in groups] == ["mine"]
    assert len(list(groups[0].iter("path"))) == 1


def test_shapes_are_exact_to_a_hundredth_of_a_point(path: Path, picture: Picture) -> None:
    def coordinates(root: ElementTree.Element) -> list[float]:
        paths = [element.attrib["d"] for element in root.iter() if element.tag.endswith("path")]
        return [float(number) for number in re.findall(r"-?[\d.]+", " ".join(paths))]

    ours = coordinates(ElementTree.fromstring(picture.svg))
    assert ours == pytest.approx(coordinates(ElementTree.parse(path).getroot()), abs=0.0051)
    assert len(re.findall(r"\.\d{3,}", "".join(re.findall(r' d="[^"]*"', picture.svg)))) == 0


def test_rasters_become_webp(picture: Picture) -> None:
    root = ElementTree.fromstring(picture.svg)
    (uri,) = (element.attrib["href"] for element in root.iter("image"))
    kind, _, content = uri.partition(",")
    assert kind == "data:image/webp;base64"
    assert Image.open(io.BytesIO(base64.b64decode(content))).format == "WEBP"


def test_a_picture_comes_with_its_numbers(picture: Picture) -> None:
    table = pd.read_csv(io.BytesIO(gzip.decompress(base64.b64decode(picture.numbers))))
    mine = table[table["system"] == "mine"]
    assert set(mine["panel"]) == {"a < b"}
    assert set(mine["series"]) == {"my line"}
    assert mine[["x", "y"]].to_numpy().tolist() == [[1, 4], [2, 5], [3, 6]]
