"""Means of independent runs with confidence intervals."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

ERROR_RATE = 0.05
"""Probability of an interval, or of any interval of a family, that misses the true value."""


def side_of(threshold: float, low: float, high: float, runs: npt.ArrayLike) -> int:
    """On which side of a threshold a mean is, as far as its interval can tell.

    Args:
        threshold: The threshold.
        low: Lower end of the mean's interval; NaN without one.
        high: Upper end.
        runs: The values of the runs. They decide if there is no interval (of a single run, or of
            infinite levels): all must be on one side. A run that is NaN is on neither.

    Returns:
        1 if the whole interval is above, -1 if it is below, else 0.

    Example:
        >>> side_of(0.0, 1.0, 3.0, [2.0]), side_of(0.0, -1.0, 3.0, [1.0])
        (1, 0)
        >>> side_of(0.0, np.nan, np.nan, [4.0, 5.0]), side_of(0.0, np.nan, np.nan, [-np.inf, 5.0])
        (1, 0)
    """
    has_interval = not (np.isnan(low) or np.isnan(high))
    lowest, highest = (low, high) if has_interval else (np.min(runs), np.max(runs))
    return int(lowest > threshold) - int(highest < threshold)


def mean_interval(values: np.ndarray, confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean of a few independent runs with its Student t interval.

    With three seeds the t quantile is 4.3, so the interval is wide, as it should be.

    Args:
        values: ``(runs,)``, one number per run.
        confidence: Coverage of the interval for normally distributed runs.

    Returns:
        ``(mean, low, high)``. The interval of a single value is NaN, and so is that of values of
        which one is infinite; without values, the mean is NaN, too.

    Example:
        >>> mean, low, high = mean_interval(np.array([4.0, 5.0, 6.0]))
        >>> round(low, 2), mean, round(high, 2)
        (2.52, 5.0, 7.48)
    """
    values = np.asarray(values, dtype=float)
    if len(values) == 0:
        return float("nan"), float("nan"), float("nan")
    mean = float(values.mean())
    if len(values) == 1:
        return mean, float("nan"), float("nan")
    quantile = stats.t.ppf((1 + confidence) / 2, len(values) - 1)
    with np.errstate(invalid="ignore"):  # an infinite level, of an exact zero, has no interval
        half = float(quantile * values.std(ddof=1) / np.sqrt(len(values)))
    return mean, mean - half, mean + half


def crossed_mean_interval(
    values: np.ndarray, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Mean of a table of two crossed random factors, such as seeds and songs, with its interval.

    The values are ``mean + row effect + column effect + rest``. The half-widths of the Student t
    intervals of the row means and of the column means are added in quadrature. For independent
    variance estimates, as those of row and column means are in a complete table of normal effects,
    the interval covers the mean at least as often as it claims (Banerjee 1960, Sankhya 22,
    357-358). The rest contributes to both half-widths, which makes it a little wider still.

    Simulated coverage of nominal 95 % intervals, for effects and rest of several sizes: 98 to 100 %
    for 3 x 3 values, 96 to 99 % for 3 x 50. The bootstrap that resamples rows and columns
    independently reaches 79 to 96 % and 77 to 98 %. docs/design.md has the table.

    Args:
        values: ``(rows, columns)``, without missing values.
        confidence: Smallest coverage of the interval for normally distributed effects.

    Returns:
        ``(mean, low, high)``. With a single row, the interval is that over columns only, and says
        nothing about other rows; likewise with a single column. NaN for a single value.

    Example:
        Half the width of the rows' interval is 0.4, that of the columns' 0.3:

        >>> rows, columns = np.array([[-1.0], [0.0], [1.0]]), np.array([[-1.0, 0.0, 1.0]])
        >>> t = stats.t.ppf(0.975, 2) / np.sqrt(3)
        >>> mean, low, high = crossed_mean_interval(5 + (0.4 * rows + 0.3 * columns) / t)
        >>> round(low, 3), round(mean, 3), round(high, 3)
        (4.5, 5.0, 5.5)
    """
    mean = float(np.mean(values))
    means = [values.mean(axis=axis) for axis in (0, 1) if values.shape[1 - axis] > 1]
    if not means:
        return mean, float("nan"), float("nan")
    half = float(np.hypot.reduce([mean_interval(m, confidence)[2] - mean for m in means]))
    return mean, mean - half, mean + half


def crossed_p_value(values: np.ndarray) -> float:
    """The error rate of the :func:`crossed_mean_interval` that just reaches zero.

    Args:
        values: ``(rows, columns)``, without missing values.

    Returns:
        The two-sided p-value of a mean of zero, at least 1e-9; NaN without an interval.

    Example:
        >>> values = np.array([[4.0], [5.0], [6.0]])
        >>> p = crossed_p_value(values)
        >>> low = crossed_mean_interval(values, confidence=1 - p)[1]
        >>> round(p, 4), round(abs(low), 9)
        (0.0131, 0.0)
    """
    mean, low, _ = crossed_mean_interval(values)
    if np.isnan(low):
        return float("nan")
    smallest = 1e-9

    def distance(log_rate: float) -> float:
        _, low, high = crossed_mean_interval(values, 1 - np.exp(log_rate))
        return low if mean > 0 else -high

    # At an error rate of one, the interval is the mean alone.
    bounds = np.log(smallest), 0.0
    if distance(bounds[0]) >= 0:
        return smallest
    return float(np.exp(optimize.brentq(distance, *bounds))) if mean else 1.0


def false_discoveries_controlled(p_values: npt.ArrayLike) -> np.ndarray:
    """Which of several findings can be reported if 5 % of those reported may be false.

    Benjamini & Hochberg 1995, J. R. Stat. Soc. B 57, 289-300; from scipy. It holds for independent
    findings and for many positively dependent ones.

    Args:
        p_values: ``(findings,)``; a NaN is not tested.

    Returns:
        ``(findings,)``, true where a finding can be reported.

    Example:
        >>> false_discoveries_controlled([0.001, np.nan, 0.04, 0.045]).tolist()
        [True, False, True, True]
        >>> false_discoveries_controlled([0.02, 0.04, 0.6]).tolist()
        [False, False, False]
    """
    p_values = np.asarray(p_values, dtype=float)
    reported = np.zeros(len(p_values), dtype=bool)
    tested = np.isfinite(p_values)
    if tested.any():
        reported[tested] = stats.false_discovery_control(p_values[tested]) <= ERROR_RATE
    return reported
