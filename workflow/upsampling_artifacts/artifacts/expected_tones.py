"""Weak tones at given frequencies: what the blind search cannot see, but the whole signal shows.

A blind search tries every frequency, frame by frame. At a few hundred frequencies that are known
exactly, the spectrum of the whole signal tells tones from white noise that are 5 dB weaker.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.signal.windows import hann

from upsampling_artifacts.artifacts.held_tones import held_tones

FALSE_ALARMS = 0.001
"""Probability of a false alarm per signal of white noise."""

NEIGHBORHOOD_HZ = 100.0

FARTHEST_BINS = 12
"""A tone is the largest line from the end of its main lobe to this distance."""

MIN_SIGNIFICANCE = 5.0
MIN_QUARTER = 0.35
"""In every quarter of the time, a tone has at least this share of its mean amplitude."""


def find_expected(
    signal: np.ndarray, rate_hz: float, frequencies_hz: Iterable[float]
) -> list[tuple[float, float, float]]:
    """Find weak tones at given frequencies.

    In white noise, the power at a frequency is exponentially distributed. A tone exceeds the median
    around it by more than noise does at any of the frequencies in one of a thousand signals. It
    must also be there in each quarter of the time, with the same phase.

    Args:
        signal: ``(time,)``, at least a second.
        rate_hz: Sampling rate.
        frequencies_hz: Where to look.

    Returns:
        ``(frequency_hz, level_db, prominence_db)`` of each tone: its RMS in dB re 1, and its peak
        over the median of its surroundings.

    Example:
        >>> noise = 0.1 * np.random.default_rng(0).standard_normal(32000)
        >>> tone = 0.004 * np.sin(2 * np.pi * 2000 / 8000 * np.arange(32000))
        >>> found = find_expected(noise + tone, 8000, [1000, 2000, 3000])
        >>> [frequency_hz for frequency_hz, _, _ in found]
        [2000.0]
    """
    time = len(signal)
    window = hann(time, sym=False)
    spectrum = np.abs(np.fft.rfft(signal.astype(np.float64) * window)) ** 2 * 2 / window.sum() ** 2
    bin_hz = rate_hz / time
    frequencies = np.array(sorted(set(frequencies_hz)), dtype=float)
    frequencies = frequencies[frequencies < rate_hz / 2 - FARTHEST_BINS * bin_hz]
    frequencies = frequencies[frequencies > 2 * NEIGHBORHOOD_HZ]
    if not len(frequencies):
        return []
    threshold = np.log(len(frequencies) / FALSE_ALARMS)
    reach = round(NEIGHBORHOOD_HZ / bin_hz)
    found = []
    for frequency_hz in frequencies:
        near = round(frequency_hz / bin_hz)
        peak = spectrum[near - 1 : near + 2].max()
        median = np.median(spectrum[max(0, near - reach) : near + reach + 1])
        around = spectrum[near - FARTHEST_BINS : near + FARTHEST_BINS + 1].copy()
        around[FARTHEST_BINS - 2 : FARTHEST_BINS + 3] = 0
        if peak > max(threshold * median / np.log(2), 2 * around.max(), 1e-30):
            found.append((frequency_hz, float(peak), float(peak / max(median, 1e-30))))
    tones = held_tones(signal, rate_hz, [tone[0] for tone in found], search_hz=0)
    return [
        (float(frequency_hz), 10 * float(np.log10(peak)), 10 * float(np.log10(over)))
        for (frequency_hz, peak, over), tone in zip(found, tones, strict=True)
        if tone.is_held
        and tone.significance >= MIN_SIGNIFICANCE
        and tone.weakest_quarter >= MIN_QUARTER
    ]
