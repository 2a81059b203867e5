"""Filtering artifacts: what an interpolation's fixed filter does to a spectrum (section 3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.signal import welch

from upsampling_artifacts.errors import InputError

WINDOW = "blackmanharris"
"""Side lobes at -92 dB."""

# Fewer samples than this resolve no spectrum, whatever the rate: a hidden layer's may be 10 Hz.
LEAST_WINDOW = 256
SHORTEST = 16

# Below this, re the largest of an input's density, there is the leakage of the rest.
NOTHING_DB = -80.0

# Where theory lies further below its maximum than this, the window's main lobe fills the valley
# from its slopes, and what is measured there is the window.
COMPARED_DB = 40.0

# The widest neighbourhood that a stride-4 layer's valleys do not share, a quarter of their
# distance on either side. Valleys of larger strides stand closer, but are as narrow in
# proportion: half of the bins around lie well between them, and the median is among these.
NEIGHBOURHOOD = 1 / 16


def power_density(
    signal: np.ndarray, rate_hz: float, window_seconds: float = 0.064
) -> tuple[np.ndarray, np.ndarray]:
    """Power density by Welch's method, mean over channels.

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.
        window_seconds: Length of the Blackman-Harris window; a power of two of samples is taken
            so that multiples of rate / stride have bins of their own, at least 256 and at most
            the signal.

    Returns:
        ``(frequencies_hz, power)``; power per Hz, one-sided: its sum times the width of a bin
        is the mean square.

    Raises:
        InputError: The signal has fewer than 16 samples.
    """
    time = signal.shape[-1]
    if time < SHORTEST:
        raise InputError(f"signal: {time} samples are too short for a spectrum; {SHORTEST} needed")
    wanted = 2 ** round(np.log2(window_seconds * rate_hz))
    samples = min(max(wanted, LEAST_WINDOW), 2 ** int(np.log2(time)))
    frequencies_hz, power = welch(
        signal.astype(np.float64), rate_hz, WINDOW, nperseg=samples, detrend=False
    )
    return frequencies_hz, power.mean(axis=0)


def interpolation_response_db(
    kind: str, stride: int, frequencies_hz: np.ndarray, rate_hz: float
) -> np.ndarray:
    """The exact response of an interpolation, 0 dB at 0 Hz, -inf at its zeros.

    Nearest is zero insertion and a filter of ``stride`` ones, a geometric series:
    ``D(f) = |sin(pi f stride / rate) / (stride sin(pi f / rate))|``, a sinc that repeats.
    Linear is a triangle. An odd stride samples it at its peak: two such filters in a row,
    ``D**2``. An even one (with ``align_corners=False``) samples it half a sample off, which on
    straight lines is the mean of two neighbours: ``D**2 |cos(pi f / rate)|``. Learned
    interpolation begins as linear, but keeps the samples, so that every stride samples the
    triangle at its peak.

    Args:
        kind: "nearest", "linear" or "learned_interpolation", as it begins.
        stride: Upsampling factor.
        frequencies_hz: Any; the response repeats at multiples of the rate.
        rate_hz: Sampling rate after interpolation.

    Raises:
        InputError: Another kind.
    """
    angle = np.pi * np.asarray(frequencies_hz, dtype=np.float64) / rate_hz
    taps = np.arange(stride) - (stride - 1) / 2
    # The series itself, not its quotient, which is 0/0 at multiples of the rate.
    nearest = np.cos(2 * np.multiply.outer(angle, taps)).mean(axis=-1)
    if kind == "nearest":
        response = nearest
    elif kind == "linear":
        response = nearest**2 * (np.cos(angle) if stride % 2 == 0 else 1.0)
    elif kind == "learned_interpolation":
        response = nearest**2
    else:
        raise InputError(
            f"interpolation: {kind!r} is neither 'nearest', 'linear' nor 'learned_interpolation'"
        )
    # Rounding leaves 1e-16 where the series cancels.
    response = np.where(np.abs(response) < 1e-14, 0.0, np.abs(response))
    with np.errstate(divide="ignore"):
        return 20 * np.log10(response)


def stack_response_db(
    kinds: Sequence[str], stride: int, frequencies_hz: np.ndarray, rate_hz: float
) -> np.ndarray:
    """Composite response of several interpolations in a row, at the last one's rate.

    Each layer replicates the response of those before it, which was given at a rate ``stride``
    times lower: in the output it repeats at multiples of that rate.

    Args:
        kinds: "nearest" or "linear", first layer first.
        stride: Upsampling factor of each.
        frequencies_hz: Where to evaluate.
        rate_hz: Sampling rate of the last layer's output.
    """
    response_db = np.zeros(np.shape(frequencies_hz))
    for layers_after, kind in enumerate(reversed(kinds)):
        layer_rate_hz = rate_hz / stride**layers_after
        response_db += interpolation_response_db(kind, stride, frequencies_hz, layer_rate_hz)
    return response_db


def valley_depth_db(
    frequencies_hz: np.ndarray, power: np.ndarray, frequency_hz: float, rate_hz: float
) -> float:
    """How far the density at a frequency lies below the median of what surrounds it.

    The surroundings reach a sixteenth of the rate to either side (see ``NEIGHBOURHOOD``).

    Args:
        frequencies_hz: As :func:`power_density` gives them.
        power: The density there.
        frequency_hz: The valley's place; the nearest bin is taken.
        rate_hz: Sampling rate.

    Returns:
        Positive for a valley, negative for a peak; inf for exactly nothing amid something, NaN
        for exactly nothing amid nothing.
    """
    distance = np.abs(frequencies_hz - frequency_hz)
    around = np.median(power[distance <= NEIGHBOURHOOD * rate_hz])
    nearest = np.argmin(distance)
    # One-sided: at 0 Hz and at Nyquist there is no mirror image, and half the density.
    alone = nearest in (0, len(power) - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(10 * np.log10(around / (power[nearest] * (2 if alone else 1))))


def flatness_db(power: np.ndarray) -> float:
    """Arithmetic over geometric mean of a density, in dB: 0 if flat, the larger the less flat.

    The inverse of the spectral flatness measure (Gray & Markel 1974). Infinite if some bin
    is exactly zero, NaN if all are or there is none.
    """
    power = np.asarray(power, dtype=np.float64)
    if not power.any():
        return float("nan")
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(power.mean()) - np.mean(10 * np.log10(power)))


def response_db(output: np.ndarray, input: np.ndarray, rate_hz: float, stride: int) -> np.ndarray:
    """Measured response of an upsampling layer: density of its output re its input's.

    The input's spectrum repeats, as that of zero insertion does, the operator that all
    upsampling begins with: so it needs no white noise, and what remains is the filter alone.
    White noise, a sweep or music give the same.

    Args:
        output: ``(channels, time * stride)``.
        input: ``(channels, time)``; channels may differ in number.
        rate_hz: Sampling rate of the output.
        stride: Upsampling factor; 1 for a whole model.

    Returns:
        At the frequencies that ``power_density(output, rate_hz)`` gives; NaN where the input
        has nothing (80 dB below its largest density, where leakage begins), -inf where only
        the output has nothing.
    """
    stretched = np.zeros((len(input), input.shape[-1] * stride))
    stretched[:, ::stride] = input
    time = min(stretched.shape[-1], output.shape[-1])
    _, before = power_density(stretched[:, :time], rate_hz)
    _, after = power_density(output[:, :time], rate_hz)
    something = before > 10 ** (NOTHING_DB / 10) * before.max()
    ratio = np.full(before.shape, np.nan)
    np.divide(after, before, out=ratio, where=something)
    with np.errstate(divide="ignore"):
        return 10 * np.log10(ratio)


def response_error_db(measured_db: np.ndarray, theory_db: np.ndarray) -> float:
    """RMS difference of two responses in dB, their mean difference (a gain) removed.

    Only where theory lies within 40 dB of its maximum and the measurement is a number; NaN if
    that is nowhere.
    """
    compared = (theory_db >= np.max(theory_db) - COMPARED_DB) & np.isfinite(measured_db)
    if not compared.any():
        return float("nan")
    return float(np.std(measured_db[compared] - theory_db[compared]))
