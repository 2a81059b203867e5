"""What belongs to a system in a figure: the page hides and highlights it with the system."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.legend import Legend
from matplotlib.text import Annotation

PREFIX = "system-"
"""Begins the group identifiers of such artists, in svg files too."""


def belongs_to(system: str, *artists: Artist | Iterable[Artist] | None) -> None:
    """Mark everything that stands for a system: points, intervals, labels, legend entries, panels.

    Args:
        system: Its name in config.
        artists: Artists, axes, or containers of them, such as ``errorbar`` returns.
    """
    for artist in artists:
        if isinstance(artist, Artist):
            artist.set_gid(PREFIX + system)
            if isinstance(artist, Annotation) and artist.arrow_patch is not None:
                artist.arrow_patch.set_gid(PREFIX + system)
        elif artist is not None:
            belongs_to(system, *artist)


def ticks_belong_to(axis: Axis, systems: Iterable[str]) -> None:
    """Mark the ticks of an axis that names systems."""
    for system, tick in zip(systems, axis.get_major_ticks(), strict=True):
        belongs_to(system, tick)


def legend_belongs_to(legend: Legend, looks: Mapping[str, Mapping[str, object]]) -> None:
    """Mark the entries of a legend that have the label of a system."""
    systems = {look["label"]: name for name, look in looks.items()}
    for key, text in zip(legend.legend_handles, legend.get_texts(), strict=True):
        if text.get_text() in systems:
            belongs_to(systems[text.get_text()], key, text)


def system_of(artist: Artist) -> str:
    """The system that an artist belongs to; empty for none."""
    return (artist.get_gid() or "").removeprefix(PREFIX)
