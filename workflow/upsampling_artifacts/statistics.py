"""Means with intervals."""

from __future__ import annotations

import numpy as np
from scipy import stats


def mean_interval(values: np.ndarray, confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean of a few independent runs, and Student's t interval of it.

    With three seeds the t quantile is 4.3: the interval is honestly wide. One value has no
    interval (NaN), and none has no mean either.

    Args:
        values: One number per run.
        confidence: Coverage of the interval, for normally distributed runs.

    Returns:
        ``(mean, low, high)``.
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
