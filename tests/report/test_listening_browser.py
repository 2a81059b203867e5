"""What can be heard, in a browser: sounds change at the same moment, one is heard at a time."""

from collections.abc import Iterator

import pytest

from .browser import accessibility_problems, open_page
from .conftest import LISTEN_SECONDS, RATE_HZ, SYSTEMS, Report

# Records when which sound starts and stops.
RECORDER = """() => {
    window.started = [];
    const { start, stop } = AudioBufferSourceNode.prototype;
    AudioBufferSourceNode.prototype.start = function (when, offset) {
        const { currentTime, sampleRate } = this.context;
        const record = { when, offset, currentTime, sampleRate };
        record.seconds = this.buffer.duration;
        record.rms = Math.sqrt(this.buffer.getChannelData(0)
            .reduce((sum, sample) => sum + sample * sample, 0) / this.buffer.length);
        this.record = record;
        window.started.push(record);
        start.call(this, when, offset);
    };
    AudioBufferSourceNode.prototype.stop = function (when) {
        this.record.until = when;
        stop.call(this, when);
    };
    const ramp = AudioParam.prototype.linearRampToValueAtTime;
    AudioParam.prototype.linearRampToValueAtTime = function (value, time) {
        window.gain = value || window.gain;
        return ramp.call(this, value, time);
    };
}"""


@pytest.fixture(params=[(1280, "light"), (400, "dark")], ids=["desktop", "phone in the dark"])
def page(request: pytest.FixtureRequest, browser, report: Report) -> Iterator:
    width, theme = request.param
    page = open_page(browser, report.path, width, theme)
    page.evaluate(RECORDER)
    yield page
    assert page.problems == []
    page.close()


@pytest.fixture
def player(page):
    """The player of the listening section, ready."""
    block = page.locator(".listen")
    block.scroll_into_view_if_needed()
    page.wait_for_selector(".seek canvas")
    page.wait_for_function("document.querySelector('.position').textContent.includes(' of ')")
    return block


def started(page, n: int) -> list[dict]:
    page.wait_for_function("n => window.started.length >= n", arg=n)
    records = page.evaluate("window.started")
    assert len(records) == n
    return records


def position_seconds(player) -> float:
    return float(player.locator(".position").inner_text().split()[0])


def chosen(player) -> list[str]:
    return player.locator(".pick [aria-pressed=true]").evaluate_all(
        "buttons => buttons.map(button => button.firstChild.textContent.trim())"
    )


def assert_goes_on(first: dict, second: dict, loop_seconds: float) -> None:
    """The second sound starts in time, where the first has arrived; then the first ends."""
    assert second["when"] > second["currentTime"]
    arrived = (first["offset"] + second["when"] - first["when"]) % loop_seconds
    assert second["offset"] == pytest.approx(arrived, abs=1e-6)
    assert 0 < first["until"] - second["when"] < 0.01


def test_another_system_goes_on_at_the_same_sample(page, player) -> None:
    player.locator("[data-action=play]").click()
    page.keyboard.press("1")
    page.keyboard.press("ArrowDown")
    *_, _ = started(page, 3)
    mixture, first, second = page.evaluate("window.started")
    assert mixture["offset"] == 0
    assert mixture["seconds"] == LISTEN_SECONDS
    # No browser resamples: it plays at the rate of the files.
    assert mixture["sampleRate"] == RATE_HZ
    assert_goes_on(mixture, first, LISTEN_SECONDS)
    assert_goes_on(first, second, LISTEN_SECONDS)
    assert mixture["rms"] != pytest.approx(first["rms"], rel=0.1)
    assert chosen(player) == ["drums", "nearest"]


def test_keys_choose_mixture_reference_and_systems(page, player) -> None:
    player.locator(".seek").focus()
    for key, name in (
        ("2", "nearest"), ("r", "reference"), ("m", "mixture"), ("ArrowUp", "my upsampler"),
        ("ArrowDown", "mixture"), ("ArrowDown", "reference"), ("4", "my upsampler"),
    ):  # fmt: skip
        page.keyboard.press(key)
        assert chosen(player) == ["drums", name]
    player.get_by_role("button", name="bass").click()
    assert chosen(player) == ["bass", "my upsampler"]
    assert page.evaluate("window.started") == []  # choosing does not start


def test_keys_outside_the_player_are_left_alone(page, player) -> None:
    page.locator("#hear summary").first.focus()
    page.keyboard.press("2")
    page.keyboard.press("p")
    assert chosen(player) == ["drums", "mixture"]
    assert page.evaluate("window.started") == []


def test_the_playhead_moves_and_stands_still(page, player) -> None:
    cursor = """() => {
        const host = document.querySelector(".seek > div");
        return parseFloat(host.shadowRoot.querySelector("[part~=cursor]").style.left);
    }"""
    play = player.locator("[data-action=play]")
    play.press("p")
    page.wait_for_function(f"({cursor})() > 5")
    assert play.get_attribute("aria-pressed") == "true"
    play.press("p")
    share = page.evaluate(cursor)
    page.wait_for_timeout(200)
    assert page.evaluate(cursor) == share
    assert play.get_attribute("aria-pressed") == "false"
    assert position_seconds(player) == pytest.approx(share / 100 * LISTEN_SECONDS, abs=0.06)


@pytest.mark.parametrize("playing", [True, False], ids=["playing", "paused"])
def test_a_click_on_the_spectrogram_and_arrow_keys_seek(page, player, playing: bool) -> None:
    if playing:
        player.locator("[data-action=play]").click()
        started(page, 1)
    seek = player.locator(".seek")
    box = seek.bounding_box()
    seek.click(position={"x": 0.5 * box["width"], "y": 150})
    if playing:
        assert started(page, 2)[-1]["offset"] == pytest.approx(0.5 * LISTEN_SECONDS, abs=0.02)
        return
    assert position_seconds(player) == pytest.approx(0.5 * LISTEN_SECONDS, abs=0.06)
    seek.press("ArrowRight")
    assert position_seconds(player) == pytest.approx(0.5 * LISTEN_SECONDS + 0.25, abs=0.06)
    for _ in range(2):
        seek.press("ArrowLeft")
    assert float(seek.get_attribute("aria-valuenow")) == pytest.approx(0.75, abs=0.06)
    player.locator("[data-action=play]").click()
    assert started(page, 1)[0]["offset"] == pytest.approx(0.75, abs=0.02)


def test_matching_levels_changes_the_stated_gain_and_what_is_heard(page, player) -> None:
    player.locator("[data-action=play]").click()
    started(page, 1)
    level = player.locator(".level")
    assert level.inner_text() == "Levels as they are"
    player.get_by_role("button", name="bass").click()
    player.get_by_role("button", name="reference").click()
    reference = started(page, 3)[-1]["rms"]
    assert page.evaluate("window.gain") == 1
    player.get_by_role("button", name="transposed 1", exact=True).click()
    player.get_by_role("button", name="Level-matched").click()
    rms = started(page, 5)[-1]["rms"]
    gain = page.evaluate("window.gain")
    assert gain != pytest.approx(1, rel=0.1)
    assert gain * rms == pytest.approx(reference, rel=0.01)
    text = level.inner_text()
    assert text.startswith("Gain: −") and text.endswith("to the level of the reference")
    assert 10 ** (-float(text.split()[1][1:]) / 20) == pytest.approx(gain, rel=0.001)


def test_without_a_loop_it_ends(page, player) -> None:
    play, loop = (player.locator(f"[data-action={name}]") for name in ("play", "loop"))
    loop.click()
    assert loop.get_attribute("aria-pressed") == "false"
    play.click()
    page.wait_for_selector("[data-action=play][aria-pressed=true]")
    page.wait_for_selector("[data-action=play][aria-pressed=false]")
    assert len(started(page, 1)) == 1
    assert position_seconds(player) == 0


def test_a_hidden_system_is_neither_heard_nor_offered(page, player) -> None:
    player.locator(".seek").press("2")
    page.evaluate("name => systems.setHidden([name], true)", SYSTEMS[1])
    assert chosen(player) == ["drums", "reference"]
    assert player.locator(f"[data-system={SYSTEMS[1]}]").is_hidden()
    player.locator(".seek").press("2")
    assert chosen(player) == ["drums", "reference"]
    for name in ("transposed", "modified transposed"):
        player.locator(".seek").press("ArrowDown")
        assert chosen(player) == ["drums", name]
    button = page.locator(f"#hear details[open] [data-system={SYSTEMS[0]}]")
    button.click()
    started(page, 1)
    page.evaluate("name => systems.setHidden([name], true)", SYSTEMS[0])
    assert button.is_hidden()
    assert button.get_attribute("aria-pressed") == "false"
    assert page.evaluate("window.started")[0]["until"] > 0


def test_one_sound_at_a_time(page, player) -> None:
    """The player, a button of the section on tones, and one of the first screen."""
    play = player.locator("[data-action=play]")
    button = page.locator("#hear details[open] .choices button").first
    first = page.locator(".hear-first button").first
    play.click()
    started(page, 1)
    button.click()
    started(page, 2)
    assert play.get_attribute("aria-pressed") == "false"
    first.click()
    *stopped, playing = started(page, 3)
    assert button.get_attribute("aria-pressed") == "false"
    assert first.get_attribute("aria-pressed") == "true"
    assert all("until" in record for record in stopped)
    assert "until" not in playing
    play.click()
    assert "until" in started(page, 4)[2]
    assert first.get_attribute("aria-pressed") == "false"


def test_a_button_repeats_its_second_and_another_goes_on(page) -> None:
    """With the keyboard; the third press stops it."""
    first, second, *_ = page.locator(".hear-first button").all()
    first.press("Enter")
    started(page, 1)
    second.press("Space")
    before, after = started(page, 2)
    assert first.get_attribute("aria-pressed") == "false"
    assert second.get_attribute("aria-pressed") == "true"
    assert (before["offset"], before["seconds"]) == (0, 1)
    assert_goes_on(before, after, 1)
    # Before training, the tone is 12 dB louder, and the gain is the same.
    assert before["rms"] == pytest.approx(10 ** (12 / 20) * after["rms"], rel=0.01)
    second.press("Enter")
    assert page.locator(".choices button[aria-pressed=true]").count() == 0
    assert page.evaluate("window.started")[1]["until"] > 0


def test_nothing_is_decoded_before_it_is_in_sight(page) -> None:
    assert page.locator(".seek canvas").count() == 0
    assert page.locator(".position").inner_text() == ""


def test_axe_finds_nothing_serious_in_what_can_be_heard(page, player) -> None:
    player.locator("[data-action=play]").click()
    for selector in ("#listen", "#hear", ".hear-first"):
        assert accessibility_problems(page, selector) == []
