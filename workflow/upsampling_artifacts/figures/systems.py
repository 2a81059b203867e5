"""What belongs to a system in a figure: the page hides and highlights it with the system."""

from __future__ import annotations

from collections.abc import Iterable

from matplotlib.artist import Artist

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
        elif artist is not None:
            belongs_to(system, *artist)


def system_of(artist: Artist) -> str:
    """The system that an artist belongs to; empty for none."""
    return (artist.get_gid() or "").removeprefix(PREFIX)
