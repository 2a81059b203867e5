"""Spectrogram grids: one panel per system and stage, with their levels and silence."""

from pathlib import Path

import numpy as np
import pytest
from upsampling_artifacts.figures.panels import MAX_BINS
from upsampling_artifacts.figures.spectrograms import draw_spectrograms, spectrograms

from ..looks import make_looks

FREQUENCIES_HZ = np.linspace(0, 4000, 129)
TIMES_SECONDS = np.linspace(0, 6, 40)
LINE_BIN = 64


def level_db(loudest_db: float) -> np.ndarray:
    """A floor of -100 dB with one line at 2 kHz."""
    levels = np.full((129, 40), -100.0, np.float32)
    levels[LINE_BIN] = loudest_db
    return levels


LOOKS = make_looks("demucs_transposed", "demucs_subpixel", "my_upsampler")
SILENT = np.full((129, 40), -np.inf, np.float32)
PROBES = {
    ("demucs_transposed", "initialization"): level_db(-20.0),
    ("demucs_transposed", "trained"): level_db(-50.0),
    ("my_upsampler", "initialization"): SILENT,
    ("my_upsampler", "trained"): SILENT,
}


def drawn(relative: bool, tones_hz: tuple[float, ...] = (2000.0, 4000.0)):
    probes = {key: (FREQUENCIES_HZ, TIMES_SECONDS, levels) for key, levels in PROBES.items()}
    return spectrograms(probes, LOOKS, list(tones_hz), relative)


def panels(figure):
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]


def test_columns_are_systems_and_rows_are_stages() -> None:
    axes = panels(drawn(relative=True))
    assert len(axes) == 4
    assert [a.get_title() for a in axes[:2]] == ["transposed", "my\nupsampler"]
    assert "initialization" in axes[0].get_ylabel() and "training" in axes[2].get_ylabel()


def test_relative_levels_have_a_maximum_of_zero_in_every_panel() -> None:
    images = [axes.images[0] for axes in panels(drawn(relative=True)) if axes.images]
    assert [image.get_array().max() for image in images] == [0, 0]


def test_absolute_levels_are_drawn_on_one_scale() -> None:
    images = [axes.images[0] for axes in panels(drawn(relative=False)) if axes.images]
    assert [image.get_array().max() for image in images] == [-20, -50]
    assert len({image.get_clim() for image in images}) == 1


def test_exactly_silent_panels_say_so() -> None:
    axes = panels(drawn(relative=False))
    is_labeled = ["exactly\nsilent" in [text.get_text() for text in a.texts] for a in axes]
    assert is_labeled == [False, True, False, True]
    assert [bool(a.images) for a in axes] == [True, False, True, False]


def test_a_figure_of_silent_panels_only_is_drawn() -> None:
    probes = {("my_upsampler", "initialization"): (FREQUENCIES_HZ, TIMES_SECONDS, SILENT)}
    assert not panels(spectrograms(probes, LOOKS, [2000.0], relative=False))[0].images


def test_predicted_tones_are_marked_in_khz() -> None:
    axes = panels(drawn(relative=True))[0]
    assert [line.get_ydata()[0] for line in axes.lines] == [2.0, 4.0]
    assert axes.get_ylim() == (0, 4)


@pytest.mark.parametrize("n_systems, n_bands", [(6, 1), (7, 2), (13, 3)])
def test_more_than_six_systems_continue_in_another_band(n_systems: int, n_bands: int) -> None:
    probes = {
        (f"system_{index}", "initialization"): (FREQUENCIES_HZ, TIMES_SECONDS, level_db(-20.0))
        for index in range(n_systems)
    }
    looks = make_looks(*(system for system, _ in probes))
    figure = spectrograms(probes, looks, [2000.0], relative=True)
    assert len(panels(figure)) == 2 * n_bands * min(n_systems, 6)
    assert sum(bool(axes.images) for axes in panels(figure)) == n_systems


def test_spectrograms_are_drawn_from_arrays(tmp_path: Path) -> None:
    frequencies_hz = np.linspace(0, 22050, 4 * MAX_BINS + 1)
    levels = np.full((len(frequencies_hz), 40), -60.0, np.float16)
    levels[MAX_BINS * 2] = 0.0
    paths = []
    for stage in ("initialization", "trained"):
        path = tmp_path / f"variants/demucs_subpixel/seed-0/probe/{stage}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, frequencies_hz=frequencies_hz, times_seconds=TIMES_SECONDS, noise_db=levels)
        paths.append(path)
    images = [tmp_path / f"noise.{kind}" for kind in ("png", "svg")]
    draw_spectrograms(paths, images, LOOKS, "noise", [11025.0, 22050.0])
    assert images[0].read_bytes().startswith(b"\x89PNG")
    assert b"<image" in images[1].read_bytes()
