"""SDR of each source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from upsampling_artifacts.evaluation.sdr import (
    MEAN,
    read_scores,
    sdr_by_source,
    summarize_sdr,
)
from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.style import BASELINES, Look
from upsampling_artifacts.figures.systems import belongs_to, legend_belongs_to


def source_scores(
    runs: pd.DataFrame, summary: pd.DataFrame, looks: Mapping[str, Look], sources: Sequence[str]
) -> Figure:
    """Draw the SDR of each source and system: means over seeds with 95 % intervals; dots: seeds.

    Args:
        runs: SDR of each run, as :func:`sdr.sdr_by_source` returns it.
        summary: Means over seeds, as :func:`sdr.summarize_sdr` returns them. Baselines are
            drawn as horizontal lines.
        looks: The systems to draw, from left to right.
        sources: The sources, from left to right.
    """
    places = [*sources, MEAN]
    with style.applied():
        figure = style.new_figure(4.0)
        axes = figure.subplots()
        for place, source in enumerate(places):
            means = summary[summary["source"] == source]
            _draw_systems(axes, place, runs[runs["source"] == source], means, looks)
            _draw_baselines(axes, place, means)
        axes.axvline(len(sources) - 0.5, color="#d8d8d8", linewidth=0.8)
        axes.set_xticks(range(len(places)), places)
        axes.tick_params(axis="x", length=0)
        axes.set(xlim=(-0.5, len(places) - 0.5), ylabel="SDR (dB)")
        axes.grid(axis="y", color="#ececec", linewidth=0.8)
        axes.set_axisbelow(True)
        handles, labels = axes.get_legend_handles_labels()
        systems_first = sorted(zip(handles, labels, strict=True), key=_is_baseline)
        legend = figure.legend(
            *zip(*systems_first, strict=True), loc="outside lower center", ncols=4
        )
        legend_belongs_to(legend, looks)
    return figure


def draw_source_scores(
    csv_path: str | Path,
    image_paths: Sequence[str | Path],
    looks: Mapping[str, Look],
    sources: Sequence[str],
    songs: list[str],
) -> None:
    """Draw ``scores.csv``; see :func:`source_scores`.

    Args:
        csv_path: ``scores.csv``.
        image_paths: The images to write.
        looks: The systems to draw, from left to right.
        sources: The sources, from left to right.
        songs: The songs whose scores count.
    """
    scores = read_scores(csv_path)
    runs, summary = sdr_by_source(scores, songs), summarize_sdr(scores, songs)
    style.save_figure(source_scores(runs, summary, looks, sources), image_paths)


def _draw_systems(
    axes: Axes, place: int, runs: pd.DataFrame, summary: pd.DataFrame, looks: Mapping[str, Look]
) -> None:
    for index, (system, look) in enumerate(looks.items()):
        x = place + 0.8 * ((index + 0.5) / len(looks) - 0.5)
        seeds_db = runs.loc[runs["system"] == system, "sdr_db"]
        dots = axes.plot(
            np.full(len(seeds_db), x + 0.035), seeds_db, ".", ms=3, color=look["color"],
        )  # fmt: skip
        belongs_to(system, dots)
        for row in summary[summary["system"] == system].to_dict("records"):
            reach = [[row["sdr_db"] - row["sdr_low_db"]], [row["sdr_high_db"] - row["sdr_db"]]]
            mean = axes.errorbar(
                x, row["sdr_db"], reach, ms=6, capsize=2.5, elinewidth=1.3, color=look["color"],
                fmt=look["marker"], mec="white", mew=0.4,
                label=look["label"] if place == 0 else None,
            )  # fmt: skip
            belongs_to(system, mean)


def _draw_baselines(axes: Axes, place: int, summary: pd.DataFrame) -> None:
    rows = summary[summary["system"].isin(list(BASELINES))]
    # The better one first, so that the legend has the order of the figure.
    for row in rows.sort_values("sdr_db", ascending=False).to_dict("records"):
        look = BASELINES[row["system"]]
        axes.hlines(
            row["sdr_db"], place - 0.42, place + 0.42, color="#666666", linestyle=look["dashes"],
            lw=1.4, label=look["label"] if place == 0 else "",
        )  # fmt: skip


def _is_baseline(entry: tuple[Artist, str]) -> bool:
    return entry[1] in [look["label"] for look in BASELINES.values()]
