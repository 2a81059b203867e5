"""Numbers as text for readers. A missing value becomes a dash."""

from __future__ import annotations

import math
from collections.abc import Sequence

NOTHING = "-"


def number(value: float | None, digits: int = 1, unit: str = "") -> str:
    """A number with a true minus sign and its unit; a dash for NaN, infinity and None.

    Args:
        value: The number.
        digits: Decimals to show.
        unit: Appended after a space.
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:.{digits}f}".replace("-", "−") + (f" {unit}" if unit else "")


def signed(value: float | None, digits: int = 1) -> str:
    """A difference: a number with its sign, +0.03 or −0.18.

    Args:
        value: The difference.
        digits: Decimals to show.
    """
    text = number(value, digits)
    return text if text == NOTHING or text.startswith("−") else f"+{text}"


def with_interval(mean: float, high: float, digits: int = 1) -> str:
    """``mean ± half-width`` of a symmetric interval; the mean alone without an interval.

    Args:
        mean: Center of the interval.
        high: Upper end of the interval; NaN without an interval.
        digits: Decimals to show.
    """
    text = number(mean, digits)
    if text == NOTHING or not math.isfinite(high):
        return text
    return f"{text} ± {high - mean:.{digits}f}"


def percent(share: float | None) -> str:
    """A share as a percentage: 0.5 %, 12 %; a dash without one."""
    return number(None if share is None else 100 * share, 1 if share and share < 0.095 else 0, "%")


def significant(value: float | None, digits: int = 3) -> str:
    """A positive number rounded to significant digits: 0.125, 34.9, 1,230."""
    if value is None or not math.isfinite(value):
        return NOTHING
    rounded = float(f"{value:.{digits}g}")
    decimals = max(0, digits - 1 - math.floor(math.log10(rounded))) if rounded > 0 else 0
    return f"{rounded:,.{decimals}f}"


def millions(count: float | None) -> str:
    """A count in millions: 703M, 8.9M, 1.04M."""
    if count is None or not math.isfinite(count):
        return NOTHING
    value = count / 1e6
    digits = 0 if value >= 100 else 1 if value >= 8 else 2
    return f"{value:.{digits}f}M"


def duration(seconds: float | None) -> str:
    """A duration in the units a reader expects: 42 s, 13 min 5 s, 7 h 3 min."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def counted(count: int, noun: str) -> str:
    """A count with its noun: "1 seed", "3 seeds"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def listed(items: Sequence[str]) -> str:
    """Items joined as in a sentence: "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))
