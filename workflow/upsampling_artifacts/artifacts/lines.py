"""Tonal artifacts: the lines that layers put at predicted frequencies (section 2 of the paper).

A line has a level and a prominence over its surroundings. For lines at any other frequency, see
line_search.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from upsampling_artifacts.artifacts.spectra import (
    MAIN_LOBE_BINS,
    line_power,
    line_spectrum,
    main_lobe,
)
from upsampling_artifacts.errors import InputError

# The smallest power that counts, re the sum of all bins. It corresponds to 143 dB below the RMS of
# the loudest frame: about the last bit of float32 (2**-24, -144 dB). Rounding noise has lines too.
FLOAT32_FLOOR_DB = -150.0


@dataclass(frozen=True)
class Line:
    """A tone at a predicted frequency.

    Attributes:
        frequency_hz: The predicted frequency.
        level_db: RMS of the tone in dB re 1 (the network's units); -inf if it is exactly zero.
        prominence_db: Peak over the median of the surrounding bins in dB; NaN if the signal is
            exactly zero.
    """

    frequency_hz: float
    level_db: float
    prominence_db: float


def predicted_frequencies(rate_hz: float, stride: int) -> np.ndarray:
    """Frequencies of the tonal artifacts of an upsampling layer: ``k * rate / stride``.

    A constant becomes a signal that repeats every ``stride`` samples (sections 2 and 4 of the
    paper). Such a signal contains multiples of ``rate / stride`` only.

    Args:
        rate_hz: Sampling rate of the layer's output.
        stride: Upsampling factor.

    Returns:
        ``(frequency,)`` in Hz, rising up to the Nyquist frequency.

    Example:
        >>> predicted_frequencies(32_000, stride=4).tolist()
        [8000.0, 16000.0]
    """
    return rate_hz / stride * np.arange(1, stride // 2 + 1)


def measure_line(
    signal: np.ndarray, rate_hz: float, frequency_hz: float, neighborhood_hz: float = 100.0
) -> Line:
    """Measure the tone at one predicted frequency.

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.
        frequency_hz: The predicted frequency.
        neighborhood_hz: Half width of the surroundings.

    Returns:
        Level and prominence, as defined in :func:`measure_lines`.

    Raises:
        InputError: The signal is too short to separate a tone from its surroundings.

    Example:
        >>> times_seconds = np.arange(8000) / 8000
        >>> signal = 0.1 * np.sqrt(2) * np.sin(2 * np.pi * 2000 * times_seconds)[None]
        >>> round(measure_line(signal, rate_hz=8000, frequency_hz=2000).level_db, 2)
        -20.0
    """
    return measure_lines(signal, rate_hz, [frequency_hz], neighborhood_hz)[0]


def measure_lines(
    signal: np.ndarray,
    rate_hz: float,
    frequencies_hz: Iterable[float],
    neighborhood_hz: float = 100.0,
) -> list[Line]:
    """Measure the tones at predicted frequencies.

    The level is the largest value of :func:`spectra.line_spectrum` within the main lobe around
    each frequency. The prominence compares it with the median of the bins within
    ``neighborhood_hz`` on either side. For the prominence, both are at least the floor of float32
    (``FLOAT32_FLOOR_DB``), so that rounding noise is not prominent.

    At the Nyquist frequency, a tone of the same RMS has twice the power in its bin, which is halved
    (:func:`spectra.line_power`). Noise there has as much power as elsewhere, but in a real number
    instead of a complex one. Halved, it exceeds any threshold less often than elsewhere
    (``erfc(sqrt(x)) < exp(-x)``), so a tone at Nyquist is rather missed than imagined.

    Prominence grows with the length of the signal: compare only signals of equal length.

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.
        frequencies_hz: The predicted frequencies.
        neighborhood_hz: Half width of the surroundings.

    Returns:
        One line per frequency.

    Raises:
        InputError: The signal is too short to separate a tone from its surroundings.

    Example:
        Samples that repeat 1, 1, -1, -1 are a tone of RMS 1 at a quarter of the rate.

        >>> signal = 0.1 * np.tile([1.0, 1.0, -1.0, -1.0], 2000)[None]
        >>> quarter, half = measure_lines(signal, rate_hz=8000, frequencies_hz=[2000, 4000])
        >>> round(quarter.level_db, 2), half.level_db < -200
        (-20.0, True)
    """
    time = signal.shape[-1]
    bin_hz = rate_hz / time
    if neighborhood_hz < 4 * MAIN_LOBE_BINS * bin_hz:
        needed = 4 * MAIN_LOBE_BINS * rate_hz / neighborhood_hz
        raise InputError(
            f"signal: {time} samples are too few to measure a line; use at least {needed:.0f}"
        )
    spectrum = line_spectrum(signal)
    smallest = 10 ** (FLOAT32_FLOOR_DB / 10) * spectrum.sum()
    reach = neighborhood_hz / bin_hz
    lines = []
    for frequency_hz in frequencies_hz:
        center = frequency_hz / bin_hz
        lobe = main_lobe(center)
        below = spectrum[max(0, int(np.ceil(center - reach))) : lobe.start]
        above = spectrum[lobe.stop : int(center + reach) + 1]
        power = line_power(spectrum, time, rate_hz, frequency_hz)
        floor = max(np.median(np.concatenate([below, above])), smallest)
        with np.errstate(divide="ignore", invalid="ignore"):
            level_db = 10 * np.log10(power)
            prominence_db = 10 * np.log10(max(power, smallest) / floor)
        lines.append(Line(float(frequency_hz), float(level_db), float(prominence_db)))
    return lines


def line_resolution_hz(time: int, rate_hz: float) -> float:
    """Distance at which one line no longer affects the level measured for another.

    Args:
        time: Length of the signal in samples.
        rate_hz: Sampling rate.

    Returns:
        Two halves of a main lobe, in Hz: the line's, and that in which the other is looked for.

    Example:
        >>> line_resolution_hz(16000, rate_hz=8000)
        10.0
    """
    return 2 * MAIN_LOBE_BINS * rate_hz / time
