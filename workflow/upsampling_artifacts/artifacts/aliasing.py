"""Folded-back aliasing: harmonics above the Nyquist frequency, folded back below it.

A nonlinearity turns a sine into a series of harmonics. Those above the Nyquist frequency appear
where no harmonic belongs. The aliasing-to-signal ratio (ASR) of arXiv 2505.04082 is the energy off
the harmonics over the energy on them. The sine has a whole number of cycles in the DFT, and the
length of the DFT is prime: then every order, folded or not, has a bin of its own.

A network that upsamples adds images and tones, which are not folded harmonics. Its behavior repeats
with a period, in output samples. A DFT whose length is that period times a prime separates all of
them, because order ``m`` and image ``j`` of a sine with ``c`` cycles lie in bin ``m c + j q``,
where ``q`` is the prime.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from upsampling_artifacts.errors import InputError

MIN_PRIME = 11
"""Orders up to half the prime have bins of their own: at least the first five."""


ROUNDING = 1e-12
"""Energy below this share of all, the offset included, is rounding: float32 leaves about 1e-14 in
one layer, and more in many."""


@dataclass(frozen=True)
class SineResponse:
    """The energy of a response to a sine, sorted by origin.

    Attributes:
        aliasing_db: Aliasing-to-signal ratio: energy of harmonics that are folded, or imaged, over
            the energy of those that are not. -inf if there is none but rounding errors. NaN, as
            all else, if the network answers the sine with silence or a constant.
        images_db: Energy of the spectral images of the sine itself, over the energy of the
            harmonics; -inf if there are none.
        strongest_bin: Bin of the strongest folded component.
        strongest_db: Its energy over that of the sine.
        repeats: Share of the energy off the harmonics that is the same in both windows, at most 1.
            Aliasing repeats exactly; noise does not.
    """

    aliasing_db: float
    images_db: float
    strongest_bin: int
    strongest_db: float
    repeats: float


def dft_length(samples: int, period: int = 1) -> int:
    """The longest DFT for a sine response: the period times a prime.

    Args:
        samples: The length must not exceed this.
        period: Period of the network in output samples: the product of its upsampling strides. 1
            without upsampling.

    Returns:
        The length in samples.

    Raises:
        InputError: The signal is too short for the period.

    Example:
        >>> dft_length(8192), dft_length(8192, period=64)
        (8191, 8128)
    """
    for prime in range(samples // period, MIN_PRIME - 1, -1):
        if all(prime % factor for factor in range(2, math.isqrt(prime) + 1)):
            return period * prime
    raise InputError(
        f"samples: {samples} are too few to measure aliasing with a period of {period}; "
        f"use at least {MIN_PRIME * period}"
    )


def sine_cycles(frequency: float, length: int, period: int = 1) -> int:
    """The whole number of cycles nearest to a frequency.

    Args:
        frequency: Re the sampling rate, from 0 to 0.5.
        length: From :func:`dft_length`.
        period: As for :func:`dft_length`.

    Returns:
        Cycles in ``length`` samples, at least 1 and no multiple of the prime.

    Example:
        >>> sine_cycles(0.1, 8191)
        819
    """
    cycles = max(1, round(frequency * length))
    return cycles if cycles % (length // period) else cycles - 1


def measure_sine_response(windows: np.ndarray, cycles: int, period: int = 1) -> SineResponse:
    """Sort the energy of a response to a sine: harmonics, aliasing, images.

    Two successive windows are compared: only what they have in common counts, so that noise adds
    nothing. The offset and the tones of the network, which do not depend on the sine's frequency,
    are left out.

    Args:
        windows: ``(2, channels, length)``, successive, of the steady response; the length is from
            :func:`dft_length`.
        cycles: Of the sine, in one window.
        period: As for :func:`dft_length`.

    Returns:
        The ratios, averaged in power over channels. A linear network has no aliasing: -inf.

    Example:
        A sine clipped to its sign has harmonics of amplitude 1/m, of which those of odd order above
        the Nyquist frequency are folded.

        >>> length = dft_length(8192)
        >>> square = np.sign(np.sin(2 * np.pi * 800 / length * np.arange(length) + 0.1))
        >>> response = measure_sine_response(np.stack([square[None]] * 2), cycles=800)
        >>> on = 1 + 1 / 9 + 1 / 25
        >>> off = np.pi**2 / 8 - on
        >>> bool(abs(response.aliasing_db - 10 * np.log10(off / on)) < 0.1)
        True
    """
    length = windows.shape[-1]
    prime = length // period
    first, second = np.fft.rfft(windows.astype(np.float64))
    common = np.mean((first * second.conj()).real, axis=0)
    power = np.mean(np.abs(first) ** 2 + np.abs(second) ** 2, axis=0) / 2
    order, image = _order_and_image(np.arange(len(common)), cycles, prime, length)
    on_harmonic = (image == 0) & (order > 0) & (order * cycles <= length / 2)
    off_harmonic = (order > 1) & ~on_harmonic
    # With a period of 1, every bin but 0 Hz is a harmonic, folded or not.
    images = (order == 1) & ~on_harmonic
    rounding = ROUNDING * power.sum()
    signal = float(common[on_harmonic].sum())
    if signal <= rounding:
        return SineResponse(math.nan, math.nan, 0, math.nan, math.nan)
    strongest = int(np.argmax(np.where(off_harmonic, common, -np.inf)))
    sine = common[(order == 1) & on_harmonic].sum()
    off_power = power[off_harmonic].sum()
    return SineResponse(
        aliasing_db=_ratio_db(common[off_harmonic].sum(), signal, rounding),
        images_db=_ratio_db(common[images].sum(), signal, rounding),
        strongest_bin=strongest,
        strongest_db=_ratio_db(common[strongest], sine, 0),
        repeats=float(common[off_harmonic].sum() / off_power) if off_power else 1.0,
    )


def _order_and_image(
    bins: np.ndarray, cycles: int, prime: int, length: int
) -> tuple[np.ndarray, np.ndarray]:
    """Solve ``bin = order * cycles + image * prime`` (modulo the length) for the smallest order.

    A bin and its mirror, the negative frequency, have opposite orders; the magnitude is returned.
    """
    order = bins % prime * pow(cycles, -1, prime) % prime
    order = np.where(order > prime // 2, order - prime, order)
    image = (bins - order * cycles) % length // prime
    # Below zero, "not folded" would need the opposite sign: use the mirrored bin.
    mirrored = order < 0
    image = np.where(mirrored, (-bins + order * cycles) % length // prime, image)
    return np.abs(order), image


def _ratio_db(energy: float, reference: float, rounding: float) -> float:
    if not energy > rounding or not reference > 0:
        return -math.inf
    return float(10 * np.log10(energy / reference))
