"""Draw and mark one spectrogram in its axes, in the same way in all figures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D

from upsampling_artifacts.artifacts.spectra import Spectrogram, thin_spectrogram
from upsampling_artifacts.figures import style

# Fewer bins than a panel has pixels: otherwise drawing would drop bins, and narrow lines with them.
MAX_BINS = 290


def draw(
    axes: Axes, spectrogram: Spectrogram, low_db: float, high_db: float, reference_db: float = 0.0
) -> AxesImage | None:
    """Draw a spectrogram from 0 Hz to Nyquist, frequencies in kHz.

    Args:
        axes: The axes to draw into.
        spectrogram: As :func:`spectra.spectrogram_db` returns it.
        low_db: The level drawn darkest; lower levels look the same.
        high_db: The level drawn brightest.
        reference_db: Subtracted from all levels.

    Returns:
        The image; None for an exactly silent spectrogram, whose panel says so instead.
    """
    _, times_seconds, level_db = thin_spectrogram(spectrogram, MAX_BINS)
    top_khz = spectrogram[0][-1] / 1000
    axes.set(xlim=times_seconds[[0, -1]], ylim=(0, top_khz))
    if not np.isfinite(level_db).any():
        axes.set_facecolor("#f3f3f3")
        axes.text(
            0.5, 0.5, "exactly\nsilent", transform=axes.transAxes, ha="center", va="center",
            style="italic",
        )  # fmt: skip
        return None
    return axes.imshow(
        np.maximum(level_db - reference_db, low_db), origin="lower", aspect="auto",
        vmin=low_db, vmax=high_db, extent=(*axes.get_xlim(), 0, top_khz),
        cmap=style.COLOR_MAP, interpolation="nearest", rasterized=True,
    )  # fmt: skip


def mark(axes: Axes, frequencies_hz: Iterable[float], tones: bool = True) -> None:
    """Draw small arrowheads outside the right edge, where they cover no lines.

    Args:
        axes: The panel.
        frequencies_hz: The frequencies that theory predicts.
        tones: Whether it predicts tones there (filled) or valleys (open).
    """
    for frequency_hz in frequencies_hz:
        axes.plot(
            1.04, frequency_hz / 1000, **_arrowhead(tones), clip_on=False,
            transform=axes.get_yaxis_transform(),
        )  # fmt: skip


def legend(parent: Figure | Axes, kinds: Iterable[bool], **options: Any) -> None:
    """Draw the legend of the arrowheads.

    Args:
        parent: The figure or axes that gets the legend.
        kinds: The values of ``tones`` of :func:`mark` to explain.
        options: Options of matplotlib's ``legend``.
    """
    handles = [
        Line2D(
            [], [], ls="", label=f"predicted {'tones' if kind else 'valleys'}", **_arrowhead(kind)
        )
        for kind in sorted(kinds, reverse=True)
    ]
    parent.legend(handles=handles, handletextpad=0.2, **options)


def color_bar(figure: Figure, image: AxesImage, axes: Iterable[Axes], label: str) -> None:
    """Draw the scale of the levels, to the right of the axes that share it."""
    bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=30, pad=0.015)
    bar.set_label(label)
    bar.outline.set_visible(False)


def _arrowhead(tones: bool) -> dict[str, Any]:
    face = style.INK if tones else "white"
    return {"marker": "<", "ms": 4, "mew": 0.8, "color": style.INK, "mfc": face}
