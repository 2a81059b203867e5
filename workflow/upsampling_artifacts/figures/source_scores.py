"""How well each source is separated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from upsampling_artifacts.evaluation.sdr import MEAN, sdr_by_source
from upsampling_artifacts.figures import style
from upsampling_artifacts.statistics import mean_interval

BASELINES = {"ideal_ratio_mask": (0, (1, 1.2)), "mixture": (0, (4, 2))}


def source_scores(
    scores: pd.DataFrame, systems: list[str], sources: list[str], songs: list[str]
) -> Figure:
    """SDR of each source and system: mean over seeds with 95 % intervals, seeds as dots.

    Args:
        scores: The columns of ``scores.csv``.
        systems: What to draw, from left to right; baselines become lines across.
        sources: The sources, from left to right.
        songs: The songs that count.
    """
    table = sdr_by_source(scores, songs)
    palette = style.colours(systems)
    places = [*sources, MEAN]
    with style.look():
        figure = style.new_figure(4.0)
        axes = figure.subplots()
        for place, source in enumerate(places):
            of_source = table[table["source"] == source]
            for index, system in enumerate(systems):
                values = of_source.loc[of_source["system"] == system, "sdr_db"]
                x = place + 0.8 * ((index + 0.5) / len(systems) - 0.5)
                mean, low, high = mean_interval(values)
                axes.plot(np.full(len(values), x + 0.035), values, ".", ms=3, color=palette[system])
                axes.errorbar(
                    x, mean, [[mean - low], [high - mean]], ms=6.5, capsize=2.5, elinewidth=1.3,
                    fmt="D" if style.is_modified(system) else "o", color=palette[system],
                    label=style.label(system) if place == 0 else None,
                )  # fmt: skip
            for baseline, dashes in BASELINES.items():
                if baseline not in set(of_source["system"]):
                    continue
                value = of_source.loc[of_source["system"] == baseline, "sdr_db"].mean()
                axes.hlines(
                    value, place - 0.42, place + 0.42, color="#666666", linestyle=dashes, lw=1.4,
                    label=style.label(baseline) if place == 0 else None,
                )  # fmt: skip
        axes.axvline(len(sources) - 0.5, color="#d8d8d8", linewidth=0.8)
        axes.set_xticks(range(len(places)), places)
        axes.tick_params(axis="x", length=0)
        axes.set(xlim=(-0.5, len(places) - 0.5), ylabel="SDR (dB)")
        axes.grid(axis="y", color="#ececec", linewidth=0.8)
        axes.set_axisbelow(True)
        figure.legend(loc="outside lower center", ncols=4)
    return figure


def draw_source_scores(
    csv_path: str | Path,
    image_paths: list[str | Path],
    systems: list[str],
    sources: list[str],
    songs: list[str],
) -> None:
    """Draw ``scores.csv``; see :func:`source_scores`."""
    scores = pd.read_csv(csv_path)
    style.save_figure(source_scores(scores, systems, sources, songs), image_paths)
