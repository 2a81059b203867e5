"""How the validation loss falls."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import seaborn
from matplotlib.figure import Figure

from upsampling_artifacts.figures import style


def training_curves(logs: dict[tuple[str, int], pd.DataFrame]) -> Figure:
    """Validation loss against steps: the mean over seeds, and each seed as a thin line.

    The scale ends where the trainings begin: one that diverges leaves the picture, and does not
    flatten the others.

    Args:
        logs: ``training.csv`` of each system and seed.
    """
    systems = list(dict.fromkeys(system for system, _ in logs))
    runs = pd.concat(
        [log.assign(system=system, seed=seed) for (system, seed), log in logs.items()],
        ignore_index=True,
    ).dropna(subset="valid_loss")
    shared = {
        "data": runs, "x": "step", "y": "valid_loss", "hue": "system", "style": "system",
        "palette": style.colours(systems),
        "dashes": {name: (4, 2) if style.is_modified(name) else "" for name in systems},
    }  # fmt: skip
    with style.look():
        figure = style.new_figure(4.0)
        axes = figure.subplots()
        seaborn.lineplot(
            **shared, units="seed", estimator=None, linewidth=0.6, alpha=0.4, legend=False, ax=axes
        )
        seaborn.lineplot(**shared, errorbar=None, linewidth=2, ax=axes)
        first = runs.groupby(["system", "seed"])["valid_loss"].first().max()
        axes.set_yscale("log")
        axes.set_ylim(0.97 * runs["valid_loss"].min(), 1.03 * first)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:.2g}")
        axes.grid(which="both", color="#ececec", linewidth=0.8)
        axes.set(xlabel="training steps", ylabel="validation loss (L1, normalised waveforms)")
        axes.margins(x=0.01)
        handles, names = axes.get_legend_handles_labels()
        axes.get_legend().remove()
        figure.legend(
            handles,
            [style.label(name) for name in names],
            loc="outside right upper",
            title="mean over seeds (thin: one seed)",
        )
    return figure


def draw_training_curves(csv_paths: list[str | Path], image_paths: list[str | Path]) -> None:
    """Draw training logs.

    Args:
        csv_paths: Paths that end in ``<system>/seed-<n>/training.csv``.
        image_paths: Where to.
    """
    logs = {
        (path.parents[1].name, int(path.parent.name.removeprefix("seed-"))): pd.read_csv(path)
        for path in map(Path, csv_paths)
    }
    style.save_figure(training_curves(logs), image_paths)
