"""Names of many layers in a few words."""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_NAMES = 3
"""So many names, or patterns of names, are shown."""


def fold_names(names: Sequence[str]) -> str:
    """Names in a few words: those that differ in their numbers only are one.

    >>> fold_names(["ups.0"]), fold_names(["act.0.up", "act.1.up", "act.2.up", "end"])
    ('ups.0', 'act.*.up (3), end')
    """
    patterns: dict[str, list[str]] = {}
    for name in names:
        patterns.setdefault(pattern(name), []).append(name)
    shown = [
        members[0] if len(members) == 1 else f"{folded} ({len(members)})"
        for folded, members in patterns.items()
    ]
    more = f" and {len(shown) - MAX_NAMES} more" if len(shown) > MAX_NAMES else ""
    return ", ".join(shown[:MAX_NAMES]) + more


def pattern(name: str) -> str:
    """A name with its numbers replaced.

    >>> pattern("ups.0.conv (2)")
    'ups.*.conv'
    """
    return re.sub(r"(?<=\.)\d+(?=\.|$)|^\d+(?=\.|$)", "*", re.sub(r" \(\d+\)$", "", name))
