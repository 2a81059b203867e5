"""The spectrum explorer in a real browser: every control does what it says."""

import base64
import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .browser import accessibility_problems, open_page
from .conftest import ALL_LOOKS, SYSTEMS, Report

TONE_BIN = 32  # 2 kHz
STAGES = ("initialization", "trained")


@pytest.fixture(params=[(1280, "light"), (400, "light")], ids=["desktop", "phone"])
def explorer(request: pytest.FixtureRequest, browser, report: Report) -> Iterator:
    page = open_page(browser, report.path, *request.param)
    page.locator("#spectra").scroll_into_view_if_needed()
    page.wait_for_selector("#spectra canvas")
    yield page
    assert page.problems == []
    page.close()


def levels(page) -> dict[str, str]:
    """What the list below the plot reads for each system in sight."""
    items = page.locator("#spectra .levels li:visible")
    return {
        item.get_attribute("data-system"): item.locator("output").inner_text()
        for item in items.all()
    }


def expected_db(report: Report, system: str, stage: str, signal: str, index: int) -> str:
    (path,) = (
        path for path in map(Path, report.files.spectra)
        if (path.parents[2].name, path.stem) == (system, stage)
    )  # fmt: skip
    with np.load(path) as arrays:
        power = np.mean(10 ** (arrays[f"{signal}_db"][index].astype(float) / 10))
    return f"{10 * np.log10(power):.1f}".replace("-", "−") if power else "zero"


def picture(page) -> str:
    """The plot, as soon as it stays the same for some frames."""
    return page.evaluate(
        """async () => {
            const canvas = document.querySelector("#spectra canvas");
            for (let before = "", same = 0; ;) {
                const now = canvas.toDataURL();
                same = now === before ? same + 1 : 0;
                if (same === 5) { return now; }
                before = now;
                await new Promise(done => requestAnimationFrame(done));
            }
        }"""
    )


def pixels(page, system: str) -> int:
    """Pixels of the plot in the color of a system."""
    color = ALL_LOOKS[system]["color"]
    rgb = [int(color[first : first + 2], 16) for first in (1, 3, 5)]
    content = base64.b64decode(picture(page).partition(",")[2])
    with Image.open(io.BytesIO(content)) as image:
        white = Image.new("RGBA", image.size, "white")
        opaque = Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
        distance = np.abs(np.array(opaque).astype(int) - rgb).max(axis=-1)
    return int(np.sum(distance < 12))


def over(page):
    element = page.locator("#spectra .u-over")
    element.scroll_into_view_if_needed()
    return element


def test_the_levels_are_those_of_the_files(explorer, report: Report) -> None:
    assert levels(explorer) == {
        system: expected_db(report, system, "trained", "near_silence", TONE_BIN) + " dB"
        for system in SYSTEMS
    }


def test_the_keyboard_moves_the_frequency(explorer, report: Report) -> None:
    explorer.locator("#spectra").get_by_label("Frequency", exact=True).press("ArrowRight")
    assert explorer.locator("#spectra output[name=frequency]").inner_text() == "2.063 kHz"
    for system, text in levels(explorer).items():
        level = expected_db(report, system, "trained", "near_silence", TONE_BIN + 1)
        assert text == f"{level} dB"


def test_pointing_at_the_plot_reads_frequency_and_levels(explorer, report: Report) -> None:
    width = over(explorer).bounding_box()["width"]
    over(explorer).hover(position={"x": width / 4, "y": 5})
    assert explorer.locator("#spectra output[name=frequency]").inner_text() == "1.000 kHz"
    level = expected_db(report, "my_upsampler", "trained", "near_silence", 16)
    assert levels(explorer)["my_upsampler"] == f"{level} dB"


def test_pointing_at_a_curve_singles_it_out(explorer) -> None:
    box = over(explorer).bounding_box()
    singled = explorer.locator("#spectra .levels .singled")
    for y in np.arange(2, box["height"], 4):
        over(explorer).hover(position={"x": box["width"] / 2, "y": float(y)})
        if singled.count():
            break
    # From above, the loudest comes first.
    assert singled.get_attribute("data-system") == "demucs_transposed"


def test_stages_are_chosen(explorer, report: Report) -> None:
    shown = {"trained": pixels(explorer, "demucs_nearest")}
    for label, stages in [("before", STAGES[:1]), ("both", STAGES), ("after", STAGES[1:])]:
        explorer.get_by_label(label, exact=True).check()
        shown[label] = pixels(explorer, "demucs_nearest")
        for system, text in levels(explorer).items():
            values = [
                expected_db(report, system, stage, "near_silence", TONE_BIN) for stage in stages
            ]
            assert text == " → ".join(values) + " dB"
    assert shown["after"] == shown["trained"] > 0
    assert 0 < shown["before"] < shown["after"] < shown["both"]  # dashed, solid, both


def test_the_input_is_chosen(explorer, report: Report) -> None:
    before = picture(explorer)
    explorer.locator("#spectra").get_by_label("Input").select_option("silence")
    assert picture(explorer) != before
    found = levels(explorer)
    assert found["modified_transposed"] == "zero"
    level = expected_db(report, "demucs_nearest", "trained", "silence", TONE_BIN)
    assert found["demucs_nearest"] == f"{level} dB"
    assert pixels(explorer, "modified_transposed") == 0


def test_a_hidden_system_has_no_curve_and_a_highlighted_one_stands_out(explorer) -> None:
    count = {system: pixels(explorer, system) for system in SYSTEMS}
    assert min(count.values()) > 50
    explorer.evaluate("systems.setHidden(['demucs_nearest'], true)")
    assert pixels(explorer, "demucs_nearest") == 0
    assert "demucs_nearest" not in levels(explorer)
    assert pixels(explorer, "demucs_transposed") == count["demucs_transposed"]
    explorer.evaluate("systems.setHidden(['demucs_nearest'], false)")
    assert pixels(explorer, "demucs_nearest") == count["demucs_nearest"]
    explorer.evaluate("systems.highlight('demucs_nearest')")
    assert pixels(explorer, "demucs_nearest") > 50
    assert pixels(explorer, "demucs_transposed") == 0
    explorer.evaluate("systems.highlight(null)")
    assert pixels(explorer, "demucs_transposed") == count["demucs_transposed"]


def drag(page) -> None:
    box = over(page).bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.5 * box["width"], middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], middle, steps=5)
    page.mouse.up()
    page.mouse.move(1, 1)


def test_dragging_zooms_until_the_whole_spectrum_is_asked_for(explorer) -> None:
    whole = picture(explorer)
    drag(explorer)
    zoomed = picture(explorer)
    assert zoomed != whole
    explorer.get_by_label("before", exact=True).check()
    explorer.get_by_label("after", exact=True).check()
    assert picture(explorer) == zoomed
    explorer.get_by_role("button", name="Whole spectrum").click()
    assert picture(explorer) == whole
    drag(explorer)
    assert picture(explorer) != whole
    over(explorer).dblclick()
    explorer.mouse.move(1, 1)
    assert picture(explorer) == whole


def test_csv_holds_what_is_shown(explorer, report: Report) -> None:
    explorer.evaluate("systems.setHidden(['demucs_nearest'], true)")
    explorer.get_by_label("both", exact=True).check()
    explorer.locator("#spectra").get_by_label("Input").select_option("silence")
    with explorer.expect_download() as download:
        explorer.get_by_role("button", name="Save CSV").click()
    assert download.value.suggested_filename == "spectra_silence.csv"
    text = Path(download.value.path()).read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == ["frequency_hz"] + [
        f"{system}_{stage}_db"
        for system in SYSTEMS
        if system != "demucs_nearest"
        for stage in STAGES
    ]
    assert [float(row["frequency_hz"]) for row in rows] == np.linspace(0, 4000, 65).tolist()
    assert rows[5]["modified_transposed_trained_db"] == ""
    level = expected_db(report, "my_upsampler", "trained", "silence", 5)
    assert float(rows[5]["my_upsampler_trained_db"]) == float(level.replace("−", "-"))


def test_png_holds_the_plot_and_a_legend(explorer) -> None:
    with explorer.expect_download() as download:
        explorer.get_by_role("button", name="Save PNG").click()
    assert download.value.suggested_filename == "spectra_near_silence.png"
    with Image.open(download.value.path()) as image:
        height = explorer.evaluate("document.querySelector('#spectra canvas').height")
        assert image.height > height + 18 * len(SYSTEMS)
        legend = np.array(image.convert("RGB"))[height:]
    assert len(np.unique(legend.reshape(-1, 3), axis=0)) > len(SYSTEMS)


def test_the_plot_follows_the_theme(explorer) -> None:
    before = picture(explorer)
    explorer.locator("#theme").click()
    assert picture(explorer) != before
    assert accessibility_problems(explorer, "#spectra") == []
    explorer.locator("#theme").click()
    assert picture(explorer) == before


def test_axe_finds_nothing_serious(explorer) -> None:
    assert accessibility_problems(explorer, "#spectra") == []
