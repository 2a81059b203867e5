"""Small files of what takes long to find out and holds until code or options change.

They only save time: without one, or with one that was damaged, everything is found out again.
"""

from __future__ import annotations

import contextlib
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from upsampling_artifacts.files import atomic_write

MOST_KEPT = 5000
"""Entries in a record: a clone that is edited again and again keeps the latest. The library has 260
files; an experiment of a thousand systems has a thousand networks."""


def read(path: str | Path) -> dict[str, Any]:
    """Read a record.

    Returns:
        Values as JSON has them, by key; none if the file is missing or not as it was written.
    """
    try:
        digest, _, text = Path(path).read_bytes().partition(b"\n")
    except OSError:
        return {}
    if sha256(text).hexdigest().encode() != digest:
        return {}
    known: dict[str, Any] = json.loads(text)
    return known


def write(path: str | Path, known: dict[str, Any]) -> None:
    """Write a record, if that is possible; its folder is made."""
    path = Path(path)
    if path.parent.parent.is_dir():  # not in a clone that has gone
        text = json.dumps(dict(list(known.items())[-MOST_KEPT:]))
        with contextlib.suppress(OSError), atomic_write(path) as unfinished:
            unfinished.write_text(f"{sha256(text.encode()).hexdigest()}\n{text}")
