"""Figures in a browser: systems are hidden and highlighted; figures open full size, are saved."""

import io
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from .browser import open_page
from .conftest import Report

SYSTEM = "demucs_nearest"
# Figures in which each system has something of its own.
WITH_SYSTEMS = {
    "line_levels", "after_training", "over_training", "training_curves", "source_scores",
    "sdr_differences", "trade_offs", "step_speed", "spectrograms_noise", "spectrograms_silence",
}  # fmt: skip


@pytest.fixture(scope="module")
def page(browser, report: Report) -> Iterator:
    page = open_page(browser, report.path)
    yield page
    page.close()


def drawing(page, name: str):
    return page.locator(f".drawing[data-name={name}]")


def saved(page, name: str, kind: str) -> bytes:
    with page.expect_download() as download:
        drawing(page, name).get_by_role("button", name=kind, exact=True).click()
    assert download.value.suggested_filename == f"{name}.{kind.lower()}"
    return Path(download.value.path()).read_bytes()


def test_hiding_a_system_hides_it_in_every_figure(page) -> None:
    marked = page.evaluate(
        """(system) => [...document.querySelectorAll(`svg [data-system=${system}]`)]
            .map((element) => element.closest(".drawing").dataset.name)""",
        SYSTEM,
    )
    assert set(marked) >= WITH_SYSTEMS
    # In figures with a legend, the system's entry belongs to it: key and text.
    assert min(marked.count(name) for name in ("training_curves", "source_scores")) >= 4
    visible = """(system) => [...document.querySelectorAll(`svg [data-system=${system}] *`)]
        .some((element) => element.checkVisibility({ visibilityProperty: true }))"""
    page.evaluate("(system) => systems.setHidden([system], true)", SYSTEM)
    assert not page.evaluate(visible, SYSTEM)
    assert page.evaluate(visible, "demucs_transposed")
    page.evaluate("(system) => systems.setHidden([system], false)", SYSTEM)
    assert page.evaluate(visible, SYSTEM)


def test_highlighting_a_system_dims_the_others(page) -> None:
    opacity = """(system) => getComputedStyle(
        document.querySelector(`[data-name=trade_offs] [data-system=${system}]`)).opacity"""
    page.evaluate("(system) => systems.highlight(system)", SYSTEM)
    assert page.evaluate(opacity, SYSTEM) == "1"
    assert float(page.evaluate(opacity, "demucs_transposed")) < 0.5
    page.evaluate("systems.highlight(null)")


def test_a_figure_opens_full_size_and_closes_by_keyboard(page) -> None:
    button = drawing(page, "trade_offs").get_by_role("button", name="Full size")
    button.press("Enter")
    opened_width = page.locator("dialog.full-size svg").bounding_box()["width"]
    assert opened_width > 1.2 * button.locator("xpath=../..").bounding_box()["width"]
    page.keyboard.press("Escape")
    assert page.locator("dialog.full-size").is_hidden()
    assert drawing(page, "trade_offs").locator(".scroll svg").is_visible()
    assert button.evaluate("(element) => element === document.activeElement")


def test_the_svg_is_a_file_of_its_own_without_hidden_systems(page) -> None:
    page.evaluate("(system) => systems.setHidden([system], true)", SYSTEM)
    root = ElementTree.fromstring(saved(page, "trade_offs", "SVG"))
    page.evaluate("(system) => systems.setHidden([system], false)", SYSTEM)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("width") == "720pt"
    drawn = {element.get("data-system") for element in root.iter()} - {None}
    assert "demucs_transposed" in drawn
    assert SYSTEM not in drawn


@pytest.mark.parametrize("name", ["trade_offs", "spectrograms_noise"])
def test_the_png_has_twice_the_size_and_shows_the_figure(page, name: str) -> None:
    image = Image.open(io.BytesIO(saved(page, name, "PNG")))
    width, height = (
        drawing(page, name)
        .locator("svg")
        .evaluate("({ viewBox: { baseVal } }) => [baseVal.width, baseVal.height]")
    )
    assert image.size == (1920, round(1920 * height / width))
    pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    assert (pixels.min(axis=1) > 250).mean() > 0.2  # paper
    assert len(np.unique(pixels, axis=0)) > 100


def test_the_csv_has_the_numbers_of_the_figure(page, report: Report) -> None:
    table = pd.read_csv(io.BytesIO(saved(page, "trade_offs", "CSV")))
    points = table[(table["kind"] == "line") & table["panel"].eq("quality against compute")]
    expected = pd.read_csv(report.files.table_1).set_index("system")["gflop_per_second"]
    for system in report.config["variants"]:
        assert expected[system] in points.loc[points["system"] == system, "x"].round(5).tolist()


def test_the_csv_of_spectrograms_has_the_median_spectrum_of_each_panel(page) -> None:
    table = pd.read_csv(io.BytesIO(saved(page, "spectrograms_noise", "CSV")))
    assert len(table) == 2 * 65 * 4  # stages, bins, systems
    assert table["y"].between(0, 4).all()


def test_captions_have_at_most_three_lines(page) -> None:
    long = page.evaluate(
        """[...document.querySelectorAll("figcaption")].map((caption) => {
            const details = caption.querySelector("details");
            if (details) { details.hidden = true; }
            const lines = caption.offsetHeight / parseFloat(getComputedStyle(caption).lineHeight);
            if (details) { details.hidden = false; }
            return [Math.round(lines), caption.textContent.slice(0, 50)];
        }).filter(([lines]) => lines > 3)"""
    )
    assert long == []


def test_figures_need_no_request_and_log_no_error(page) -> None:
    assert [url for url in page.requests if not url.startswith(("data:", "blob:"))] == [page.url]
    assert page.problems == []
