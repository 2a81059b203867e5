"""Whether a tone is held: with one phase and one level from the first frame to the last.

A layer's tone is placed by the sampling clock and lasts as long as the sound. A note starts, decays
and ends, and the next one of the same pitch has a phase of its own. So what is left of the spectrum
at a tone's frequency, once a sine of constant amplitude is subtracted, decides: for a tone, no more
than its surroundings explain; for notes, about as much as there was.

The measure is our own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from upsampling_artifacts.artifacts.line_search import frame_starts
from upsampling_artifacts.artifacts.spectra import MAIN_LOBE_BINS, line_window

COVERED = 2.0
"""Under a sound of more than twice its amplitude, nothing can be said of a tone."""

DEVIATION = 0.35
"""A tone deviates less from the constant one, re its amplitude, unless noise explains more ..."""

NOISE_DEVIATIONS = 2.5
"""... which exceeds this many times its RMS in 2 of 1,000 frames."""

MAX_DEVIANT = 0.15
"""A larger share of frames that deviate is no held tone."""

MAX_DRIFT = 0.3
"""Largest change of the amplitude from beginning to end, re the amplitude; 2.6 dB."""

NEIGHBORHOOD_HZ = 100.0
SEARCH_HZ = 0.25
"""The frequency is known to within this. Whole signals locate it better."""


@dataclass(frozen=True)
class HeldTone:
    """A tone, compared with one of constant phase and amplitude.

    Attributes:
        frequency_hz: Its frequency, fitted to the whole signal.
        seen: Share of the frames in which it is not covered by a louder sound, 0 to 1.
        deviant: Share of those in which it deviates from the constant tone by more than noise
            explains.
        drift: Change of its amplitude from beginning to end, re the amplitude, and its standard
            error.
        spans: Whether it was seen in the first and in the last quarter.
        significance: The mean of its amplitude, where it is seen, re the standard deviation of
            that of noise alone.
        weakest_quarter: The amplitude in the quarter of the frames in which it is smallest, re the
            amplitude.
    """

    frequency_hz: float
    seen: float
    deviant: float
    drift: tuple[float, float]
    spans: bool
    significance: float = 0.0
    weakest_quarter: float = 0.0

    @property
    def is_held(self) -> bool:
        """Whether the tone is held throughout."""
        drift, error = self.drift
        return bool(
            self.spans
            and self.seen > MAX_DEVIANT
            and self.deviant <= MAX_DEVIANT
            and abs(drift) <= min(MAX_DRIFT + 2 * error, 1)
        )


def held_tones(
    signal: np.ndarray,
    rate_hz: float,
    frequencies_hz: Iterable[float],
    window_seconds: float = 0.5,
    where: np.ndarray | None = None,
    search_hz: float = SEARCH_HZ,
) -> list[HeldTone]:
    """Compare tones with tones of constant phase and amplitude.

    Args:
        signal: ``(time,)``, at least two windows.
        rate_hz: Sampling rate.
        frequencies_hz: ``(tone,)``.
        window_seconds: Length of a frame; frames overlap by three quarters.
        where: ``(time,)``, True where to look: frames that leave it are skipped. None: everywhere.
        search_hz: Largest error of the frequencies; 0 if they are exact.

    Returns:
        One per tone.

    Example:
        >>> times_seconds = np.arange(32000) / 8000
        >>> whistle = 0.1 * np.sin(2 * np.pi * 1234.5 * times_seconds)
        >>> note = 0.1 * np.sin(2 * np.pi * 440 * times_seconds) * np.exp(-times_seconds)
        >>> noise = 0.001 * np.random.default_rng(0).standard_normal(32000)
        >>> found = held_tones(whistle + note + noise, 8000, [1234.5, 440])
        >>> [tone.is_held for tone in found]
        [True, False]
    """
    frequencies = np.asarray(list(frequencies_hz), dtype=float)
    length = 2 * round(window_seconds * rate_hz / 2)
    starts = frame_starts(signal[None], length, where)
    if not len(starts) or not len(frequencies):
        return [HeldTone(frequency, 0.0, 1.0, (0.0, 0.0), False) for frequency in frequencies]
    bins = np.clip(np.rint(frequencies * length / rate_hz), 0, length // 2).astype(int)
    reach = max(3 * MAIN_LOBE_BINS, round(NEIGHBORHOOD_HZ * length / rate_hz))
    window = line_window(length)
    values, noise = [], []
    for start in starts:
        spectrum = np.fft.rfft(signal[start : start + length].astype(np.float64) * window)
        power = median_filter(np.abs(spectrum) ** 2, 2 * reach + 1, mode="reflect")
        values.append(spectrum[bins])
        noise.append(np.sqrt(power[bins] / np.log(2)))  # the median of an exponential distribution
    times = starts / rate_hz
    return [
        _held(np.array(value), np.array(floor), times, frequency, search_hz)
        for value, floor, frequency in zip(
            np.transpose(values), np.transpose(noise), frequencies, strict=True
        )
    ]


def _held(
    values: np.ndarray,
    noise: np.ndarray,
    times_seconds: np.ndarray,
    frequency_hz: float,
    search_hz: float,
) -> HeldTone:
    """Compare one bin, ``(frame,)``, with that of a constant tone."""
    magnitude = np.abs(values)
    usual = np.quantile(magnitude, 0.25) + 1e-300
    uncovered = magnitude <= COVERED * usual + NOISE_DEVIATIONS * noise
    limited = values * uncovered / np.maximum(magnitude, usual)
    span = max(times_seconds[-1] - times_seconds[0], 1e-9)
    steps = int(search_hz * 16 * max(span, 1.0))
    shifts_hz = np.arange(-steps, steps + 1) / (16 * max(span, 1.0))
    turned = np.exp(-2j * np.pi * np.outer(frequency_hz + shifts_hz, times_seconds)) @ limited
    best = int(np.abs(turned).argmax())
    frequency_hz += float(shifts_hz[best])
    straight = values * np.exp(
        -2j * np.pi * frequency_hz * times_seconds - 1j * np.angle(turned[best])
    )
    amplitude = float(np.median(straight.real[uncovered])) if uncovered.any() else 0.0
    if amplitude <= 0:
        return HeldTone(frequency_hz, 0.0, 1.0, (0.0, 0.0), False)
    seen = magnitude <= COVERED * amplitude + NOISE_DEVIATIONS * noise
    allowed = np.maximum(DEVIATION * amplitude, NOISE_DEVIATIONS * noise)
    fits = seen & (np.abs(straight - amplitude) <= allowed)
    quarter = len(times_seconds) / 4
    frames = np.flatnonzero(fits)
    spans = bool(len(frames)) and frames[0] <= quarter and frames[-1] >= 3 * quarter - 1
    return HeldTone(
        frequency_hz,
        float(seen.mean()),
        float(1 - fits.sum() / max(1, seen.sum())),
        _drift(straight.real[fits] / amplitude, times_seconds[fits], span),
        spans,
        float(np.sqrt(2 * fits.sum()) * amplitude / (np.sqrt(np.mean(noise**2)) + 1e-300)),
        min(
            float(part.real.mean()) / amplitude if len(part) else 0.0
            for part in np.array_split(straight[fits], 4)
        ),
    )


def _drift(levels: np.ndarray, times_seconds: np.ndarray, span: float) -> tuple[float, float]:
    """Slope of the levels over the whole span, and its standard error."""
    if len(levels) < 4 or np.ptp(times_seconds) == 0:
        return 0.0, 0.0
    centered = times_seconds - times_seconds.mean()
    slope = centered @ levels / (centered @ centered)
    rest = levels - levels.mean() - slope * centered
    # Frames overlap by three quarters: every second one is about independent.
    error = np.sqrt(2 * (rest @ rest) / (len(levels) - 2) / (centered @ centered))
    return float(slope * span), float(error * span)
