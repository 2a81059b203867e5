"""Which system whistles when its input is quiet: the picture on the report's first screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from upsampling_artifacts.figures import style
from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.figures.systems import belongs_to, ticks_belong_to
from upsampling_artifacts.probes.line_summary import read_lines, summarize_lines

SIGNAL = "near_silence"
ROW_INCHES = 0.27
# Far below the threshold, how far does not matter.
LOWEST_DB, HIGHEST_DB = -30.0, 60.0


def tone_margins(summary: pd.DataFrame, looks: Mapping[str, Look], frequency_hz: float) -> Figure:
    """Draw, for each system, how far its tone lies above the threshold of audibility.

    Open: after initialization; filled: after training, with 95 % intervals over seeds. Markers
    with an arrow lie beyond the axis.

    Args:
        summary: From :func:`line_summary.summarize_lines`.
        looks: The systems to draw, from top to bottom.
        frequency_hz: The tone's frequency.
    """
    near_silence = summary[summary["signal"] == SIGNAL]
    with style.applied():
        figure = style.new_figure(0.75 + ROW_INCHES * len(looks), width_inches=8.0)
        axes = figure.subplots()
        axes.axvspan(LOWEST_DB - 5, 0, color="#e6f2e6", linewidth=0, zorder=0.5)
        axes.axvline(0, color=style.FAINT, linewidth=0.8, zorder=1)
        for index, (system, look) in enumerate(looks.items()):
            rows = near_silence[near_silence["system"] == system].set_index("stage")
            for stage in ("initialization", "trained"):
                if stage in rows.index:
                    row = rows.loc[[stage]].iloc[0]
                    belongs_to(system, _draw(axes, index, row, look, filled=stage == "trained"))
        axes.set_yticks(range(len(looks)), [look["label"] for look in looks.values()])
        ticks_belong_to(axes.yaxis, looks)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(looks) - 0.4, -0.6)
        axes.set_xlim(LOWEST_DB - 5, HIGHEST_DB + 2)
        axes.grid(axis="x", color="#ececec", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.set_xlabel(
            f"tone at {frequency_hz / 1000:g} kHz over its threshold of audibility (dB), "
            "near-silent input"
        )
        axes.set_title(
            "← not audible", loc="left", fontsize=8.5, color="#2e6b2e", x=0.01, y=1.0, pad=3
        )
        axes.set_title(
            "open: after initialization · filled: after training · ←: below the scale",
            loc="right",
            fontsize=8.5,
            pad=3,
        )
    return figure


def draw_tone_margins(
    csv_path: str | Path,
    image_paths: Sequence[str | Path],
    looks: Mapping[str, Look],
    frequency_hz: float,
) -> None:
    """Draw the tones of a table of measures; see :func:`tone_margins`.

    Args:
        csv_path: A csv file with the columns ``VARIANT_COLUMNS``.
        image_paths: The images to write.
        looks: The systems to draw, from top to bottom.
        frequency_hz: The tone's frequency.
    """
    summary = summarize_lines(read_lines(csv_path), frequency_hz)
    style.save_figure(tone_margins(summary, looks, frequency_hz), image_paths)


def _draw(axes: Axes, index: int, row: pd.Series, look: Look, filled: bool) -> list[Artist]:
    """One stage of one system; only a word if its output is exactly silent in every seed."""
    small: dict[str, Any] = {"va": "center", "fontsize": 8}
    if row["n_silent"] == row["n_seeds"]:
        text = "exactly silent" if filled else ""
        return [axes.text(LOWEST_DB - 4, index, text, style="italic", **small)]
    color, margin_db = look["color"], row["audibility_margin_db"]
    shown_db = float(np.clip(margin_db, LOWEST_DB, HIGHEST_DB))
    drawn: list[Artist] = []
    if shown_db != margin_db:
        arrow, side = ("←", -1.4) if margin_db < shown_db else ("→", 1.4)
        drawn.append(axes.text(shown_db + side, index, arrow, color=color, ha="center", **small))
    elif filled and np.isfinite(row["audibility_margin_low_db"]):
        ends_db = [row["audibility_margin_low_db"], row["audibility_margin_high_db"]]
        drawn += axes.plot(ends_db, [index, index], color=color, linewidth=1.6, zorder=3)
    face = color if filled else "white"
    marker: dict[str, Any] = {"ms": 6.5, "mfc": face, "mec": color, "mew": 1.5, "zorder": 4}
    return [*drawn, *axes.plot(shown_db, index, look["marker"], **marker)]
