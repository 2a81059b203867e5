"""Tonal artifacts: lines at multiples of one spacing, fitted and tested as one comb.

A layer of period ``P`` puts tones at all multiples of rate / P; a source puts harmonics at all
multiples of its frequency. Many lines on one grid are better evidence than each of them alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

MAX_PERIOD = 2048
MIN_LINES = 3
MIN_TOLERANCES = 8
"""A spacing is at least this many tolerances wide: closer lines fit by chance."""

MAX_FUNDAMENTALS, MAX_MULTIPLE = 12, 20
"""The loudest lines are tried as the 1st to 20th multiples of a spacing."""

CHANCE = 0.001
"""Combs that more than one in a thousand signals with random lines would have are none."""


@dataclass(frozen=True)
class Comb:
    """Lines at multiples of one spacing.

    Attributes:
        spacing_hz: The spacing.
        period: rate / spacing, if that is an integer; None for the harmonics of a source.
        multiples: Which multiples of the spacing are there.
        chance: Probability that as many random lines fit any of the spacings that were tried.
    """

    spacing_hz: float
    period: int | None
    multiples: tuple[int, ...]
    chance: float


def find_combs(
    frequencies_hz: np.ndarray,
    levels_db: np.ndarray,
    rate_hz: float,
    periods: Sequence[int] | None = None,
    tolerance_hz: float = 0.5,
) -> list[Comb]:
    """Find the combs among some lines, the most certain first. Each line is in one of them.

    Args:
        frequencies_hz: ``(line,)``.
        levels_db: ``(line,)``.
        rate_hz: Sampling rate.
        periods: The periods that are tried, in samples; None: all up to :data:`MAX_PERIOD`.
        tolerance_hz: Measurement error of the frequencies.

    Returns:
        The combs.

    >>> frequencies_hz = np.array([125.0, 375.0, 500.0, 625.0, 1234.0, 2000.0])
    >>> [comb] = find_combs(frequencies_hz, np.zeros(6), rate_hz=8000, tolerance_hz=0.1)
    >>> comb.period, comb.multiples
    (64, (1, 3, 4, 5, 16))
    """
    left, order, combs = np.asarray(frequencies_hz, float), np.argsort(-np.asarray(levels_db)), []
    left = left[order]
    while len(left) >= MIN_LINES:
        comb = _best(left, rate_hz, periods, tolerance_hz)
        if comb is None:
            break
        combs.append(comb)
        left = left[_multiples(left, comb.spacing_hz, tolerance_hz) == 0]
    return combs


def _best(
    frequencies_hz: np.ndarray,
    rate_hz: float,
    periods: Sequence[int] | None,
    tolerance_hz: float,
) -> Comb | None:
    """The least likely comb, of lines from the loudest to the weakest."""
    of_rate = rate_hz / np.array(periods if periods is not None else range(2, MAX_PERIOD + 1))
    multiples = np.arange(1, MAX_MULTIPLE + 1)
    of_lines = (frequencies_hz[:MAX_FUNDAMENTALS, None] / multiples).ravel()
    spacings_hz = np.concatenate([of_rate, of_lines])
    n_given = np.repeat([0, 1], [len(of_rate), len(of_lines)])  # a line fits its own spacing
    is_wide = spacings_hz >= MIN_TOLERANCES * tolerance_hz
    spacings_hz, n_given = spacings_hz[is_wide], n_given[is_wide]
    if not len(spacings_hz):
        return None
    n_fit = np.array([np.count_nonzero(_multiples(frequencies_hz, s, tolerance_hz))
                      for s in spacings_hz])  # fmt: skip
    share = np.minimum(1.0, 2 * tolerance_hz / spacings_hz)
    log_chance = binom.logsf(n_fit - n_given - 1, len(frequencies_hz) - n_given, share)
    log_chance = np.where(n_fit >= MIN_LINES, log_chance + np.log(len(spacings_hz)), 0.0)
    best = int(np.argmin(log_chance))
    if log_chance[best] >= np.log(CHANCE):
        return None
    found = _multiples(frequencies_hz, spacings_hz[best], tolerance_hz)
    orders = found[found > 0]
    spacing_hz = float(orders @ frequencies_hz[found > 0] / (orders @ orders))
    period = _period(spacing_hz, rate_hz, tolerance_hz / orders.max())
    return Comb(
        rate_hz / period if period else spacing_hz,
        period,
        tuple(sorted(set(orders.tolist()))),
        float(np.exp(log_chance[best])),
    )


def _multiples(frequencies_hz: np.ndarray, spacing_hz: float, tolerance_hz: float) -> np.ndarray:
    """Which multiple of the spacing each line is; 0 if none."""
    multiples = np.round(frequencies_hz / spacing_hz).astype(int)
    return np.where(np.abs(frequencies_hz - multiples * spacing_hz) <= tolerance_hz, multiples, 0)


def _period(spacing_hz: float, rate_hz: float, tolerance_hz: float) -> int | None:
    """The integer period of a spacing, if there is one and the spacing is known well enough."""
    period = round(rate_hz / spacing_hz)
    is_near = abs(spacing_hz - rate_hz / period) <= tolerance_hz
    return period if is_near and period <= MAX_PERIOD else None
