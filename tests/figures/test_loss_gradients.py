"""The gradients of losses: one panel each, with both spectra and the predicted frequencies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from upsampling_artifacts.figures.loss_gradients import draw_loss_gradients, loss_gradients

LOSSES = ["l1", "deep_features", "my_losses:Mine"]


def make_arrays() -> dict[str, np.ndarray]:
    """Noise at -45 dB; deep features have a line at 2 kHz. The power of L1 is constant."""
    frequencies_hz = np.linspace(0, 4000, 201)
    arrays = {"frequencies_hz": frequencies_hz}
    for loss in LOSSES:
        arrays[f"{loss}/gradient_db"] = np.full(201, -45.0)
        arrays[f"{loss}/gradient_power_db"] = np.full(201, -45.0)
    arrays["deep_features/gradient_power_db"][frequencies_hz == 2000] = -15.0
    arrays["l1/gradient_power_db"][:] = -np.inf
    return arrays


def test_each_loss_has_a_panel_with_both_spectra() -> None:
    figure = loss_gradients(make_arrays())
    panels = [axes for axes in figure.axes if axes.axison]
    titles = [axes.get_title(loc="left") for axes in panels]
    assert titles == ["L1", "deep features, strided convolutions", "my_losses:Mine"]
    curves = [line for line in panels[1].lines if len(line.get_xdata()) == 201]
    assert [line.get_label() for line in curves] == [
        "mean gradient (re its RMS)", "mean square (re its mean over time)",
    ]  # fmt: skip
    power = np.asarray(curves[1].get_ydata())
    assert curves[1].get_xdata()[power.argmax()] == 2.0  # kHz


def test_multiples_of_the_rate_over_four_and_sixteen_are_marked() -> None:
    axes = loss_gradients(make_arrays()).axes[0]
    marks = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 2]
    assert marks == [2.0, 4.0, *np.arange(0.5, 4.5, 0.5)]


def test_the_figure_is_drawn_from_its_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "gradients.npz", **make_arrays())
    draw_loss_gradients(tmp_path / "gradients.npz", [tmp_path / "f.png", tmp_path / "f.svg"])
    assert (tmp_path / "f.png").stat().st_size > 5000
    assert (tmp_path / "f.svg").exists()
