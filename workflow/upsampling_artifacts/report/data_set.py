"""The data set: values for the page's section on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from upsampling_artifacts.report.numbers import duration, number

SPLITS = {
    "train": "training",
    "valid": "validation",
    "test": "test",
    "excerpt": "real excerpt, reported separately",
}


def data_set(manifest: pd.DataFrame, sources: list[str]) -> dict[str, Any]:
    """Summarize the manifest and list its songs.

    The excerpt of a real song is part of no mean, here as elsewhere.

    Args:
        manifest: The columns of ``manifest.csv``.
        sources: The sources, in order.

    Returns:
        - ``splits``: ``{"name", "songs", "length"}`` for each split.
        - ``stems``: a row of text for the mixture and each source.
        - ``residual``: mixture minus sum of stems. ``n`` songs, ``exact`` of them without a
          residual, ``median``, ``worst`` and its ``song``; separately, that of the ``excerpt``.
        - ``trimmed``: ``{"song", "milliseconds"}``, largest trim first.
        - ``rates_khz``: the sampling rates of the files.
        - ``songs``: a row of text for each song.
    """
    stems = ["mixture", *sources]
    mixtures = manifest[manifest["source"] == "mixture"]
    included = manifest[manifest["split"] != "excerpt"]
    return {
        "splits": _splits(mixtures),
        "stems": [_stem(included[included["source"] == stem], stem) for stem in stems],
        "residual": _residual(mixtures),
        "trimmed": _trimmed(manifest),
        "rates_khz": [f"{rate / 1000:g}" for rate in sorted(included["rate_hz"].unique())],
        "songs": _songs(manifest, stems),
    }


def _splits(mixtures: pd.DataFrame) -> list[dict[str, Any]]:
    splits = []
    for split, name in SPLITS.items():
        seconds = mixtures.loc[mixtures["split"] == split, "seconds"]
        if len(seconds):
            splits.append({"name": name, "songs": len(seconds), "length": duration(seconds.sum())})
    return splits


def _stem(rows: pd.DataFrame, stem: str) -> dict[str, Any]:
    levels = rows["level_db"][np.isfinite(rows["level_db"])]
    silent = rows["silent_seconds"]
    return {
        "name": stem,
        "lowest": number(levels.min()),
        "median": number(levels.median()),
        "highest": number(levels.max()),
        "silent": duration(silent.sum()),
        "silent_share": number(100 * silent.sum() / rows["seconds"].sum(), 1),
        "silent_songs": int((silent > 0).sum()),
        "full_scale": int(rows["full_scale_samples"].sum()),
        "clipped": int(rows["clipped_samples"].sum()),
        "clipped_songs": int((rows["clipped_samples"] > 0).sum()),
    }


def _residual(mixtures: pd.DataFrame) -> dict[str, Any]:
    is_excerpt = mixtures["split"] == "excerpt"
    known = mixtures[~is_excerpt].sort_values("residual_db", na_position="first")
    worst = known.iloc[-1]
    return {
        "n": len(known),
        "exact": int(np.isneginf(known["residual_db"]).sum()),
        "median": _decibels(float(known["residual_db"].quantile(interpolation="higher"))),
        "worst": _decibels(worst["residual_db"]),
        "song": worst["song"],
        "excerpt": "".join(map(_decibels, mixtures.loc[is_excerpt, "residual_db"])),
    }


def _decibels(level_db: float) -> str:
    return "−∞ dB" if np.isneginf(level_db) else number(level_db, 1, "dB")


def _trimmed(manifest: pd.DataFrame) -> list[dict[str, Any]]:
    by_song = manifest.assign(
        milliseconds=1000 * manifest["trimmed_samples"] / manifest["rate_hz"]
    ).groupby("song", sort=False)["milliseconds"]
    trims = by_song.max().sort_values(ascending=False)
    return [{"song": song, "milliseconds": number(ms, 1)} for song, ms in trims[trims > 0].items()]


def _songs(manifest: pd.DataFrame, stems: list[str]) -> list[dict[str, Any]]:
    songs = []
    for (song, split), rows in manifest.groupby(["song", "split"], sort=False):
        stem_rows = {row["source"]: row for row in rows.to_dict("records")}
        mixture = stem_rows["mixture"]
        silent_seconds = {source: row["silent_seconds"] for source, row in stem_rows.items()}
        songs.append(
            {
                "name": song,
                "split": split,
                "length": duration(mixture["seconds"]),
                "residual": _decibels(mixture["residual_db"]),
                "levels": [
                    _decibels(stem_rows[stem]["level_db"]).removesuffix(" dB") for stem in stems
                ],
                "silent": ", ".join(f"{n} s {stem}" for stem, n in silent_seconds.items() if n > 0),
            }
        )
    return songs
