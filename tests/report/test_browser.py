"""The page in a real browser, offline, at desktop and phone width.

Tested on a page of made-up results and on the page of the tiny experiment.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import LISTEN_SECONDS, Report, opened

WIDTHS_PIXELS = {"desktop": 1280, "phone": 400}


@pytest.fixture(scope="module", params=["made up", "tiny experiment"])
def html_path(request: pytest.FixtureRequest, report: Report) -> Path:
    if request.param == "made up":
        return report.path
    return request.getfixturevalue("finished").root / "results/tiny/report.html"


@pytest.fixture(scope="module", params=WIDTHS_PIXELS)
def page(request: pytest.FixtureRequest, browser, html_path: Path) -> Iterator:
    width = WIDTHS_PIXELS[request.param]
    page = opened(browser, html_path, width)
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
    # 14 of ours, one of the paper's nine (or all of them), and that of a user-supplied model.
    assert len(heights) == (16 if html_path == report.path else 24)
    assert all(height > 100 for height in heights)


def test_every_player_knows_its_length(page, report: Report, html_path: Path) -> None:
    page.wait_for_function("[...document.querySelectorAll('audio')].every(a => a.readyState >= 1)")
    seconds = page.evaluate("[...document.querySelectorAll('audio')].map(a => a.duration)")
    assert len(seconds) > 5
    assert seconds == pytest.approx([seconds[0]] * len(seconds), abs=0.01)
    if html_path == report.path:
        assert seconds[0] == pytest.approx(LISTEN_SECONDS, abs=0.01)


def test_starting_a_player_pauses_the_other(page) -> None:
    playing = page.evaluate(
        """async () => {
            const [first, second] = document.querySelectorAll("audio");
            first.muted = second.muted = true;
            await first.play();
            await second.play();
            const playing = [!first.paused, !second.paused];
            second.pause();
            return playing;
        }"""
    )
    assert playing == [False, True]


def test_another_system_goes_on_at_the_same_moment(page) -> None:
    """With the keyboard; the third press stops it."""
    page.evaluate(
        """() => {
            const start = AudioBufferSourceNode.prototype.start;
            window.started = [];
            AudioBufferSourceNode.prototype.start = function (when, offset) {
                window.started.push([this.context.currentTime, offset, this.buffer.duration]);
                start.call(this, when, offset);
            };
        }"""
    )
    first, second, *_ = page.locator(".choices").first.locator("button").all()
    first.press("Enter")
    page.wait_for_selector(".choices button:nth-child(1)[aria-pressed=true]")
    second.press("Space")
    page.wait_for_selector(".choices button:nth-child(2)[aria-pressed=true]")
    assert first.get_attribute("aria-pressed") == "false"
    (began, offset, seconds), (changed, moment, _) = page.evaluate("window.started")
    assert (offset, seconds) == (0, 1)
    assert moment == pytest.approx((changed - began) % 1, abs=1e-6)
    second.press("Enter")
    assert page.locator(".choices button[aria-pressed=true]").count() == 0


def test_a_player_stops_what_a_button_repeats(page) -> None:
    button = page.locator(".choices button").first
    button.click()
    page.wait_for_selector(".choices button[aria-pressed=true]")
    page.evaluate("document.querySelector('audio').play()")
    page.wait_for_selector(".choices button[aria-pressed=true]", state="detached")
    button.click()
    page.wait_for_selector(".choices button[aria-pressed=true]")
    assert page.evaluate("document.querySelector('audio').paused")
    button.click()


def test_table_1_has_the_papers_ten_systems(page) -> None:
    assert page.locator("#paper-rows tr").count() == 10


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
