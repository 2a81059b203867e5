"""Validation loss against training steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.figures.systems import belongs_to, legend_belongs_to


def training_curves(
    logs: Mapping[tuple[str, int], pd.DataFrame], looks: Mapping[str, Look]
) -> Figure:
    """Draw the validation loss of each system: its mean over seeds, and each seed as a thin line.

    The vertical scale ends at the highest first loss: a run that diverges leaves the figure instead
    of flattening the others.

    Args:
        logs: ``training.csv`` by system and seed.
        looks: Labels and colors of the systems.
    """
    runs = pd.concat(
        [log.assign(system=system, seed=seed) for (system, seed), log in logs.items()],
        ignore_index=True,
    ).dropna(subset="valid_loss")
    systems = dict.fromkeys(system for system, _ in logs)
    with style.applied():
        figure = style.new_figure(4.0)
        axes = figure.subplots()
        for system in systems:
            _draw_system(axes, system, runs[runs["system"] == system], looks[system])
        first = runs.groupby(["system", "seed"])["valid_loss"].first().max()
        axes.set_yscale("log")
        axes.set_ylim(0.97 * runs["valid_loss"].min(), 1.03 * first)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:.2g}")
        axes.grid(which="both", color="#ececec", linewidth=0.8)
        axes.set(xlabel="training steps", ylabel="validation loss (L1, normalized waveforms)")
        axes.margins(x=0.01)
        legend = figure.legend(
            loc="outside right upper",
            title="mean over seeds (thin: one seed)",
        )
        legend_belongs_to(legend, looks)
    return figure


def draw_training_curves(
    csv_paths: Sequence[str | Path],
    image_paths: Sequence[str | Path],
    looks: Mapping[str, Look],
) -> None:
    """Draw training logs; see :func:`training_curves`.

    Args:
        csv_paths: Paths that end in ``<system>/seed-<n>/training.csv``.
        image_paths: The images to write.
        looks: Labels and colors of the systems.
    """
    logs = {
        (path.parents[1].name, int(path.parent.name.removeprefix("seed-"))): pd.read_csv(path)
        for path in map(Path, csv_paths)
    }
    style.save_figure(training_curves(logs, looks), image_paths)


def _draw_system(axes: Axes, system: str, runs: pd.DataFrame, look: Look) -> None:
    """Thin lines for single seeds, a thick one for their mean."""
    n_before = len(axes.lines)
    shared: dict[str, Any] = {
        "data": runs, "x": "step", "y": "valid_loss", "ax": axes,
        "color": look["color"], "linestyle": style.dashes(look),
    }  # fmt: skip
    seaborn.lineplot(**shared, units="seed", estimator=None, linewidth=0.6, alpha=0.4)
    seaborn.lineplot(
        **shared, errorbar=None, linewidth=2, marker=look["marker"], ms=5.5, mec="white", mew=0.6,
        label=look["label"], legend=False,
    )  # fmt: skip
    belongs_to(system, axes.lines[n_before:])
