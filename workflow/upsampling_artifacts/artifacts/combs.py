"""Combs: lines at multiples of one spacing, fitted and tested together.

A layer of period n puts lines at all multiples of rate / n (paper, sections 2, 4 and 5), and a
voiced source at all multiples of its pitch. Thirty lines are one finding, and stronger evidence
than each alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom

LONGEST_PERIOD = 2048
"""The longest hop in use, in samples."""

MAX_CHANCE = 1e-3
"""A comb that unrelated lines would make more often than this is none."""

STRONGEST = 40
"""The spacing of a comb whose period is no whole number is guessed from this many lines."""

LOWEST_MULTIPLES = 4
"""A line may be any of the first multiples of such a spacing."""


@dataclass(frozen=True)
class Comb:
    """Lines at multiples of one spacing.

    Attributes:
        spacing_hz: The spacing: rate / period, or fitted by least squares.
        period: The period in samples; None if it is no whole number, as for a source's harmonics.
        lines: Indices of the lines, in ascending order of their frequency.
        multiples: For each of them, the multiple of the spacing.
        chance: The probability that as many of the given lines fit some spacing by chance, at
            most 1.
    """

    spacing_hz: float
    period: int | None
    lines: tuple[int, ...]
    multiples: tuple[int, ...]
    chance: float


def find_combs(
    frequencies_hz: ArrayLike,
    levels_db: ArrayLike,
    rate_hz: float,
    periods: Sequence[int] | None = None,
    tolerance_hz: float = 1.0,
) -> list[Comb]:
    """Divide lines into combs; lines that fit none are left over.

    For each spacing ``s``, the lines within the tolerance of a multiple are counted. Of ``n`` lines
    that have nothing to do with it, each is as near with probability ``q = 2 tolerance / s``, so
    the count is binomial. The spacing whose count is the least likely is a comb, if that
    probability times the number of spacings tried (Bonferroni) is at most ``MAX_CHANCE``; its
    lines are removed, and the rest is searched again. Half the spacing fits the same lines, but
    with twice the ``q``: of all combs that fit the same lines, the one with the largest spacing is
    found.

    Whole periods come first: the spacing rate / n is one of n so far. Other spacings are guessed
    from the strongest lines and their differences, and refined by least squares.

    Args:
        frequencies_hz: ``(line,)``, measured frequencies.
        levels_db: ``(line,)``, their levels.
        rate_hz: Sampling rate.
        periods: The only periods to try, in samples; None for all whole ones up to
            ``LONGEST_PERIOD``, and spacings of any other kind.
        tolerance_hz: Largest error of a measured frequency.

    Returns:
        The combs, of at least two lines each, the least likely first.

    Example:
        >>> hop = [44100 / 256 * multiple for multiple in range(1, 60)]
        >>> voice = [221.3 * multiple for multiple in range(1, 20)]
        >>> combs = find_combs([*hop, *voice, 1234.5], np.zeros(79), 44100)
        >>> [(round(comb.spacing_hz, 2), comb.period, len(comb.lines)) for comb in combs]
        [(172.27, 256, 59), (221.3, None, 19)]
    """
    frequencies = np.asarray(frequencies_hz, dtype=float)
    levels = np.asarray(levels_db, dtype=float)
    left = np.argsort(frequencies, kind="stable")
    combs: list[Comb] = []
    while len(left) > 1:
        comb = _best_comb(left, frequencies, levels, rate_hz, periods, tolerance_hz)
        if comb is None:
            break
        combs.append(comb)
        left = left[~np.isin(left, comb.lines)]
    return combs


def _best_comb(
    left: np.ndarray,
    all_frequencies: np.ndarray,
    all_levels: np.ndarray,
    rate_hz: float,
    periods: Sequence[int] | None,
    tolerance_hz: float,
) -> Comb | None:
    """The least likely comb of the lines that are left; None if chance can make it."""
    frequencies, levels = all_frequencies[left], all_levels[left]
    whole = np.array(range(2, LONGEST_PERIOD + 1) if periods is None else sorted(set(periods)))
    chances = [_chances(frequencies, rate_hz / whole, tolerance_hz) * np.arange(1, len(whole) + 1)]
    spacings = [rate_hz / whole]
    if periods is None:
        free = _free_spacings(frequencies, levels, tolerance_hz)
        spacings.append(free)
        chances.append(_chances(frequencies, free, tolerance_hz) * (len(whole) + len(free)))
    every, chance = np.concatenate(spacings), np.concatenate(chances)
    best = int(chance.argmin()) if len(chance) else -1
    if best < 0 or chance[best] > MAX_CHANCE:
        return None
    multiples = np.round(frequencies / every[best]).astype(int)
    fits = _fits(frequencies, every[best : best + 1], tolerance_hz)[0]
    if fits.sum() < 2:
        return None
    return Comb(
        float(every[best]),
        int(whole[best]) if best < len(whole) else None,
        tuple(left[fits].tolist()),
        tuple(multiples[fits].tolist()),
        float(min(1.0, chance[best])),
    )


def _fits(frequencies: np.ndarray, spacings: np.ndarray, tolerance_hz: float) -> np.ndarray:
    """Which lines are near a multiple of each spacing: ``(spacing, line)``."""
    multiples = np.round(frequencies / spacings[:, None])
    distance = np.abs(frequencies - multiples * spacings[:, None])
    return (distance <= tolerance_hz) & (multiples >= 1)


def _chances(frequencies: np.ndarray, spacings: np.ndarray, tolerance_hz: float) -> np.ndarray:
    """For each spacing, the probability that as many unrelated lines fit it."""
    counts = _fits(frequencies, spacings, tolerance_hz).sum(axis=1)
    near = np.minimum(1.0, 2 * tolerance_hz / spacings)
    return np.asarray(binom.sf(counts - 1, len(frequencies), near))


def _free_spacings(frequencies: np.ndarray, levels: np.ndarray, tolerance_hz: float) -> np.ndarray:
    """Spacings that two of the strongest lines suggest, refined by all lines that fit."""
    strongest = frequencies[np.argsort(-levels, kind="stable")[:STRONGEST]]
    differences = np.abs(strongest[:, None] - strongest)[np.triu_indices(len(strongest), 1)]
    fractions = strongest[:, None] / np.arange(1, LOWEST_MULTIPLES + 1)
    guesses = np.unique(np.concatenate([differences, fractions.ravel()]).round(6))
    guesses = guesses[guesses > 4 * tolerance_hz]
    for _ in range(2):  # a better spacing reaches higher multiples
        guesses = _refined(frequencies, guesses, tolerance_hz)
    return guesses


def _refined(frequencies: np.ndarray, spacings: np.ndarray, tolerance_hz: float) -> np.ndarray:
    """The least-squares spacings, multiple by multiple from the lowest.

    A guess whose error is e misses the multiple m by m e. So lines are taken in ascending order,
    while they fit the spacing of those before.
    """
    sums = np.zeros((2, len(spacings)))
    for frequency in np.sort(frequencies):
        multiples = np.round(frequency / spacings)
        near = (np.abs(frequency - multiples * spacings) <= tolerance_hz) & (multiples >= 1)
        sums += near * np.stack([multiples * frequency, multiples**2])
        spacings = np.where(near, sums[0] / np.maximum(sums[1], 1), spacings)
    return spacings
