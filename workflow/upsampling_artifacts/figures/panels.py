"""One spectrogram in its axes, the same in every figure."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D

from upsampling_artifacts.artifacts.spectra import Spectrogram, thin_spectrogram
from upsampling_artifacts.figures import style

# Fewer than a panel's pixels, so that drawing never leaves out a bin, and a line with it.
MOST_BINS = 290


def draw(
    axes: Axes, spectrogram: Spectrogram, low_db: float, high_db: float, reference_db: float = 0.0
) -> AxesImage | None:
    """Draw a spectrogram from 0 Hz to Nyquist, frequencies in kHz.

    Args:
        axes: Where to.
        spectrogram: As :func:`spectra.spectrogram_db` gives it.
        low_db: The level drawn darkest; what lies below is as dark.
        high_db: The level drawn brightest.
        reference_db: Subtracted from all levels.

    Returns:
        The image; None for a spectrogram without any sound, which says so.
    """
    _, times_seconds, level_db = thin_spectrogram(spectrogram, MOST_BINS)
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
        cmap=style.COLOUR_MAP, interpolation="nearest", rasterized=True,
    )  # fmt: skip


def mark(axes: Axes, frequencies_hz: Iterable[float], tones: bool = True) -> None:
    """Small arrowheads outside the right edge, so that nothing of the line is covered.

    Args:
        axes: The panel.
        frequencies_hz: Where theory puts something.
        tones: Whether it puts tones there (filled), or else valleys (open).
    """
    for frequency_hz in frequencies_hz:
        axes.plot(
            1.04, frequency_hz / 1000, **_arrowhead(tones), clip_on=False,
            transform=axes.get_yaxis_transform(),
        )  # fmt: skip


def legend(place: Figure | Axes, kinds: Iterable[bool], **options: object) -> None:
    """What the arrowheads mean.

    Args:
        place: Where to.
        kinds: As ``tones`` of :func:`mark`: which of them to explain.
        options: Of matplotlib's ``legend``.
    """
    handles = [
        Line2D(
            [], [], ls="", label=f"predicted {'tones' if kind else 'valleys'}", **_arrowhead(kind)
        )
        for kind in sorted(kinds, reverse=True)
    ]
    place.legend(handles=handles, handletextpad=0.2, **options)


def colour_bar(figure: Figure, image: AxesImage, axes: object, label: str) -> None:
    """The scale of levels, right of the axes it serves."""
    bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=30, pad=0.015)
    bar.set_label(label)
    bar.outline.set_visible(False)


def _arrowhead(tones: bool) -> dict:
    colour = style.INK if tones else "white"
    return {"marker": "<", "ms": 4, "mew": 0.8, "color": style.INK, "mfc": colour}
