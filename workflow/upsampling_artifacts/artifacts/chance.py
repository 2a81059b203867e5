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
    values: Sequence[float],
    controls_hz: np.ndarray,
    control_values: Sequence[float],
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
    defined = ~np.isnan(measured)
    found = []
    for tone_hz, value in zip(tones_hz, values, strict=True):
        high_hz = min(tone_hz * math.sqrt(2), rate_hz / 2)
        near = defined & (controls_hz >= high_hz / 2) & (controls_hz <= high_hz)
        as_high = 1 + np.sum(measured[near] >= value)
        undefined = np.isnan(value) or not near.any()
        found.append(math.nan if undefined else float(as_high / (1 + near.sum())))
    return found
