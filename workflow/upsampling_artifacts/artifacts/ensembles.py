"""Periodic patterns in an ensemble of noise-like signals: in their mean, and in their power.

A cyclostationary signal has statistics that repeat (Gardner, Napolitano & Paura 2006,
"Cyclostationarity: half a century of research"). Of first order, its mean repeats: the signal has
tones. Of second order, its power repeats: some samples are louder than their neighbors, without any
tone. Both are read from the spectral lines of an average over examples that share one time axis.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from upsampling_artifacts.artifacts.chance import chances, control_frequencies_hz
from upsampling_artifacts.artifacts.lines import line_resolution_hz, measure_lines


def mean_pattern(examples: np.ndarray) -> np.ndarray:
    """The mean over examples, re their RMS.

    Args:
        examples: ``(example, time)``.

    Returns:
        ``(1, time)``.

    Example:
        >>> mean_pattern(np.array([[3.0, 1.0], [3.0, -1.0]])).round(3).tolist()
        [[1.342, 0.0]]
    """
    return examples.mean(axis=0, keepdims=True) / np.sqrt(np.mean(examples**2))


def power_pattern(examples: np.ndarray) -> np.ndarray:
    """The mean square over examples, re the mean square of all, and re that of the first sample.

    Args:
        examples: ``(example, time)``.

    Returns:
        ``(1, time)``; exactly zero if all magnitudes are equal.

    Example:
        >>> power_pattern(np.array([[1.0, 3.0], [-1.0, -3.0]])).tolist()
        [[0.0, 1.6]]
    """
    power = np.mean(examples**2, axis=0, keepdims=True)
    return (power - power[:, :1]) / power.mean()


def measure_pattern(
    pattern: np.ndarray, rate_hz: float, frequencies_hz: np.ndarray, strides: Sequence[int]
) -> dict[str, list[float]]:
    """Measure the lines of a pattern, and compare them with control frequencies.

    Args:
        pattern: ``(1, time)``, from :func:`mean_pattern` or :func:`power_pattern`.
        rate_hz: Sampling rate.
        frequencies_hz: ``(frequency,)``, where lines are predicted.
        strides: Controls keep clear of multiples of ``rate / stride``.

    Returns:
        ``level`` in dB, ``prominence`` in dB and ``chance`` (1; see :func:`chance.chances`), one
        value per frequency. A pattern that is exactly zero has no prominence and no chance (NaN).

    Example:
        >>> pattern = 0.1 * np.tile([1.0, -1.0, 1.0, -1.0], 2000)[None]
        >>> measures = measure_pattern(pattern, 8000, np.array([4000.0]), strides=[4])
        >>> round(measures["level"][0], 2), measures["chance"][0] < 0.02
        (-20.0, True)
    """
    resolution_hz = line_resolution_hz(pattern.shape[-1], rate_hz)
    controls_hz = control_frequencies_hz(rate_hz, strides, resolution_hz)
    lines = measure_lines(pattern, rate_hz, [*frequencies_hz, *controls_hz])
    tones, controls = lines[: len(frequencies_hz)], lines[len(frequencies_hz) :]
    prominences_db = [line.prominence_db for line in tones]
    return {
        "level": [line.level_db for line in tones],
        "prominence": prominences_db,
        "chance": chances(
            frequencies_hz,
            prominences_db,
            controls_hz,
            [line.prominence_db for line in controls],
            rate_hz,
        ),
    }
