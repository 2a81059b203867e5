"""The manifest of an experiment: one table that describes all its songs."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.files import atomic_write

COLUMNS = [
    "song", "split", "source", "seconds", "rate_hz", "channels", "level_db", "silent_seconds",
    "sha256", "residual_db", "full_scale_samples", "clipped_samples", "trimmed_samples",
]  # fmt: skip


def write_manifest(songs: dict[str, list[str]], csv_path: str | Path) -> None:
    """Write ``manifest.csv`` from the descriptions in the cache.

    For each song, the table has one row for the mixture and one for each source. ``residual_db``
    describes the song, in the mixture's row.

    Args:
        songs: The ``.json`` files of the cached songs (:mod:`data.cache`), by split.
        csv_path: File to write, with the columns ``COLUMNS``.

    Raises:
        InputError: Two songs have the same audio: one would count twice, or be trained on and
            tested.
    """
    rows = []
    split_and_name: dict[str, tuple[str, str]] = {}
    for split, paths in songs.items():
        for path in paths:
            song = json.loads(Path(path).read_text(encoding="utf-8"))
            earlier = split_and_name.setdefault(song["mixture_sha256"], (split, song["song"]))
            if earlier != (split, song["song"]):
                names = json.dumps([song["song"]], ensure_ascii=False)
                raise InputError(
                    f"'{song['song']}' ({split}) has the same audio as '{earlier[1]}' "
                    f"({earlier[0]}); exclude one of them: exclude_songs: {names}"
                )
            for source, properties in song["stems"].items():
                row = {"song": song["song"], "split": split, "source": source, **properties}
                row["rate_hz"] = song["source_rate_hz"]
                if source == "mixture":
                    row["residual_db"] = song["residual_db"]
                rows.append(row)
    with atomic_write(csv_path) as unfinished:
        table = pd.DataFrame(rows, columns=COLUMNS)
        table.to_csv(unfinished, index=False, float_format="%.6f")
