"""How the validation loss falls."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from upsampling_artifacts.figures import style


def training_curves(logs: dict[tuple[str, int], pd.DataFrame]) -> Figure:
    """Validation loss against steps: the mean over seeds, and each seed as a thin line.

    Args:
        logs: ``training.csv`` of each system and seed.
    """
    systems = list(dict.fromkeys(system for system, _ in logs))
    palette = style.colours(systems)
    with style.look():
        figure = style.new_figure(4.0)
        axes = figure.subplots()
        for system in systems:
            runs = [log for (name, _), log in logs.items() if name == system]
            dashes = "--" if style.is_modified(system) else "-"
            for run in runs:
                axes.plot(
                    run["step"], run["valid_loss"], dashes, color=palette[system], lw=0.6, alpha=0.4
                )
            losses = pd.concat([run.set_index("step")["valid_loss"] for run in runs], axis=1)
            mean = losses.mean(axis=1).dropna()
            axes.plot(
                mean.index, mean, dashes, color=palette[system], lw=2, label=style.label(system)
            )
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:.2g}")
        axes.grid(which="both", color="#ececec", linewidth=0.8)
        axes.set(xlabel="training steps", ylabel="validation loss (L1, normalised waveforms)")
        axes.margins(x=0.01)
        axes.legend(loc="upper right", ncols=2, title="mean over seeds (thin: one seed)")
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
