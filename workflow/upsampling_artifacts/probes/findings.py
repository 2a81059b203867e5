"""What a probe found, as sentences for people and values for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping
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


def heard(margin_db: float) -> str:
    """How audible a tone is.

    Args:
        margin_db: Its level over the masked threshold; inf if nothing masks it, NaN if undefined.

    >>> heard(4.6), heard(-4.6)
    ('5 dB over the masked threshold', '5 dB under the masked threshold')
    """
    if math.isnan(margin_db):
        return "without a defined masked threshold"
    if math.isinf(margin_db):
        return "nothing masks it"
    side = "over" if margin_db > 0 else "under"
    return f"{abs(margin_db):.0f} dB {side} the masked threshold"


def not_measured(reasons: Mapping[str, str]) -> list[Finding]:
    """Name all that was not measured, and why, in one finding.

    Args:
        reasons: The reason, by what was not measured.

    Returns:
        One finding of the kind ``left_out``; none without reasons.

    >>> reasons = {"aliasing": "needs audio", "boundary": "needs audio", "offset": "no silence"}
    >>> not_measured(reasons)[0].sentence
    'Not measured: aliasing, boundary (needs audio); offset (no silence).'
    """
    if not reasons:
        return []
    by_reason: dict[str, list[str]] = {}
    for what, reason in reasons.items():
        by_reason.setdefault(reason.rstrip("."), []).append(what)
    named = "; ".join(f"{', '.join(whats)} ({reason})" for reason, whats in by_reason.items())
    return [Finding("left_out", f"Not measured: {named}.", {"reasons": dict(reasons)})]
