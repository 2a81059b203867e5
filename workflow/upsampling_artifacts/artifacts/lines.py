"""Spectral lines: how strong a tone stands at a known frequency, over what surrounds it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal.windows import kaiser

# The Kaiser window's side lobes must lie below the floor that a silent network leaves, which is
# float32's rounding, about -150 dB. beta = 30 puts them at about -220 dB; the main lobe ends
# at sqrt(1 + (beta / pi)^2) = 9.6 bins (Kaiser & Schafer 1980).
KAISER_BETA = 30.0
MAIN_LOBE_BINS = 10


@dataclass(frozen=True)
class Line:
    """A tone at a known frequency.

    Attributes:
        frequency_hz: Where it was looked for.
        level_db: RMS of the tone, dB re 1 (the network's units); -inf if there is nothing.
        prominence_db: Peak over the median of the surrounding bins; NaN if all is exactly zero.
    """

    frequency_hz: float
    level_db: float
    prominence_db: float


def predicted_frequencies(rate_hz: float, stride: int) -> np.ndarray:
    """Where a last layer of this stride puts tones: ``k * rate / stride`` up to Nyquist.

    A constant at the layer's input becomes a signal that repeats every ``stride`` samples
    (sections 2 and 4 of the paper): only multiples of ``rate / stride`` are in it.
    """
    return rate_hz / stride * np.arange(1, stride // 2 + 1)


def measure_line(
    signal: np.ndarray, rate_hz: float, frequency_hz: float, neighbourhood_hz: float = 100.0
) -> Line:
    """Measure the tone at one frequency.

    The power spectrum of the whole signal under a Kaiser window, mean over channels: the
    largest value within the main lobe around ``frequency_hz``, against the median within
    ``neighbourhood_hz`` on either side.

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.
        frequency_hz: Where to look.
        neighbourhood_hz: What counts as its surroundings.

    Raises:
        ValueError: The signal is too short to tell the tone from its surroundings.
    """
    time = signal.shape[-1]
    bin_hz = rate_hz / time
    if neighbourhood_hz < 4 * MAIN_LOBE_BINS * bin_hz:
        needed = 4 * MAIN_LOBE_BINS * rate_hz / neighbourhood_hz
        raise ValueError(f"signal: {time} samples are too short for a line; {needed:.0f} needed")
    window = kaiser(time, KAISER_BETA)
    power = np.mean(np.abs(np.fft.rfft(signal.astype(np.float64) * window)) ** 2, axis=0)
    distance = np.abs(np.fft.rfftfreq(time, 1 / rate_hz) - frequency_hz)
    peak = power[distance <= MAIN_LOBE_BINS * bin_hz].max()
    around = (distance > MAIN_LOBE_BINS * bin_hz) & (distance <= neighbourhood_hz)
    floor = np.median(power[around])
    # A sine of amplitude A has |X| = A * sum(window) / 2 at its peak, and RMS A / sqrt(2). At
    # Nyquist there is no mirror image to share with: |X| = A * sum(window), and RMS A.
    at_nyquist = frequency_hz >= rate_hz / 2 - bin_hz / 2
    mean_square = peak / window.sum() ** 2 * (1 if at_nyquist else 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Line(
            float(frequency_hz),
            float(10 * np.log10(mean_square)),
            float(10 * np.log10(peak / floor)),
        )
