"""Spectral replicas: what upsampling exposes above the old Nyquist frequency (section 5)."""

from __future__ import annotations

import numpy as np

from upsampling_artifacts.artifacts.filtering import power_density
from upsampling_artifacts.artifacts.spectra import line_power, line_spectrum
from upsampling_artifacts.errors import InputError


def replica_level_db(signal: np.ndarray, rate_hz: float, stride: int) -> float:
    """Mean density above the old Nyquist frequency re that below it.

    Zero insertion gives 0 dB. All that is there counts: an offset as part of the baseband, the
    tones it turns into as replicas.

    Args:
        signal: ``(channels, time)``, after upsampling.
        rate_hz: Its sampling rate.
        stride: By how much it has been upsampled.

    Returns:
        dB; -inf if there is exactly nothing above, inf if nothing below, NaN if neither.

    Raises:
        InputError: The stride is below 2: nothing is above.
    """
    if stride < 2:
        raise InputError(f"stride: {stride} leaves nothing above the old Nyquist; 2 or more needed")
    frequencies_hz, power = power_density(signal, rate_hz)
    old_nyquist_hz = rate_hz / 2 / stride
    # A bin at the border belongs half to either side.
    below = np.clip(0.5 + (old_nyquist_hz - frequencies_hz) / frequencies_hz[1], 0, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.sum(power * (1 - below)) / np.sum(power * below)
        return float(10 * np.log10(ratio / (stride - 1)))


def image_frequencies(frequency_hz: float, old_rate_hz: float, rate_hz: float) -> np.ndarray:
    """Where the replicas of a tone, a valley or (0 Hz) an offset stand.

    The old spectrum repeats at multiples of the old rate, and is symmetric: images stand at
    ``k * old_rate +- f`` up to the new Nyquist frequency.

    Args:
        frequency_hz: From 0 Hz to the old Nyquist frequency.
        old_rate_hz: Sampling rate before upsampling.
        rate_hz: Sampling rate after it.

    Returns:
        Rising, each once, without ``frequency_hz`` itself.

    Raises:
        InputError: The frequency lies above the old Nyquist frequency.
    """
    if not 0 <= frequency_hz <= old_rate_hz / 2:
        raise InputError(
            f"frequency: {frequency_hz:g} Hz is not between 0 and the old Nyquist frequency, "
            f"{old_rate_hz / 2:g} Hz"
        )
    multiples_hz = old_rate_hz * np.arange(1, int(rate_hz / 2 / old_rate_hz) + 2)
    images_hz = np.concatenate([multiples_hz - frequency_hz, multiples_hz + frequency_hz])
    # Rounding must not make two of one, nor lose the one at Nyquist.
    images_hz = np.unique(np.round(images_hz, 6))
    own = np.isclose(images_hz, frequency_hz)
    return images_hz[(images_hz <= rate_hz / 2 + 1e-6) & ~own]


def image_levels_db(
    signal: np.ndarray, rate_hz: float, old_rate_hz: float, frequency_hz: float
) -> dict[float, float]:
    """Level of each image of a tone re the tone itself.

    Args:
        signal: ``(channels, time)``, after upsampling.
        rate_hz: Its sampling rate.
        old_rate_hz: Sampling rate before upsampling.
        frequency_hz: The tone; 0 Hz for an offset.

    Returns:
        dB by frequency in Hz: of mean squares, so that an alternating +-1 beside an offset of 1
        has 0 dB. -inf where there is exactly nothing, NaN if there is no tone either.

    Raises:
        InputError: The frequency lies above the old Nyquist frequency.
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
    """Energy at 0 Hz: the mean over channels of the squared mean over time, dB re 1.

    Args:
        signal: ``(channels, time)``.

    Returns:
        dB; -inf if there is exactly none.
    """
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(np.mean(np.mean(signal, axis=-1, dtype=np.float64) ** 2)))
