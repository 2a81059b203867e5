"""What an experiment's songs are: one table for all of them."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from upsampling_artifacts.files import atomic_write

COLUMNS = [
    "song", "split", "source", "seconds", "rate_hz", "channels", "level_db", "silent_seconds",
    "sha256", "residual_db", "full_scale_samples", "clipped_samples", "trimmed_samples",
]  # fmt: skip


def write_manifest(songs: dict[str, list[str]], csv_path: str | Path) -> None:
    """Write ``manifest.csv`` from what the cache says of each song.

    Args:
        songs: The ``.json`` files of the cached songs (:mod:`data.cache`), by split.
        csv_path: Where to; the columns ``COLUMNS``, one row for each song's mixture and for each of
            its sources. ``residual_db`` is the song's, on the row of its mixture.
    """
    rows = []
    for split, paths in songs.items():
        for path in paths:
            about = json.loads(Path(path).read_text(encoding="utf-8"))
            for source, facts in about["stems"].items():
                row = {"song": about["song"], "split": split, "source": source, **facts}
                row["rate_hz"] = about["source_rate_hz"]
                if source == "mixture":
                    row["residual_db"] = about["residual_db"]
                rows.append(row)
    with atomic_write(csv_path) as unfinished:
        table = pd.DataFrame(rows, columns=COLUMNS)
        table.to_csv(unfinished, index=False, float_format="%.6f")
