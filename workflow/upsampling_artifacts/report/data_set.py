"""What the songs are, in values that the page's section is made of."""

from __future__ import annotations

import numpy as np
import pandas as pd

from upsampling_artifacts.report.numbers import duration, number

SPLITS = {
    "train": "training",
    "valid": "validation",
    "test": "test",
    "excerpt": "real excerpt, listed apart",
}


def data_set(manifest: pd.DataFrame, sources: list[str]) -> dict[str, object]:
    """The manifest's summary, and its songs one by one.

    The excerpt of a real song, which counts in no mean elsewhere, counts in none here.

    Args:
        manifest: The columns of ``manifest.csv``.
        sources: The sources, in order.

    Returns:
        ``splits`` (``{"name", "songs", "length"}``), ``stems`` (a row for the mixture and each
        source, as text), ``residual`` (of the songs: ``n``, in how many there is none, ``exact``,
        ``median``, ``worst`` and its ``song``; of the ``excerpt``), ``trimmed`` (``{"song",
        "milliseconds"}``, those trimmed most first), ``rates_khz``, and ``songs``, the rows of the
        long table.
    """
    stems = ["mixture", *sources]
    mixtures = manifest[manifest["source"] == "mixture"]
    counted = manifest[manifest["split"] != "excerpt"]
    return {
        "splits": [
            {"name": name, "songs": len(of), "length": duration(of["seconds"].sum())}
            for split, name in SPLITS.items()
            if len(of := mixtures[mixtures["split"] == split])
        ],
        "stems": [_stem(counted[counted["source"] == stem], stem) for stem in stems],
        "residual": _residual(mixtures),
        "trimmed": _trimmed(manifest),
        "rates_khz": [f"{rate / 1000:g}" for rate in sorted(counted["rate_hz"].unique())],
        "songs": _songs(manifest, stems),
    }


def _stem(rows: pd.DataFrame, stem: str) -> dict[str, str]:
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


def _residual(mixtures: pd.DataFrame) -> dict[str, object]:
    is_excerpt = mixtures["split"] == "excerpt"
    known = mixtures[~is_excerpt].sort_values("residual_db", na_position="first")
    worst = known.iloc[-1]
    return {
        "n": len(known),
        "exact": int(np.isneginf(known["residual_db"]).sum()),
        "median": _decibels(known["residual_db"].quantile(interpolation="higher")),
        "worst": _decibels(worst["residual_db"]),
        "song": worst["song"],
        "excerpt": "".join(map(_decibels, mixtures.loc[is_excerpt, "residual_db"])),
    }


def _decibels(value: float) -> str:
    return "nothing" if np.isneginf(value) else number(value, 1, "dB")


def _trimmed(manifest: pd.DataFrame) -> list[dict[str, object]]:
    by_song = manifest.assign(
        milliseconds=1000 * manifest["trimmed_samples"] / manifest["rate_hz"]
    ).groupby("song", sort=False)["milliseconds"]
    most = by_song.max().sort_values(ascending=False)
    return [{"song": song, "milliseconds": number(ms, 1)} for song, ms in most[most > 0].items()]


def _songs(manifest: pd.DataFrame, stems: list[str]) -> list[dict[str, object]]:
    rows = []
    for (song, split), of in manifest.groupby(["song", "split"], sort=False):
        of = of.set_index("source")
        mixture = of.loc["mixture"]
        silent = of["silent_seconds"]
        rows.append(
            {
                "name": song,
                "split": split,
                "length": duration(mixture["seconds"]),
                "residual": _decibels(mixture["residual_db"]),
                "levels": [
                    _decibels(of.loc[stem, "level_db"]).removesuffix(" dB") for stem in stems
                ],
                "silent": ", ".join(f"{n} s {stem}" for stem, n in silent[silent > 0].items()),
            }
        )
    return rows
