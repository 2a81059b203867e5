"""Figures 1 and 6 to 9: panels, ranges and marks, and narrow lines that are drawn."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.figures import panels
from upsampling_artifacts.figures.models import draw_models, models, read_probe
from upsampling_artifacts.figures.stacks import ROWS, draw_stacks, stacks
from upsampling_artifacts.pipeline.configuration import resolve

from ..configs import SCHEMA, read_config
from ..looks import make_looks

CONFIG = resolve(read_config(), SCHEMA)
LOOKS = make_looks(*CONFIG["probes"]["systems"])
RATES_HZ = [4000, 8000, 16000, 32000]


def spectrogram(rate_hz: float, line_hz: float | None = None, level_db: float = -10.0):
    """A floor of -120 dB with one line."""
    frequencies_hz = np.linspace(0, rate_hz / 2, 513)
    levels = np.full((513, 20), -120.0, np.float32)
    if line_hz is not None:
        levels[np.abs(frequencies_hz - line_hz).argmin()] = level_db
    return frequencies_hz, np.linspace(0.1, 2.9, 20), levels


def image_panels(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.images]


def marks_khz(axes: Axes) -> list[float]:
    return [float(line.get_ydata()[0]) for line in axes.lines if line.get_marker() == "<"]


def drawn_rows() -> Figure:
    layers = [spectrogram(rate_hz, rate_hz / 4) for rate_hz in RATES_HZ]
    return stacks({("with tones", True): layers, ("with valleys", False): layers}, RATES_HZ)


def test_each_row_shows_its_input_and_layers_up_to_nyquist() -> None:
    axes = image_panels(drawn_rows())
    assert [a.get_ylim()[1] for a in axes] == [2, 4, 8, 16] * 2
    titles = ["input, 4 kHz", "layer 1, 8 kHz", "layer 2, 16 kHz", "layer 3, 32 kHz"]
    assert [a.get_title() for a in axes[:4]] == titles
    assert {a.images[0].get_clim() for a in axes} == {(-100, 0)}
    assert {a.images[0].get_array().max() for a in axes} != {-100}


def test_predictions_are_multiples_of_4_khz_filled_for_tones_and_open_for_valleys() -> None:
    axes = image_panels(drawn_rows())
    assert [marks_khz(a) for a in axes[:4]] == [[], [4], [4, 8], [4, 8, 12, 16]]
    assert [marks_khz(a) for a in axes[4:]] == [[], [4], [4, 8], [4, 8, 12, 16]]
    assert axes[3].lines[0].get_markerfacecolor() != "white"
    assert axes[7].lines[0].get_markerfacecolor() == "white"


@pytest.mark.parametrize("line_hz", [0, 4000, 9000, 16000])
def test_a_line_of_one_bin_is_drawn_at_its_frequency(line_hz: float) -> None:
    axes = Figure().subplots()
    image = panels.draw(axes, spectrogram(32000, line_hz), -100, 0)
    levels = image.get_array()
    assert levels.max() > -14 and levels.min() == -100
    low_khz, high_khz = image.get_extent()[2:]
    height_khz = (high_khz - low_khz) / len(levels)
    place_khz = low_khz + (levels[:, 0].argmax() + 0.5) * height_khz
    assert place_khz == pytest.approx(line_hz / 1000, abs=height_khz)


def test_every_bin_that_is_drawn_has_a_pixel() -> None:
    """Otherwise drawing would drop bins, and narrow lines with them."""
    figure = drawn_rows()
    figure.draw_without_rendering()
    for axes in image_panels(figure):
        height = axes.get_window_extent().height / figure.dpi * 160
        assert len(axes.images[0].get_array()) <= height


@pytest.mark.parametrize("number", [6, 7, 8])
def test_stacks_are_drawn_from_arrays(number: int, tmp_path: Path) -> None:
    arrays = {"rates_hz": RATES_HZ}
    for row, _, _ in ROWS[number]:
        for layer, rate_hz in enumerate(RATES_HZ):
            names = ("frequencies_hz", "times_seconds", "db")
            for name, array in zip(names, spectrogram(rate_hz, 1000), strict=True):
                arrays[f"{row}_{layer}_{name}"] = array
    np.savez(tmp_path / "stacks.npz", **arrays)
    images = [tmp_path / f"figure.{kind}" for kind in ("png", "svg")]
    draw_stacks(tmp_path / "stacks.npz", images, number)
    assert images[0].read_bytes().startswith(b"\x89PNG")
    assert b"<image" in images[1].read_bytes()


@pytest.fixture
def probe_paths(tmp_path: Path) -> dict[str, Path]:
    """Arrays with an input maximum of -20 dB and a line of -30 dB at rate / 4."""
    paths = {}
    for system in LOOKS:
        rate_hz = 22050 if system == "melgan" else 44100
        frequencies_hz, times_seconds, noise_db = spectrogram(rate_hz, rate_hz / 4, -30.0)
        paths[system] = tmp_path / f"{system}.npz"
        np.savez(
            paths[system], frequencies_hz=frequencies_hz, times_seconds=times_seconds,
            noise_db=noise_db.astype(np.float16), input_frequencies_hz=frequencies_hz,
            input_times_seconds=times_seconds, input_noise_db=np.full_like(noise_db, -20.0),
            rate_hz=rate_hz, tones_hz=[rate_hz / 8, rate_hz / 4, rate_hz / 2],
            valleys_hz=[rate_hz / 4, rate_hz / 2],
        )  # fmt: skip
    return paths


def drawn_models(paths: dict[str, Path], number: int) -> dict[str, Axes]:
    probes = {system: read_probe(path) for system, path in paths.items()}
    figure = models(probes, CONFIG["paper_figures"][f"figure_{number}"], LOOKS)
    return {axes.get_title(): axes for axes in image_panels(figure) if axes.get_title()}


def test_figure_1_shows_five_models_and_both_inputs(probe_paths: dict[str, Path]) -> None:
    axes = drawn_models(probe_paths, 1)
    assert list(axes) == [
        "white noise, 22.05 kHz", "a) MelGAN", "white noise, 44.1 kHz", "b) Demucs, transposed",
        "c) Demucs, nearest", "d) Demucs, subpixel", "Demucs, linear",
    ]  # fmt: skip
    lows_db = {title: a.images[0].get_clim()[0] for title, a in axes.items()}
    assert {title for title, low_db in lows_db.items() if low_db == -150} == {
        "a) MelGAN", "Demucs, linear",
    }  # fmt: skip
    assert set(lows_db.values()) == {-150, -80}
    assert axes["a) MelGAN"].get_ylim()[1] == pytest.approx(11.025)
    assert axes["c) Demucs, nearest"].get_ylim()[1] == pytest.approx(22.05)


def test_figure_9_shows_the_modified_models_beside_the_originals(
    probe_paths: dict[str, Path],
) -> None:
    assert list(drawn_models(probe_paths, 9)) == [
        "white noise, 44.1 kHz", "Demucs, transposed", "a) modified, transposed",
        "Demucs, subpixel", "b) modified, subpixel",
    ]  # fmt: skip


def test_levels_are_re_the_inputs_maximum(probe_paths: dict[str, Path]) -> None:
    axes = drawn_models(probe_paths, 1)
    assert axes["white noise, 44.1 kHz"].images[0].get_array().max() == 0
    line_db = axes["b) Demucs, transposed"].images[0].get_array().max()
    assert -13.1 < line_db < -10  # merging two bins lowers it by 3 dB


def test_tones_and_valleys_are_marked_on_outputs_only(probe_paths: dict[str, Path]) -> None:
    axes = drawn_models(probe_paths, 1)
    assert marks_khz(axes["b) Demucs, transposed"]) == pytest.approx([5.5125, 11.025, 22.05])
    assert marks_khz(axes["c) Demucs, nearest"]) == pytest.approx([11.025, 22.05])
    assert marks_khz(axes["white noise, 44.1 kHz"]) == []
    faces = {title: a.lines[0].get_markerfacecolor() for title, a in axes.items() if a.lines}
    open_marks = {title for title, face in faces.items() if face == "white"}
    assert open_marks == {"c) Demucs, nearest", "Demucs, linear"}


def test_each_output_says_how_far_its_line_stands_out(probe_paths: dict[str, Path]) -> None:
    axes = drawn_models(probe_paths, 1)
    texts = {title: [text.get_text() for text in a.texts] for title, a in axes.items()}
    assert texts["white noise, 44.1 kHz"] == []
    assert texts["b) Demucs, transposed"] == ["+90 dB at 11.0 kHz"]


def test_a_layout_may_show_a_users_own_system_under_its_label(
    probe_paths: dict[str, Path],
) -> None:
    layout = [[{"system": "mine", "show": "output", "title": None, "marks": "tones",
                "floor_db": -150.0}]]  # fmt: skip
    probes = {"mine": read_probe(probe_paths["demucs_nearest"])}
    (axes,) = image_panels(models(probes, layout, make_looks("mine")))
    assert axes.get_title() == "mine"


def test_models_are_drawn_from_arrays(probe_paths: dict[str, Path], tmp_path: Path) -> None:
    images = [tmp_path / f"figure_9.{kind}" for kind in ("png", "svg")]
    draw_models(probe_paths, images, CONFIG["paper_figures"]["figure_9"], LOOKS)
    assert images[0].read_bytes().startswith(b"\x89PNG")
    assert b"<image" in images[1].read_bytes()


def test_a_system_without_arrays_is_named(probe_paths: dict[str, Path], tmp_path: Path) -> None:
    del probe_paths["melgan"]
    with pytest.raises(InputError, match="figure_1: no arrays for melgan; probe them first"):
        draw_models(
            probe_paths, [tmp_path / "figure_1.png"], CONFIG["paper_figures"]["figure_1"], LOOKS
        )
