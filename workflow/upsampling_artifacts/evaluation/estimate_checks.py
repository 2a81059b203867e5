"""Checks of estimates before they are scored: what museval cannot score, and what only looks bad.

The references are the same for all systems, so whatever is wrong here is wrong with one system. It
loses its scores of the song, and no other system does. What is wrong is one line, a remark, in a
text file beside museval's JSON file, and from there in ``scores.csv``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.signal import correlate

from upsampling_artifacts.files import atomic_write

EXACT_DB = 300.0
"""Score of what is exact. Rounding in 64 bits limits museval's finite ratios to about 310 dB."""

EXPLAINED_DB = 3.0
"""Another order of the sources, or another delay, must explain the estimates better by this. An
estimate that is merely bad is explained by none: 0 dB."""

MAX_DELAY_SECONDS = 0.1

REMARK_COLUMNS = ["system", "seed", "song", "remark"]


def why_not_scored(estimates: np.ndarray, sources: Sequence[str], rate_hz: int) -> str:
    """Why museval cannot score the estimates of a song; empty if it can.

    Args:
        estimates: ``(sources, time, channels)``.
        sources: Names of the sources.
        rate_hz: Sampling rate.

    Returns:
        One line about the first estimate that is infinite or not a number anywhere, or silent
        throughout. To museval, an estimate is silent if its channels add up to zero.
    """
    for source, estimate in zip(sources, estimates, strict=True):
        faulty = ~np.isfinite(estimate).all(axis=-1)
        if faulty.any():
            seconds = int(np.argmax(faulty)) / rate_hz
            return f"the estimate of {source} is infinite or not a number at {seconds:.3f} s"
        if not estimate.sum(axis=-1).any():
            return f"the estimate of {source} is silent"
    return ""


def suspicion(
    estimates: np.ndarray, references: np.ndarray, sources: Sequence[str], rate_hz: int
) -> str:
    """Whether estimates are in another order, or delayed: that looks like bad separation.

    Both are judged by the power of the estimates that a scaled reference leaves unexplained, which
    does not depend on their levels.

    Args:
        estimates: ``(sources, time, channels)``, finite and not silent.
        references: Of the same shape; they add up to the mixture of these sources.
        sources: Names of the sources.
        rate_hz: Sampling rate.

    Returns:
        One line; empty if the estimates are in order.
    """
    ours, theirs = estimates.mean(axis=-1), references.mean(axis=-1)
    order = best_order(ours, theirs)
    if moved := [index for index, place in enumerate(order) if index != place]:
        pairs = ", ".join(f"{sources[i]} holds {sources[order[i]]}" for i in moved)
        return f"estimates look exchanged: {pairs}"
    delay = delay_of_sum(ours, theirs, round(MAX_DELAY_SECONDS * rate_hz))
    if delay:
        direction = "late" if delay > 0 else "early"
        samples = "sample" if abs(delay) == 1 else "samples"
        return f"estimates are {abs(delay)} {samples} {direction}: their sum is the mixture then"
    return ""


def best_order(estimates: np.ndarray, references: np.ndarray) -> list[int]:
    """For each estimate, the reference that it is an estimate of.

    Args:
        estimates: ``(sources, time)``.
        references: ``(sources, time)``.

    Returns:
        The order in which the references explain the estimates best; the given order unless every
        estimate that moves is explained better by :data:`EXPLAINED_DB`.
    """
    given = list(range(len(references)))
    norms = np.linalg.norm(estimates, axis=1)[:, None] * np.linalg.norm(references, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        similar = np.nan_to_num(np.abs(estimates @ references.T) / norms)
    order = [int(place) for place in linear_sum_assignment(-similar)[1]]
    is_better = all(
        _gain_db(similar[i, i], similar[i, place]) >= EXPLAINED_DB
        for i, place in enumerate(order)
        if i != place
    )
    return order if is_better else given


def delay_of_sum(estimates: np.ndarray, references: np.ndarray, max_delay: int) -> int:
    """By how many samples the sum of the estimates is later than the sum of the references.

    Args:
        estimates: ``(sources, time)``.
        references: ``(sources, time)``.
        max_delay: Longest delay to look for, in samples, in both directions.

    Returns:
        The delay; 0 unless it explains the sum better by :data:`EXPLAINED_DB`.
    """
    ours, theirs = estimates.sum(axis=0), references.sum(axis=0)
    norm = np.linalg.norm(ours) * np.linalg.norm(theirs)
    if norm == 0:
        return 0
    zero = len(theirs) - 1
    reach = min(max_delay, zero)
    similar = correlate(ours, theirs, method="fft")[zero - reach : zero + reach + 1] / norm
    best = int(np.argmax(np.abs(similar)))
    gain_db = _gain_db(abs(similar[reach]), abs(similar[best]))
    return best - reach if gain_db >= EXPLAINED_DB else 0


def _gain_db(similarity: float, other: float) -> float:
    """How much less power the second of two correlation coefficients leaves unexplained."""
    smallest = float(np.finfo(np.float32).eps)
    before, after = (max(1 - float(value) ** 2, smallest) for value in (similarity, other))
    return 10 * math.log10(before / after)


def no_scores(n_sources: int, n_samples: int, rate_hz: int) -> tuple[np.ndarray, ...]:
    """Scores of a song that cannot be scored: NaN in every frame of one second.

    Returns:
        SDR, ISR, SIR and SAR, each ``(sources, frames)``.
    """
    from museval.metrics import Framing  # raises at import if there is no ffmpeg

    return (np.full((n_sources, Framing(rate_hz, rate_hz, n_samples).nwin), np.nan),) * 4


def limit_exact(values: np.ndarray) -> np.ndarray:
    """Limit scores to :data:`EXACT_DB`: museval's JSON files have no infinity."""
    return np.clip(values, -EXACT_DB, EXACT_DB)


def write_remark(json_path: str | Path, remark: str) -> None:
    """Write what is wrong with the estimates of a song beside its scores; nothing if nothing is.

    Args:
        json_path: The song's scores.
        remark: One line.
    """
    path = Path(json_path).with_suffix(".txt")
    path.unlink(missing_ok=True)
    if remark:
        with atomic_write(path) as unfinished:
            unfinished.write_text(remark + "\n", encoding="utf-8")


def read_remarks(folders: Sequence[str | Path]) -> pd.DataFrame:
    """Read the remarks of :func:`write_remark`.

    Args:
        folders: Paths ending in ``<system>/seed-<n>/scores``, with ``test/<song>.txt``.

    Returns:
        The columns ``REMARK_COLUMNS``, one row per run and song with a remark.
    """
    rows = [
        (
            path.parents[3].name,
            int(path.parents[2].name.removeprefix("seed-")),
            path.stem,
            path.read_text(encoding="utf-8").strip(),
        )
        for folder in folders
        for path in sorted(Path(folder, "test").glob("*.txt"))
    ]
    return pd.DataFrame(rows, columns=REMARK_COLUMNS).astype({"seed": int})
