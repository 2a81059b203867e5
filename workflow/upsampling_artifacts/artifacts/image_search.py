"""Spectral images in a signal whose upsampling factor is unknown: their axis and their level.

Upsampling repeats the spectrum: the band above the old Nyquist frequency mirrors the band below,
and higher bands mirror or repeat it. Image and original fluctuate together, in magnitude and phase.
The spectral coherence of cyclostationary signals (Gardner 1986) measures this: over time, the image
of ``f`` at ``a - f``, where ``a`` is the old rate, keeps one phase relative to it. The same
coherence about other axes shows what chance gives.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

STRIDES = tuple(range(2, 9))
"""Upsampling factors that are tried: the old Nyquist frequency is rate / (2 stride)."""

# Long enough for the filter of an upsampler, short enough for many windows.
WINDOW_SECONDS = 0.035

# The axes of all strides up to 8 lie on bins of windows that are a multiple of this, and a hop of
# half a window is a multiple of each stride, so that images keep their phase.
GRID = 2 * 840

MIN_WINDOWS = 12
"""With fewer (a quarter of a second at 44.1 kHz), coherence is mostly chance."""

MAX_STEADINESS = 0.25
"""A bin whose phase advances so steadily over the windows (squared magnitude of the mean phasor, at
the best rate) is a line, unless noise is as steady in one of a hundred bins."""

# Coherence is averaged over bands of this width: images are coherent in whole bands, tones at
# multiples of one frequency in a few bins.
BAND_HZ = 400.0

GUARD_BINS = 6
"""Bins beside an axis, where the windows overlap in frequency, and above 0 Hz."""

CONTROL_BINS = [*range(-24, -3, 2), *range(4, 25, 2)]
"""Distances from the old rate of the control axes, in bins."""

# The images of neighboring frequencies have one phase, because the delay of the upsampler's filter
# cancels. Sounds that recur on a grid of samples, such as a synthesizer's drums, have many.
SMOOTH_BINS = 9
"""The coherence is that of the mean over so many bins."""

MIN_DEVIATIONS = 12.0
MIN_COHERENCE = 0.05
"""Both must be exceeded: bursts of sound can have a small coherence that is many standard
deviations above that about the controls. Of a hundred sounds each of white noise, pink noise, notes
and speech, none had more than 0.032, even before neighboring bins were averaged."""

TRANSITION = 0.9
"""Originals above this share of the axis have images in the transition band of a resampler."""

MAX_WINDOWS = 600
"""More (10 s, from the middle) find no more."""


@dataclass(frozen=True)
class Images:
    """Spectral images.

    Attributes:
        stride: Upsampling factor.
        axis_hz: The old Nyquist frequency, about which the spectrum is mirrored.
        rejection_db: Level of an image re its original, the median of the images that lie more
            than a tenth of the axis above it: nearer, even a good resampler has its transition
            band.
        level_db: Mean density of the images re that of the band below the axis: of what lies above,
            the part that is coherent with what lies below. Compare
            :func:`spectral_images.replica_level_db`, which takes all that lies above.
        coherence: Largest mean coherence of the phases in any band of 400 Hz, 0 to 1, over that
            about the control axes.
        deviations: The same in standard deviations of that about the control axes.
    """

    stride: int
    axis_hz: float
    rejection_db: float
    level_db: float
    coherence: float
    deviations: float


def find_images(
    signal: np.ndarray, rate_hz: float, strides: Iterable[int] = STRIDES
) -> list[Images]:
    """Find the strides that made spectral images, and measure the images.

    Only phases are compared, so that loud moments do not count more than others. Steady lines are
    left out: tones at multiples of one frequency are coherent with each other, too.

    Upsampling by 8 also makes images about the axes of strides 4 and 2. If a stride is found, its
    divisors are not reported.

    Args:
        signal: ``(channels, time)``, at least half a second.
        rate_hz: Sampling rate.
        strides: Upsampling factors to try, divisors of 840.

    Returns:
        The images by stride, largest first; usually one or none.

    Example:
        >>> noise = np.random.default_rng(0).standard_normal((1, 16_000))
        >>> find_images(noise, 8000)
        []
        >>> [images] = find_images(np.repeat(noise, 3, axis=1), 24_000)  # nearest neighbor
        >>> images.stride, images.axis_hz
        (3, 4000.0)
        >>> abs(images.level_db - -9.2) < 0.3
        True
    """
    spectra = _spectra(signal, rate_hz)
    if spectra.shape[-1] < MIN_WINDOWS:
        return []
    found: list[Images] = []
    for stride in sorted(strides, reverse=True):
        if all(images.stride % stride for images in found):
            found += _images(spectra, rate_hz, stride)
    return found


def _spectra(signal: np.ndarray, rate_hz: float) -> np.ndarray:
    """``(channels, frequency, windows)``: short-time spectra."""
    length = GRID * max(1, round(WINDOW_SECONDS * rate_hz / GRID))
    if signal.shape[-1] < length:
        return np.zeros((len(signal), length // 2 + 1, 0), complex)
    hop = length // 2
    first = max(0, (signal.shape[-1] // hop - MAX_WINDOWS) // 2) * hop
    middle = signal[:, first : first + MAX_WINDOWS * hop].astype(np.float64)
    frames = sliding_window_view(middle, length, axis=-1)[:, ::hop]
    return np.fft.rfft(frames * np.hanning(length), axis=-1).transpose(0, 2, 1)


def _is_steady(phases: np.ndarray) -> np.ndarray:
    """``(frequency,)``: whether a bin holds a steady line, in any channel."""
    windows = phases.shape[-1]
    rates = np.abs(np.fft.fft(phases, 2 * windows, axis=-1)) / windows
    # The mean of n independent phasors exceeds s with a probability of exp(-n s), at 2 n rates.
    by_chance = np.log(2 * windows / 0.01) / windows
    return np.asarray((rates.max(axis=-1) ** 2 > max(MAX_STEADINESS, by_chance)).any(axis=0))


def _images(spectra: np.ndarray, rate_hz: float, stride: int) -> list[Images]:
    """The images of one stride: one item, or none if there are no more than by chance."""
    bins = spectra.shape[1] - 1
    bin_hz = rate_hz / 2 / bins
    old_rate = 2 * bins // stride
    phases = spectra / np.maximum(np.abs(spectra), np.finfo(float).tiny)
    steady = _is_steady(phases)
    band = max(1, round(BAND_HZ / bin_hz))

    def largest(axis: int) -> float:
        return _largest_mean(_coherence(phases, steady, axis), band)

    coherence = largest(old_rate) - 1 / spectra.shape[-1]
    if coherence < MIN_COHERENCE:
        return []
    by_chance = np.array([largest(old_rate + away) for away in CONTROL_BINS])
    coherence += 1 / spectra.shape[-1] - by_chance.mean()
    deviations = coherence / by_chance.std()
    if coherence < MIN_COHERENCE or deviations < MIN_DEVIATIONS:
        return []
    axis_hz = old_rate / 2 * bin_hz
    level_db, rejection_db = _levels_db(spectra, stride)
    return [Images(stride, axis_hz, rejection_db, level_db, float(coherence), float(deviations))]


def _coherence(phases: np.ndarray, steady: np.ndarray, old_rate: int) -> np.ndarray:
    """Coherence of the phases at ``f`` and ``old_rate - f``, from the axis outwards, by bins.

    NaN where one of the two is a steady line.
    """
    below = np.arange((old_rate - 1) // 2 - GUARD_BINS, GUARD_BINS, -1)
    below = below[old_rate - below < phases.shape[1]]
    # A window that starts n samples later rotates the product by the old rate times n.
    rotation = np.exp(-1j * np.pi * old_rate * np.arange(phases.shape[-1]))
    product = phases[:, below] * phases[:, old_rate - below] * rotation
    known = ~(steady[below] | steady[old_rate - below])
    kernel = np.ones(min(SMOOTH_BINS, len(below)))
    count = np.maximum(np.convolve(known, kernel, "same"), 1)
    means = [np.convolve(mean * known, kernel, "same") / count for mean in product.mean(axis=2)]
    coherence = np.mean(np.abs(means) ** 2, axis=0)
    return np.where(known, coherence, np.nan)


def _largest_mean(values: np.ndarray, width: int) -> float:
    """Largest mean of ``width`` successive values, of which at least half are known; 0 if none."""
    kernel = np.ones(min(width, len(values)))
    known = np.convolve(np.isfinite(values), kernel, "valid")
    total = np.convolve(np.nan_to_num(values), kernel, "valid")
    return float(np.max(total / np.maximum(known, 1), where=known >= len(kernel) / 2, initial=0.0))


def _levels_db(spectra: np.ndarray, stride: int) -> tuple[float, float]:
    """``level_db`` and ``rejection_db`` of :class:`Images`."""
    width = (spectra.shape[1] - 1) // stride
    below = np.arange(GUARD_BINS, width - GUARD_BINS)
    baseband = spectra[:, below]
    images = []
    for index in range(1, stride):
        if index % 2:  # mirrored
            images.append(_explained(spectra[:, (index + 1) * width - below], baseband.conj()))
        else:
            images.append(_explained(spectra[:, index * width + below], baseband))
    power = np.sum(np.abs(baseband) ** 2, axis=(0, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        level = max(np.mean(images), 0) / power.mean()
        far = below < TRANSITION * width
        rejection = max(np.median(images[0][far] / power[far]), 0)
        return float(10 * np.log10(level)), float(10 * np.log10(rejection))


def _explained(image: np.ndarray, original: np.ndarray) -> np.ndarray:
    """``(frequency,)``: energy of the image that is coherent with the original, of all channels."""
    product = np.abs(np.sum(image * original.conj(), axis=-1)) ** 2
    # If the two were independent, this would be the squared sum.
    chance = np.sum(np.abs(image * original) ** 2, axis=-1)
    energy = np.sum(np.abs(original) ** 2, axis=-1)
    tiny = np.finfo(float).tiny
    share = chance / np.maximum(np.sum(np.abs(image) ** 2, axis=-1) * energy, tiny)
    explained = (product - chance) / np.maximum(energy * (1 - share), tiny)
    return np.asarray(explained.sum(axis=0))
