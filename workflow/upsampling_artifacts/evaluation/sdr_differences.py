"""SDR of each system minus that of its reference, paired by seed and song.

A song is easy or hard for every system. Subtracting its scores song by song removes this largest
source of variation; what remains varies with the seed of the training and with the song.

The statistic is the mean over seeds and songs of the paired differences, not a difference of the
published statistic (the median over songs of each source, then the mean over sources), which Table
1 keeps. A difference of medians compares different songs if the two medians fall on different
ones, so it is not paired, and its variance has no simple estimate. The two agree if every song's
score differs by the same amount. ``difference_of_medians_db`` lists the other one for comparison
with the paper, which states no more.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from upsampling_artifacts.evaluation.sdr import MEAN, read_scores, sdr_by_source
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.statistics import ERROR_RATE, crossed_mean_interval

COLUMNS = [
    "system", "reference", "same_network", "source", "n_seeds", "n_songs",
    "difference_db", "low_db", "high_db",
    "n_comparisons", "simultaneous_low_db", "simultaneous_high_db",
    "difference_of_medians_db", "paper_difference_db", "method",
]  # fmt: skip


def sdr_differences(
    scores: pd.DataFrame,
    songs: Sequence[str],
    comparisons: Sequence[tuple[str, str, bool]],
    paper: pd.DataFrame,
) -> pd.DataFrame:
    """Compare systems with their references, source by source and in the mean over sources.

    The comparisons in one network are a family, and those between networks another; each has one
    comparison per system for the mean over sources, and one per system and source for the sources.
    The simultaneous intervals of a family all cover their true differences with a probability of
    95 % (Bonferroni: each errs with a probability of 5 % divided by the number of comparisons).

    Args:
        scores: Columns of ``scores.csv`` (:data:`scoring.COLUMNS`).
        songs: The songs to include.
        comparisons: System, reference, and whether they are the same network, as
            :func:`pipeline.selections.comparisons` returns them.
        paper: ``config/paper_table_1.csv``.

    Returns:
        The columns ``COLUMNS``, one row per system and source (``MEAN``, the mean over sources,
        first); none for a system without scores. Seeds and songs that either system lacks do not
        count, but a comparison that has none left still belongs to its family. The bounds are NaN
        with one seed and one song. With one seed, they allow for other songs only, with one song
        for other seeds only; ``method`` says so.
    """
    sdr = scores[scores["song"].isin(songs) & (scores["metric"] == "SDR")]
    medians = sdr_by_source(scores, list(songs)).pivot(
        index="seed", columns=["system", "source"], values="sdr_db"
    )
    papers = paper.set_index("system")["paper_sdr_db"]
    tables = [
        (system, reference, same_network, source, values)
        for system, reference, same_network in comparisons
        if {system, reference} <= set(sdr["system"])
        for source, values in _paired_by_source(sdr, system, reference).items()
    ]
    family_sizes = Counter((same, source == MEAN) for _, _, same, source, _ in tables)
    rows = []
    for system, reference, same_network, source, values in tables:
        if not values.size:
            continue
        n_comparisons = family_sizes[same_network, source == MEAN]
        mean, low, high = crossed_mean_interval(values, 1 - ERROR_RATE)
        _, *together = crossed_mean_interval(values, 1 - ERROR_RATE / n_comparisons)
        of_medians = (medians[system, source] - medians[reference, source]).mean()
        papers_difference = (
            papers.get(system, math.nan) - papers.get(reference, math.nan)
            if source == MEAN
            else math.nan
        )
        row = (
            system, reference, same_network, source, *values.shape, mean, low, high,
            n_comparisons, *together, of_medians, papers_difference, _method(*values.shape),
        )  # fmt: skip
        rows.append(dict(zip(COLUMNS, row, strict=True)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _paired_by_source(sdr: pd.DataFrame, system: str, reference: str) -> dict[str, np.ndarray]:
    """Differences ``(seeds, songs)`` of each source and of the mean over sources."""
    one, other = (
        sdr[sdr["system"] == name].pivot(
            index=["seed", "song"], columns="source", values="value_db"
        )
        for name in (system, reference)
    )
    differences = one - other
    differences.insert(0, MEAN, differences.mean(axis=1, skipna=False))
    return {
        str(source): values.unstack("song").dropna(how="all").dropna(axis=1).to_numpy()
        for source, values in differences.items()
    }


def _method(n_seeds: int, n_songs: int) -> str:
    if n_seeds > 1 and n_songs > 1:
        return "Student t over seeds and over songs, in quadrature"
    if n_songs > 1:
        return "Student t over songs; one seed"
    if n_seeds > 1:
        return "Student t over seeds; one song"
    return "no interval: one seed and one song"


def write_sdr_differences(
    scores_path: str | Path,
    paper_path: str | Path,
    csv_path: str | Path,
    songs: Sequence[str],
    comparisons: Sequence[tuple[str, str, bool]],
) -> None:
    """Write ``sdr_differences.csv`` from files; see :func:`sdr_differences`.

    Args:
        scores_path: ``scores.csv``.
        paper_path: ``config/paper_table_1.csv``.
        csv_path: File to write.
        songs: The songs to include.
        comparisons: As for :func:`sdr_differences`.
    """
    table = sdr_differences(read_scores(scores_path), songs, comparisons, pd.read_csv(paper_path))
    with atomic_write(csv_path) as unfinished:
        table.to_csv(unfinished, index=False, float_format="%.4f")
