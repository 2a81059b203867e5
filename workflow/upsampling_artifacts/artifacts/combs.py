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

LONGEST_PERIOD = 2048
"""The longest hop in use, in samples."""

MAX_CHANCE = 1e-3
"""A comb that unrelated lines would make more often than this is none."""

LOWEST_SOURCE_HZ = 40.0
"""Lowest pitch: below, ``find_lines`` sees no line."""

MIN_TONES = 2
MIN_HARMONICS = 3
"""Any two lines are multiples of some spacing, but seldom of a whole period."""

ANCHORS, SCREENING_LINES, GUESSES = 16, 64, 16
"""A spacing of no whole period is guessed: some lines are multiples of it. The guesses that fit the
strongest lines best are fitted to all."""

BLOCK = 256
"""Spacings that are tried at a time: their arrays stay in the cache."""


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
    that have nothing to do with it, each is as near with probability ``q = 2 tolerance / s``, and
    as many as ``k`` with ``exp(-n D(k / n || q))`` at most: Chernoff's bound of the binomial tail,
    with ``D`` the relative entropy. That times the number of spacings tried is the chance. The
    comb of the smallest chance is taken, its lines are removed, and the rest is searched again.
    Half the spacing fits the same lines, but with twice the ``q``: of all combs that fit the same
    lines, the one with the largest spacing is found.

    Args:
        frequencies_hz: ``(line,)``, measured frequencies.
        levels_db: ``(line,)``, their levels. The frequency of a stronger line counts for more.
        rate_hz: Sampling rate.
        periods: The only periods to try, in samples; None for all whole ones up to
            ``LONGEST_PERIOD``, and spacings of any other kind.
        tolerance_hz: Largest error of a measured frequency.

    Returns:
        The combs, of at least two lines each (three without a whole period), the least likely
        first.

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
    while len(left) >= MIN_TONES:
        found = [_best_period(frequencies[left], rate_hz, periods, tolerance_hz)]
        if periods is None:
            found.append(_best_source(frequencies[left], levels[left], tolerance_hz))
        log_chance, spacing, period = min(found, key=lambda candidate: candidate[0])
        multiples = _multiples(frequencies[left], np.array([spacing]), tolerance_hz)[0]
        least = MIN_TONES if period else MIN_HARMONICS
        if log_chance > np.log(MAX_CHANCE) or len(set(multiples) - {0}) < least:
            break
        combs.append(
            Comb(
                spacing,
                period,
                tuple(left[multiples > 0].tolist()),
                tuple(multiples[multiples > 0].tolist()),
                float(np.exp(log_chance)),
            )
        )
        left = left[multiples == 0]
    return combs


def _best_period(
    frequencies: np.ndarray, rate_hz: float, periods: Sequence[int] | None, tolerance_hz: float
) -> tuple[float, float, int | None]:
    """Log chance, spacing and period of the least likely comb of a whole period."""
    whole = np.arange(2, LONGEST_PERIOD + 1) if periods is None else np.unique(periods)
    if not len(whole):
        return 0.0, rate_hz, None
    # Few layers have long periods: a period n is taken as 1 / n as likely. The shares add up to 1.
    share = 1 / whole / np.sum(1 / whole)
    spacings = rate_hz / whole
    logs = _log_tails(frequencies, spacings, tolerance_hz) - np.log(share)
    best = int(logs.argmin())
    return float(logs[best]), float(spacings[best]), int(whole[best])


def _best_source(
    frequencies: np.ndarray, levels: np.ndarray, tolerance_hz: float
) -> tuple[float, float, int | None]:
    """Log chance and spacing of the least likely comb of any spacing."""
    highest = float(frequencies.max())
    if len(frequencies) < MIN_HARMONICS or highest < 2 * LOWEST_SOURCE_HZ:
        return 0.0, highest, None
    guesses = _guesses(frequencies, levels, tolerance_hz)
    spacings = np.array([_refined(frequencies, levels, s, tolerance_hz) for s in guesses])
    # Two spacings differ if they move the highest line by more than the tolerance t: by t s / f.
    tried = highest / tolerance_hz * np.log(highest / LOWEST_SOURCE_HZ)
    logs = _log_tails(frequencies, spacings, tolerance_hz) + np.log(tried)
    best = int(logs.argmin())
    return float(logs[best]), float(spacings[best]), None


def _guesses(frequencies: np.ndarray, levels: np.ndarray, tolerance_hz: float) -> np.ndarray:
    """Spacings of which a strong or a high line is a multiple, those that fit strong lines best."""
    strongest = frequencies[np.argsort(-levels, kind="stable")]
    anchors = np.unique(np.concatenate([strongest[:ANCHORS], np.sort(frequencies)[-ANCHORS:]]))
    guesses = np.concatenate(
        [anchor / np.arange(1, max(1, anchor // LOWEST_SOURCE_HZ) + 1) for anchor in anchors]
    )
    # The anchor has an error, and so has the guess.
    logs = _log_tails(strongest[:SCREENING_LINES], guesses, 2 * tolerance_hz)
    return guesses[np.argsort(logs, kind="stable")[:GUESSES]]


def _refined(
    frequencies: np.ndarray, levels: np.ndarray, spacing: float, tolerance_hz: float
) -> float:
    """The spacing by weighted least squares: a line of multiple m fixes it m times as well."""
    weights = np.maximum(10 ** ((levels - levels.max()) / 20), 0.1)
    for tolerances in (2, 1):
        multiples = _multiples(frequencies, np.array([spacing]), tolerances * tolerance_hz)[0]
        if multiples.any():
            spacing = float(
                np.sum(weights * multiples * frequencies) / np.sum(weights * multiples**2)
            )
    return spacing


def _multiples(frequencies: np.ndarray, spacings: np.ndarray, tolerance_hz: float) -> np.ndarray:
    """Which multiple of each spacing a line is: ``(spacing, line)``, 0 if none."""
    ratios = frequencies / spacings[:, None]
    multiples = np.rint(ratios)
    near = np.abs(ratios - multiples) <= tolerance_hz / spacings[:, None]
    return np.where(near, multiples, 0).astype(np.int32)


def _log_tails(frequencies: np.ndarray, spacings: np.ndarray, tolerance_hz: float) -> np.ndarray:
    """For each spacing, log probability that as many unrelated lines fit it.

    The tail itself underflows from about 100 lines on, and combs could not be compared.
    """
    counts = np.concatenate(
        [
            np.count_nonzero(
                _multiples(frequencies, spacings[start : start + BLOCK], tolerance_hz), axis=1
            )
            for start in range(0, len(spacings), BLOCK)
        ]
    )
    near = np.minimum(2 * tolerance_hz / spacings, 0.5)
    share = np.maximum(counts / len(frequencies), near)
    rest = np.maximum(1 - share, np.finfo(float).tiny)
    entropy = share * np.log(share / near) + rest * np.log(rest / (1 - near))
    return np.asarray(-len(frequencies) * entropy)
