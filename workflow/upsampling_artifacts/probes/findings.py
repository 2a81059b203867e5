"""What a probe found, as sentences for people and values for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One thing that a probe found.

    Attributes:
        kind: Its kind, e.g. ``"comb"``, ``"offset"`` or ``"clicks"``.
        sentence: For the summary.
        values: The numbers behind the sentence, with units in their names; they can be written as
            JSON.
    """

    kind: str
    sentence: str
    values: dict[str, Any]


def counted(number: int, noun: str) -> str:
    """A number and its noun, singular or plural.

    >>> counted(1, "line"), counted(2, "line")
    ('1 line', '2 lines')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def rate_fraction(multiple: int, stride: int) -> str:
    """A frequency as a fraction of the sampling rate.

    >>> rate_fraction(1, 4), rate_fraction(3, 8)
    ('rate/4', '3 rate/8')
    """
    return f"rate/{stride}" if multiple == 1 else f"{multiple} rate/{stride}"
