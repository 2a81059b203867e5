"""Means of independent runs with confidence intervals."""

from __future__ import annotations

import numpy as np
from scipy import stats


def mean_interval(values: np.ndarray, confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean of a few independent runs with its Student t interval.

    With three seeds the t quantile is 4.3, so the interval is wide, as it should be.

    Args:
        values: ``(runs,)``, one number per run.
        confidence: Coverage of the interval for normally distributed runs.

    Returns:
        ``(mean, low, high)``. The interval of a single value is NaN; without values, the mean is
        NaN, too.

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
    half = float(quantile * values.std(ddof=1) / np.sqrt(len(values)))
    return mean, mean - half, mean + half


def crossed_mean_interval(
    values: np.ndarray, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Mean of a table of two crossed random factors, such as seeds and songs, with its interval.

    The values are ``mean + row effect + column effect + rest``. The half-widths of the Student t
    intervals of the row means and of the column means are added in quadrature. For two independent
    variance estimates, as those of row and column means are in a balanced table, this interval
    covers the mean at least as often as it claims (Banerjee 1960, Sankhya 22, 357-358). The rest
    contributes to both half-widths, which makes the interval a little wider than it has to be.

    Coverage in percent of nominal 95 % intervals, for a mean difference with standard deviations
    of (row, column, rest) in dB, 20,000 tables each. Percentile: the bootstrap that resamples rows
    and columns independently. Welch: the variances added, with Welch's degrees of freedom.

    ================  ========  ======  ==========  ======  ======  ======
    effects           this function     percentile          Welch
    ----------------  ----------------  ------------------  --------------
    rows x columns    3 x 3     3 x 50  3 x 3       3 x 50  3 x 3   3 x 50
    ================  ========  ======  ==========  ======  ======  ======
    0.2, 0.05, 0.1    98.1      95.1    80.6        75.0    95.6    93.8
    0.2, 0.25, 0.2    98.9      96.2    85.2        79.8    96.9    92.7
    0.05, 0.3, 0.1    97.2      98.0    78.2        92.7    94.4    95.3
    0.05, 0.05, 0.3   99.6      98.5    95.2        95.5    98.7    96.2
    ================  ========  ======  ==========  ======  ======  ======

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
