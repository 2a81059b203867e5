"""Chance: how often a frequency where no layer puts a tone measures as much as one where it does.

Music has lines of its own, and noise has peaks. The measure of a tone is therefore compared with
the same measure at control frequencies in the same signal. Its rank among them is a permutation
p-value (Phipson & Smyth 2010): it needs no model of the signal's spectrum, only that without a tone
the frequency is like its neighbors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

CONTROLS_PER_OCTAVE = 99
"""So that the smallest chance is about 1/100."""

BY_CHANCE = 0.05
"""A tone stands out if at most this share of the control frequencies measures as much."""


def control_frequencies_hz(
    rate_hz: float, strides: Sequence[int], resolution_hz: float
) -> np.ndarray:
    """Frequencies where no upsampling layer puts a tone.

    They follow each other at a resolution or 1/99 of an octave, whichever is wider. Those closer
    than a resolution to a multiple of ``rate / stride`` are moved up, beyond it.

    Args:
        rate_hz: Sampling rate.
        strides: Products of the strides of the last upsampling layers.
        resolution_hz: Smallest distance between two frequencies that are measured separately.

    Returns:
        ``(frequency,)`` in Hz, rising, from half an octave below the lowest tone on: at least a
        resolution from each other, from the tones, from 0 Hz and from the Nyquist frequency. Empty
        without strides, or if their tones are closer than two resolutions.

    Example:
        >>> controls_hz = control_frequencies_hz(8000, strides=[4], resolution_hz=100)
        >>> controls_hz[:7].round().tolist()
        [1414.0, 1514.0, 1614.0, 1714.0, 1814.0, 2100.0, 2200.0]
    """
    spacing_hz = rate_hz / math.lcm(*strides)
    if not strides or spacing_hz < 2 * resolution_hz:
        return np.empty(0)
    controls_hz: list[float] = []
    frequency_hz = spacing_hz / math.sqrt(2)
    while True:
        above_tone_hz = frequency_hz % spacing_hz
        if above_tone_hz < resolution_hz:
            frequency_hz += resolution_hz - above_tone_hz
        elif spacing_hz - above_tone_hz < resolution_hz:
            frequency_hz += spacing_hz - above_tone_hz + resolution_hz
        if frequency_hz > rate_hz / 2 - resolution_hz:
            return np.array(controls_hz)
        controls_hz.append(frequency_hz)
        frequency_hz += max(resolution_hz, frequency_hz * (2 ** (1 / CONTROLS_PER_OCTAVE) - 1))


def chances(
    tones_hz: np.ndarray,
    values: Sequence[float] | np.ndarray,
    controls_hz: np.ndarray,
    control_values: Sequence[float] | np.ndarray,
    rate_hz: float,
) -> list[float]:
    """Probability that a frequency without a tone measures as much as each tone.

    A tone is compared with the controls of the octave around it (at the end of the spectrum, of the
    octave below the Nyquist frequency), because the treble of music is unlike its bass.

    Args:
        tones_hz: ``(tone,)``.
        values: The measure of each tone.
        controls_hz: ``(control,)``, from :func:`control_frequencies_hz`.
        control_values: The measure of each control; NaN where undefined.
        rate_hz: Sampling rate.

    Returns:
        For each tone ``(1 + controls at or above it) / (1 + controls)``. NaN if its measure is NaN
        or if there are no controls.

    Example:
        >>> chances(np.array([2000.0]), [9.0], np.arange(1500.0, 2500.0, 10), [0.0] * 100, 8000)
        [0.009900990099009901]
    """
    measured = np.asarray(control_values, dtype=np.float64)
    found = []
    for tone_hz, value in zip(tones_hz, values, strict=True):
        near = measured[in_octave(controls_hz, tone_hz, rate_hz) & ~np.isnan(measured)]
        undefined = np.isnan(value) or not len(near)
        as_high = 1 + np.sum(near >= value)
        found.append(math.nan if undefined else float(as_high / (1 + len(near))))
    return found


def excesses_db(
    tones_hz: np.ndarray,
    values_db: Sequence[float] | np.ndarray,
    controls_hz: np.ndarray,
    control_values_db: Sequence[float] | np.ndarray,
    rate_hz: float,
) -> list[float]:
    """By how much each tone exceeds all but 5 % of the control frequencies in the octave around it.

    Args:
        tones_hz: ``(tone,)``.
        values_db: The measure of each tone.
        controls_hz: ``(control,)``, from :func:`control_frequencies_hz`.
        control_values_db: The measure of each control; NaN where undefined.
        rate_hz: Sampling rate.

    Returns:
        For each tone, dB; above 0, at most 5 % of the controls measure as much. NaN if its measure
        is NaN or if there are no controls.

    Example:
        >>> excesses_db(np.array([2000.0]), [9.0], np.arange(1500.0, 2500.0, 10), [5.0] * 100, 8000)
        [4.0]
    """
    measured = np.asarray(control_values_db, dtype=np.float64)
    found = []
    for tone_hz, value_db in zip(tones_hz, values_db, strict=True):
        near = np.sort(measured[in_octave(controls_hz, tone_hz, rate_hz) & ~np.isnan(measured)])
        n_exceeding = int(BY_CHANCE * len(near) + 1e-9)  # so many may measure as much
        least_db = near[-1 - n_exceeding] if len(near) else math.nan
        found.append(float(value_db - least_db))
    return found


def in_octave(frequencies_hz: np.ndarray, tone_hz: float, rate_hz: float) -> np.ndarray:
    """Which frequencies lie in the octave around a tone.

    Args:
        frequencies_hz: ``(frequency,)``.
        tone_hz: Frequency of the tone.
        rate_hz: Sampling rate; at the end of the spectrum, the octave is that below Nyquist.

    Returns:
        ``(frequency,)`` of booleans.

    Example:
        >>> in_octave(np.array([1000.0, 1500.0, 2500.0, 3000.0]), 2000.0, rate_hz=8000).tolist()
        [False, True, True, False]
    """
    high_hz = min(tone_hz * math.sqrt(2), rate_hz / 2)
    return (frequencies_hz >= high_hz / 2) & (frequencies_hz <= high_hz)
