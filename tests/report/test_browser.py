"""The page in a real browser, offline, at desktop and phone width.

Tested on a page of made-up results and on the page of the tiny experiment.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .browser import accessibility_problems, open_page
from .conftest import Report

WIDTHS_PIXELS = {"desktop": 1280, "phone": 400}


@pytest.fixture(scope="module", params=["made up", "tiny experiment"])
def html_path(request: pytest.FixtureRequest, report: Report) -> Path:
    if request.param == "made up":
        return report.path
    return request.getfixturevalue("finished").root / "results/tiny/report.html"


@pytest.fixture(scope="module", params=WIDTHS_PIXELS)
def width(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def page(browser, html_path: Path, width: str) -> Iterator:
    page = open_page(browser, html_path, WIDTHS_PIXELS[width])
    yield page
    page.close()


def test_the_page_logs_no_error_and_requests_nothing_but_itself(page, html_path: Path) -> None:
    fetched = [url for url in page.requests if not url.startswith("data:")]
    assert fetched == [html_path.as_uri()]
    assert page.problems == []


def test_every_picture_is_displayed(page, report: Report, html_path: Path) -> None:
    widths = page.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert len(widths) == page.locator(".spectrogram img").count() >= 8
    assert all(width > 0 for width in widths)
    heights = page.evaluate(
        """[...document.querySelectorAll("svg.picture")]
            .map(svg => svg.getBoundingClientRect().height)"""
    )
    # 15 of ours, one of the paper's nine (or all of them), and that of a user-supplied model.
    assert len(heights) == (17 if html_path == report.path else 25)
    assert all(height > 50 for height in heights)  # the first has a row per system


def test_table_1_has_the_papers_systems_that_were_trained(page, html_path, report: Report) -> None:
    n_rows = page.locator("#paper-rows tr").count()
    assert n_rows == 3 if html_path == report.path else n_rows >= 2


def test_the_page_does_not_scroll_sideways(page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.evaluate("document.body.scrollWidth <= document.body.clientWidth")


def test_text_ends_within_the_window(page) -> None:
    cut_off = page.evaluate(
        """[...document.querySelectorAll("h1, h2, p, dd, figcaption, caption > div")]
            .filter(element => element.getBoundingClientRect().right > window.innerWidth + 1)
            .map(element => element.textContent.slice(0, 60))"""
    )
    assert cut_off == []


def test_the_overview_is_sorted_by_a_click_on_a_column(page) -> None:
    header = page.locator("#overview-table th", has_text="tone margin")
    for direction in ("descending", "ascending"):
        header.click()
        page.wait_for_selector(f"#overview-table th[aria-sort={direction}]")
        cells = page.locator("#overview-table tbody td:nth-child(3)")
        values = cells.evaluate_all(
            "cells => cells.map(cell => cell.dataset.sort).filter(Boolean).map(Number)"
        )
        assert values == sorted(values, reverse=direction == "descending")
        page.wait_for_timeout(600)  # two clicks, not a double click


def test_a_system_is_hidden_and_highlighted_everywhere(page) -> None:
    if not page.locator(".system-switch").first.is_visible():
        page.locator(".beside summary", has_text="Systems").click()
    switch = page.locator(".system-switch").nth(1)
    name = switch.get_attribute("value")
    row = page.locator(f"#overview-table tr[data-system={name}]")
    switch.click()
    assert row.is_hidden()
    assert switch.get_attribute("aria-pressed") == "false"
    switch.click()
    assert row.is_visible()
    page.locator(".system-switch").first.focus()
    assert "dimmed-system" in row.get_attribute("class")
    page.locator(".system-switch").first.blur()
    assert "dimmed-system" not in row.get_attribute("class")
    page.locator(".all-systems", has_text="Hide all").click()
    assert page.locator("#overview-table tbody tr:visible").count() == 0
    page.locator(".all-systems", has_text="Show all").click()


def test_claims_are_filtered_by_their_verdict(page) -> None:
    rows = page.locator("#claim-table [data-verdict]")
    shown = page.locator("#claim-table [data-verdict]:visible")
    n_all = rows.count()
    for button in page.locator("#claims .filter button").all()[1:]:
        button.click()
        verdict = button.get_attribute("value")
        verdicts = set(shown.evaluate_all("rows => rows.map(row => row.dataset.verdict)"))
        assert verdicts == {verdict}
        assert button.get_attribute("aria-pressed") == "true"
    page.locator("#claims .filter button").first.click()
    assert shown.count() == n_all


def test_the_page_turns_dark_and_light_again(page) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    page.locator("#theme").click()
    assert page.evaluate(ground) == "rgb(22, 24, 28)"
    page.locator("#theme").click()
    assert page.evaluate(ground) == "rgb(255, 255, 255)"


def test_the_contents_mark_the_section_in_sight(page) -> None:
    page.evaluate("document.documentElement.style.scrollBehavior = 'auto'")
    for place in ("overview", "speed"):
        page.evaluate(f"document.getElementById('{place}').scrollIntoView()")
        page.wait_for_selector(f".beside nav a[href='#{place}'][aria-current]", state="attached")


def test_axe_finds_nothing_serious(page, width: str) -> None:
    # Contrast does not depend on the width, nor what else axe finds on the theme.
    theme = {"desktop": "light", "phone": "dark"}[width]
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    problems = accessibility_problems(page)
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    assert problems == []
