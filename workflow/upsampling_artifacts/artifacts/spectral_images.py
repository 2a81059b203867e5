"""Spectral images: the copies of the old spectrum above the old Nyquist frequency (section 5).

The paper calls them spectral replicas, and so do the names of the measures in the tables. Zero
insertion by ``stride`` repeats the spectrum at multiples of the old rate. The layer's filter
attenuates the images, but does not remove them.
"""

from __future__ import annotations

import numpy as np

from upsampling_artifacts.artifacts.filtering import power_density
from upsampling_artifacts.artifacts.spectra import line_power, line_spectrum
from upsampling_artifacts.errors import InputError


def replica_level_db(signal: np.ndarray, rate_hz: float, stride: int) -> float:
    """Level of the spectral images: mean density above the old Nyquist frequency re below it.

    Zero insertion without a filter gives 0 dB. A DC offset is part of the baseband; the tones into
    which a layer turns it are images.

    Args:
        signal: ``(channels, time)``, after upsampling.
        rate_hz: Sampling rate of the signal.
        stride: Upsampling factor.

    Returns:
        dB; -inf if the upper band is exactly zero, inf if the baseband is, NaN if both are.

    Raises:
        InputError: The stride is below 2, or the signal has fewer than 16 samples.

    Example:
        >>> noise = np.zeros((1, 16_000))
        >>> noise[:, ::2] = np.random.default_rng(0).standard_normal(8000)
        >>> abs(replica_level_db(noise, rate_hz=8000, stride=2)) < 0.1  # zero insertion
        True
        >>> held = np.repeat(noise[:, ::2], 2, axis=1)
        >>> round(replica_level_db(held, rate_hz=8000, stride=2))  # nearest-neighbor interpolation
        -7
    """
    if stride < 2:
        raise InputError(
            f"stride: {stride} leaves no band above the old Nyquist frequency; use 2 or more"
        )
    frequencies_hz, power = power_density(signal, rate_hz)
    old_nyquist_hz = rate_hz / 2 / stride
    # A bin at the old Nyquist frequency belongs half to either band.
    below = np.clip(0.5 + (old_nyquist_hz - frequencies_hz) / frequencies_hz[1], 0, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.sum(power * (1 - below)) / np.sum(power * below)
        return float(10 * np.log10(ratio / (stride - 1)))


def image_frequencies(frequency_hz: float, old_rate_hz: float, rate_hz: float) -> np.ndarray:
    """Frequencies of the spectral images of a tone, a valley or (at 0 Hz) a DC offset.

    The old spectrum repeats at multiples of the old rate and is symmetric, so the images of ``f``
    lie at ``k * old_rate +- f``.

    Args:
        frequency_hz: From 0 Hz to the old Nyquist frequency.
        old_rate_hz: Sampling rate before upsampling.
        rate_hz: Sampling rate after upsampling.

    Returns:
        ``(image,)`` in Hz, rising up to the new Nyquist frequency, without ``frequency_hz``.

    Raises:
        InputError: The frequency is negative or above the old Nyquist frequency.

    Example:
        >>> image_frequencies(1000.0, old_rate_hz=4000.0, rate_hz=16_000.0).tolist()
        [3000.0, 5000.0, 7000.0]
    """
    if not 0 <= frequency_hz <= old_rate_hz / 2:
        raise InputError(
            f"frequency_hz: {frequency_hz:g} Hz is outside the band before upsampling; use 0 to "
            f"{old_rate_hz / 2:g} Hz"
        )
    multiples_hz = old_rate_hz * np.arange(1, int(rate_hz / 2 / old_rate_hz) + 2)
    images_hz = np.concatenate([multiples_hz - frequency_hz, multiples_hz + frequency_hz])
    # Rounding errors must neither duplicate an image nor drop the one at the Nyquist frequency.
    images_hz = np.unique(np.round(images_hz, 6))
    is_tone = np.isclose(images_hz, frequency_hz)
    return images_hz[(images_hz <= rate_hz / 2 + 1e-6) & ~is_tone]


def image_levels_db(
    signal: np.ndarray, rate_hz: float, old_rate_hz: float, frequency_hz: float
) -> dict[float, float]:
    """Level of each spectral image of a tone re the tone.

    Args:
        signal: ``(channels, time)``, after upsampling.
        rate_hz: Sampling rate of the signal.
        old_rate_hz: Sampling rate before upsampling.
        frequency_hz: Frequency of the tone; 0 Hz for a DC offset.

    Returns:
        Levels in dB by frequency in Hz. They compare mean squares: samples that alternate between
        1 and -1 have 0 dB re an offset of 1. -inf if only the image is exactly zero, inf if only
        the tone is, NaN if both are.

    Raises:
        InputError: The frequency is negative or above the old Nyquist frequency.

    Example:
        Zero insertion by 2 turns an offset into an offset and an equally strong tone at the
        Nyquist frequency.

        >>> levels_db = image_levels_db(np.tile([1.0, 0.0], 4000)[None], 8000, 4000, 0)
        >>> {hz: abs(round(level_db, 2)) for hz, level_db in levels_db.items()}
        {4000.0: 0.0}
    """
    time, spectrum = signal.shape[-1], line_spectrum(signal)
    tone = line_power(spectrum, time, rate_hz, frequency_hz)
    levels_db = {}
    for image_hz in image_frequencies(frequency_hz, old_rate_hz, rate_hz):
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.float64(line_power(spectrum, time, rate_hz, image_hz)) / tone
            levels_db[float(image_hz)] = float(10 * np.log10(ratio))
    return levels_db


def offset_level_db(signal: np.ndarray) -> float:
    """Level of the DC offset: the square of each channel's mean, averaged over channels.

    Args:
        signal: ``(channels, time)``.

    Returns:
        dB re 1; -inf if the offset is exactly zero.

    Example:
        >>> round(offset_level_db(np.full((2, 100), 0.1)), 6)
        -20.0
    """
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(np.mean(np.mean(signal, axis=-1, dtype=np.float64) ** 2)))
