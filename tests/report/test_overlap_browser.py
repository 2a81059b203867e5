"""The sliders of figures 2 to 5: their numbers are the library's, and every control works."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from upsampling_artifacts.artifacts.polyphase import phase_tone_db
from upsampling_artifacts.artifacts.spectra import line_power, line_spectrum, line_window
from upsampling_artifacts.artifacts.theory import layer_theory
from upsampling_artifacts.probes.figure_arrays import ONES_INPUTS, ones_arrays, overlap_arrays
from upsampling_artifacts.report import rendering
from upsampling_artifacts.upsamplers.linear import LinearConvolution
from upsampling_artifacts.upsamplers.nearest import NearestConvolution
from upsampling_artifacts.upsamplers.subpixel import SubpixelConvolution
from upsampling_artifacts.upsamplers.transposed import TransposedConvolution

from .browser import accessibility_problems, open_page
from .conftest import Report

LENGTHS, STRIDES = range(1, 17), range(1, 9)
SAMPLES = 840


@pytest.fixture(scope="module")
def script(browser) -> Iterator:
    """An empty page with the functions only."""
    page = browser.new_page()
    source = (rendering.TEMPLATES / "scripts/overlap.js").read_text(encoding="utf-8")
    page.add_script_tag(content=source)
    yield page
    page.close()


def call(script, expression: str, *arguments) -> list:
    """Evaluate a function of the page for each of some arguments."""
    plain = [
        [value.tolist() if isinstance(value, np.ndarray) else value for value in row]
        for row in arguments
    ]
    return script.evaluate(
        f"rows => rows.map(row => {{ const y = ({expression})(...row);"
        " return y.map ? Array.from(y, z => z.map ? Array.from(z) : z) : y; })",
        plain,
    )


def layer(upsampler: str, length: int, stride: int, seed: int | None = None) -> dict:
    """The settings of a layer; without a seed, its weights are ones."""
    return {
        "upsampler": upsampler, "length": length, "stride": stride,
        "random": seed is not None, "seed": seed or 0,
    }  # fmt: skip


@pytest.mark.parametrize("signal", ["ones", "noise"])
def test_transposed_convolutions_equal_torchs(script, signal: str) -> None:
    rng = np.random.default_rng(0)
    x = np.ones(20) if signal == "ones" else rng.standard_normal(20)
    cases = [(rng.standard_normal(length), stride) for length, stride in product(LENGTHS, STRIDES)]
    results = call(
        script, "overlap.transposed", *((x, weights, stride) for weights, stride in cases)
    )
    for result, (weights, stride) in zip(results, cases, strict=True):
        expected = F.conv_transpose1d(
            torch.from_numpy(x)[None, None], torch.from_numpy(weights)[None, None], stride=stride
        )
        np.testing.assert_allclose(result, expected[0, 0].numpy(), atol=1e-12)


@pytest.mark.parametrize("kind", ["subpixel", "nearest", "linear"])
def test_the_other_upsamplers_equal_the_librarys(script, kind: str) -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal(12)
    classes = {
        "subpixel": SubpixelConvolution,
        "nearest": NearestConvolution,
        "linear": LinearConvolution,
    }
    for length, stride in product((1, 2, 3, 8, 9, 16), STRIDES[1:]):
        module = classes[kind](1, 1, stride, length=length, bias=False).double()
        (weight,) = module.parameters()
        filters = weight.detach().numpy()[:, 0]
        with torch.inference_mode():
            expected = module(torch.from_numpy(x)[None, None])[0, 0].numpy()
        arguments = (x, filters) if kind == "subpixel" else (x, filters[0], stride)
        (result,) = call(script, f"overlap.{kind}", arguments)
        np.testing.assert_allclose(result, expected, atol=1e-12, err_msg=f"{length} {stride}")


def test_figures_3_to_5_come_out(script, tmp_path: Path) -> None:
    overlap_arrays(tmp_path / "overlap.npz")
    with np.load(tmp_path / "overlap.npz") as arrays:
        for figure, length, stride in ((3, 3, 2), (4, 3, 1)):
            arguments = (layer("transposed", length, stride), arrays[f"{figure}_input"])
            (copies,) = call(script, "overlap.contributions", arguments)
            (output,) = call(script, "overlap.output", arguments)
            np.testing.assert_array_equal(copies, np.nan_to_num(arrays[f"{figure}_copies"]))
            np.testing.assert_array_equal(output, arrays[f"{figure}_output"])
    ones_arrays(tmp_path / "ones.npz")
    with np.load(tmp_path / "ones.npz") as arrays:
        for case, (length, stride) in enumerate(
            zip(arrays["lengths"].tolist(), arrays["strides"].tolist(), strict=True)
        ):
            random = bool(arrays["random"][case])
            settings = layer("transposed", length, stride, 1 if random else None)
            (boundary,) = call(script, "overlap.boundary", (settings, ONES_INPUTS))
            assert boundary == arrays[f"boundary_{case}"].tolist()
            if not random:
                (output,) = call(script, "overlap.output", (settings, np.ones(ONES_INPUTS)))
                np.testing.assert_array_equal(output, arrays[f"output_{case}"])


def test_the_overlap_has_the_librarys_name(script) -> None:
    cases = [(length, stride) for length in LENGTHS for stride in STRIDES[1:]]
    for (length, stride), name in zip(
        cases, call(script, "overlap.overlapOf", *cases), strict=True
    ):
        if length < stride:
            assert name == "gaps"  # which the library refuses
        else:
            assert name == TransposedConvolution(1, 1, stride, length=length).overlap


def test_spectra_equal_the_librarys(script) -> None:
    for upsampler, length, stride, seed, name in [
        ("transposed", 9, 4, None, "ones"), ("transposed", 16, 8, 3, "ones"),
        ("transposed", 8, 6, 0, "noise"), ("subpixel", 3, 4, 5, "sine"),
        ("nearest", 9, 3, None, "impulses"), ("linear", 2, 5, 7, "noise"),
    ]:  # fmt: skip
        arguments = (layer(upsampler, length, stride, seed), name, SAMPLES)
        (signals,) = call(
            script,
            "(layer, name, n) => overlap.inputs[name].map(x => overlap.steady(layer, x, n))",
            arguments,
        )
        (result,) = call(script, "overlap.spectrumDb", (np.array(signals),))
        expected = 10 * np.log10(np.maximum(line_spectrum(np.array(signals)), 1e-15))
        assert expected.max() > -40
        np.testing.assert_allclose(np.maximum(result, -150), expected, atol=1e-6)
    (window,) = call(script, "overlap.kaiser", (SAMPLES,))
    np.testing.assert_allclose(window, line_window(SAMPLES), rtol=1e-12)


def test_tones_have_the_level_that_the_library_measures(script) -> None:
    for upsampler, length, stride in product(("transposed", "subpixel"), (1, 3, 9, 16), STRIDES):
        settings = layer(upsampler, length, stride, seed=length + stride)
        steady = "(layer, n) => overlap.steady(layer, overlap.inputs.ones[0], n)"
        (output,) = call(script, steady, (settings, SAMPLES))
        (levels_db,) = call(script, "overlap.toneLevelsDb", (np.array(output), stride))
        spectrum = line_spectrum(np.array(output)[None])
        expected = [
            10 * np.log10(line_power(spectrum, SAMPLES, 1.0, k / stride))
            for k in range(1, stride // 2 + 1)
        ]
        np.testing.assert_allclose(levels_db, expected, atol=1e-6)


def test_constant_weights_make_the_tones_of_the_theory(script) -> None:
    steady = "(layer, n) => overlap.steady(layer, overlap.inputs.ones[0], n)"
    for length, stride in product(LENGTHS, STRIDES[1:]):
        if length < stride:  # which the library refuses
            continue
        (output,) = call(script, steady, (layer("transposed", length, stride), SAMPLES))
        (levels_db,) = call(script, "overlap.toneLevelsDb", (np.array(output), stride))
        options = {"name": "transposed", "length": length, "initialization": "constant"}
        theory_db = phase_tone_db(np.array(layer_theory(options, stride).gains)[None])
        with np.errstate(divide="ignore"):
            re_offset_db = 10 * np.log10(np.sum(10 ** (np.array(levels_db) / 10))) - 20 * np.log10(
                np.mean(output)
            )
        assert re_offset_db == pytest.approx(theory_db, abs=1e-6)
        assert (theory_db == -np.inf) == (length % stride == 0)


def test_interpolation_makes_no_tone_whatever_the_weights(script) -> None:
    steady = "(layer, n) => overlap.steady(layer, overlap.inputs.ones[0], n)"
    for kind, stride, seed in product(("nearest", "linear"), STRIDES[1:], range(3)):
        (output,) = call(script, steady, (layer(kind, 9, stride, seed), SAMPLES))
        (levels_db,) = call(script, "overlap.toneLevelsDb", (np.array(output), stride))
        assert max(levels_db) < -280


def test_random_weights_are_reproducible_and_distributed_as_torchs(script) -> None:
    for length, seed in product((1, 4, 9), (0, 1, 999)):
        (filters,) = call(script, "overlap.filters", (layer("transposed", length, 2, seed),))
        bound = length**-0.5
        random = mulberry32(seed)
        np.testing.assert_allclose(filters[0], [bound * (2 * random() - 1) for _ in range(length)])
    for module in (nn.ConvTranspose1d(1, 1, 9999, 2), nn.Conv1d(1, 7, 9999)):
        assert module.weight.abs().max().item() == pytest.approx(9999**-0.5, rel=1e-2)


def mulberry32(seed: int):
    """The generator of the page, in Python."""
    mask, state = 2**32 - 1, seed

    def random() -> float:
        nonlocal state
        state = (state + 0x6D2B79F5) & mask
        bits = (state ^ (state >> 15)) * (state | 1) & mask
        bits = ((bits + ((bits ^ (bits >> 7)) * (bits | 61) & mask)) & mask) ^ bits
        return (bits ^ (bits >> 14)) / 2**32

    return random


@pytest.fixture(params=[(1280, "light"), (400, "dark")], ids=["desktop", "phone"])
def widget(request: pytest.FixtureRequest, browser, report: Report) -> Iterator:
    page = open_page(browser, report.path, *request.param)
    page.locator("#overlap").scroll_into_view_if_needed()
    page.wait_for_selector("#overlap .spectrum canvas")
    yield page
    assert page.problems == []
    page.close()


def control(page, label: str):
    return page.locator("#overlap").get_by_label(label, exact=True)


def says(page) -> str:
    return page.locator("#overlap .says").inner_text()


def pictures(page) -> list[str]:
    return page.evaluate(
        """async () => {
            await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
            return [...document.querySelectorAll("#overlap canvas")].map(c => c.toDataURL());
        }"""
    )


def test_sliders_move_by_the_keyboard_and_change_words_and_pictures(widget) -> None:
    assert says(widget) == (
        "Kernel size 9, stride 4: partial overlap; 2 or 3 copies of the filter meet, depending on "
        "the output sample. With constant weights, the output for ones repeats every 4 samples: "
        "its strongest tone is at rate / 4, −9.0 dB re the input."
    )
    before = pictures(widget)
    control(widget, "Kernel size").press("ArrowLeft")
    assert says(widget) == (
        "Kernel size 8, stride 4: full overlap; 2 copies of the filter meet at every output "
        "sample, fewer at the borders. With constant weights, the output for ones is constant "
        "except at its borders: no tone."
    )
    after = pictures(widget)
    assert before[0] != after[0] and before[1] != after[1]
    control(widget, "Stride").press("End")
    assert says(widget).startswith("Kernel size 8, stride 8: no overlap;")
    control(widget, "Kernel size").press("Home")
    assert "stride 8: gaps;" in says(widget)


def test_weights_seed_input_and_upsampler_change_what_is_shown(widget) -> None:
    seed = control(widget, "Seed")
    assert seed.is_disabled()
    seen = [(says(widget), *pictures(widget))]
    for change in (
        lambda: control(widget, "Weights").select_option("random"),
        lambda: seed.press("ArrowUp"),
        lambda: control(widget, "Upsampler").select_option("subpixel"),
        lambda: control(widget, "Input").select_option("noise"),
        lambda: control(widget, "Upsampler").select_option("linear"),
        lambda: control(widget, "Input").select_option("sine"),
        lambda: control(widget, "Input").select_option("impulses"),
    ):
        change()
        words, *plots = (says(widget), *pictures(widget))
        assert all(plot != before for plot, before in zip(plots, seen[-1][1:], strict=True))
        seen.append((words, *plots))
    assert "With random weights" in seen[1][0] and "its strongest tone" in seen[1][0]
    assert seen[1][0] != seen[2][0]  # the level
    assert "four" not in seen[3][0] and "interleaves the outputs of 4 filters" in seen[3][0]
    assert "a filtering artifact, and no tone" in seen[5][0]


def test_a_subpixel_convolution_has_tones_only_with_random_weights(widget) -> None:
    control(widget, "Upsampler").select_option("subpixel")
    assert says(widget).endswith("no tone.")
    control(widget, "Weights").select_option("random")
    assert "its strongest tone is at" in says(widget)


@pytest.mark.parametrize(
    ("button", "words"),
    [
        ("Fig. 2", "Kernel size 3, stride 3: no overlap"),
        ("Fig. 3", "Kernel size 3, stride 2: partial overlap; 1 or 2 copies"),
        ("Fig. 4", "Kernel size 3, stride 1: full overlap; 3 copies"),
        ("row 2", "Kernel size 8, stride 6: partial overlap"),
    ],
)
def test_buttons_set_the_papers_layers(widget, button: str, words: str) -> None:
    control(widget, "Upsampler").select_option("linear")
    widget.get_by_role("button", name=button, exact=True).click()
    assert says(widget).startswith(words)
    assert ("With random weights" in says(widget)) == (button in ("Fig. 2", "row 2"))


def test_pointing_at_a_plot_reads_it(widget) -> None:
    readouts = widget.locator("#overlap .readout")
    hints = readouts.all_inner_texts()
    over = widget.locator("#overlap .waveform .u-over")
    over.scroll_into_view_if_needed()
    width = over.bounding_box()["width"]
    over.hover(position={"x": width * 8.7 / 45.4, "y": 50})
    assert readouts.first.inner_text() == (
        "Output sample 8: 3.00 = 1.00 (input 0) + 1.00 (input 1) + 1.00 (input 2)"
    )
    over = widget.locator("#overlap .spectrum .u-over")
    over.scroll_into_view_if_needed()
    over.hover(position={"x": width / 2, "y": 50})
    assert readouts.nth(1).inner_text() == "0.2500 of the rate: −9.0 dB"
    widget.mouse.move(1, 1)
    assert readouts.all_inner_texts() == hints


def test_the_plots_follow_the_theme_and_the_width(widget) -> None:
    before = pictures(widget)
    widget.locator("#theme").click()
    assert all(new != old for new, old in zip(pictures(widget), before, strict=True))
    widget.set_viewport_size({"width": 700, "height": 900})
    widget.wait_for_function(
        """[...document.querySelectorAll("#overlap .plot")].every(
            plot => plot.firstChild.offsetWidth === plot.clientWidth && plot.clientWidth > 500)"""
    )


def test_axe_finds_nothing_serious(widget) -> None:
    assert accessibility_problems(widget, "#overlap") == []
