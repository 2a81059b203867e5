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
