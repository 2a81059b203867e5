"""Polyphase imbalance: how much the phases that a layer interleaves differ.

Phase ``p`` of a signal is every ``stride``-th sample from sample ``p`` on. The paper's tonal
artifacts are differences between the phases' means (sections 2 and 4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from upsampling_artifacts.errors import InputError


@dataclass(frozen=True)
class PolyphaseImbalance:
    """How much the phases of a signal differ.

    Attributes:
        mean_spread_db: Variance of the phases' means in dB re the mean square of the signal: the
            share of its power in lines at multiples of rate / stride. -inf if all phases have
            the same mean, NaN if the signal is exactly zero. White noise of ``time`` samples has
            ``(stride - 1) / time`` on average.
        power_spread_db: Mean square of the loudest phase in dB re that of the softest. inf if a
            phase is exactly zero, NaN if all are.
    """

    mean_spread_db: float
    power_spread_db: float


def polyphase_imbalance(signal: np.ndarray, stride: int) -> PolyphaseImbalance:
    """Compare the phases of a signal.

    Let ``m[p]`` be the mean of phase ``p``. The amplitude at ``k * rate / stride`` is then
    ``X[k] = sum_p m[p] exp(-2j pi k p / stride) / stride``. By Parseval's theorem,
    ``sum_k |X[k]|**2 = mean(m**2)``. Without ``|X[0]|**2 = mean(m)**2``, the power in the lines
    is the variance of the means.

    Args:
        signal: ``(channels, time)``; powers are averaged over channels. Samples after the last
            whole stride are ignored.
        stride: Number of phases, at least 2.

    Returns:
        The spread of the phases' means and powers.

    Raises:
        InputError: The stride is below 2, or the signal is shorter than one stride.

    Example:
        Samples that alternate between 1 and 3 have mean 2, variance 1 and mean square 5.

        >>> imbalance = polyphase_imbalance(np.tile([1.0, 3.0], 50)[None], stride=2)
        >>> round(10 ** (imbalance.mean_spread_db / 10), 3)
        0.2
        >>> round(10 ** (imbalance.power_spread_db / 10), 3)
        9.0
    """
    if stride < 2:
        raise InputError(f"stride: {stride} has no phases to compare; use 2 or more")
    phases = _phases(signal, stride)
    power = np.mean(phases**2, axis=(0, 1))
    # Subtracting one phase first makes the spread of a constant exactly zero.
    means = np.mean(phases - phases[:, :, :1], axis=1)
    spread = np.mean(np.var(means, axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return PolyphaseImbalance(
            mean_spread_db=float(10 * np.log10(spread / power.mean())),
            power_spread_db=float(10 * np.log10(power.max() / power.min())),
        )


def phase_means(signal: np.ndarray, stride: int) -> np.ndarray:
    """The mean of each phase.

    Args:
        signal: ``(channels, time)``. Samples after the last whole stride are ignored.
        stride: Number of phases.

    Returns:
        ``(channels, stride)``.

    Raises:
        InputError: The signal is shorter than one stride.

    Example:
        >>> phase_means(np.tile([1.0, 3.0], 50)[None], stride=2).tolist()
        [[1.0, 3.0]]
    """
    return _phases(signal, stride).mean(axis=1)


def phase_tone_db(means: np.ndarray) -> float:
    """Power of the tones at multiples of rate / stride re the power at 0 Hz.

    From the measured means of the phases, this is the measured tone. From the gains of a layer's
    phases at 0 Hz, it is the tone into which the layer is predicted to turn a DC offset. See
    :func:`polyphase_imbalance` for the derivation.

    Args:
        means: ``(channels, stride)``; powers are averaged over channels.

    Returns:
        dB; -inf if all phases are equal.

    Example:
        >>> round(phase_tone_db(np.array([[1.0, 3.0]])), 2)
        -6.02
    """
    spread = np.mean(np.var(means - means[:, :1], axis=1))
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(spread / np.mean(np.mean(means, axis=1) ** 2)))


def aperiodic_level_db(signal: np.ndarray, stride: int) -> float:
    """Power of the part of a signal that does not repeat every ``stride`` samples.

    Args:
        signal: ``(channels, time)``; powers are averaged over channels. Samples after the last
            whole stride are ignored.
        stride: The period in samples.

    Returns:
        dB re the power of the signal; -inf if it repeats exactly, NaN if it is exactly zero.

    Raises:
        InputError: The signal is shorter than one stride.

    Example:
        >>> aperiodic_level_db(np.tile([1.0, 3.0], 50)[None], stride=2)
        -inf
        >>> round(aperiodic_level_db(np.tile([1.0, 3.0], 50)[None], stride=1), 2)  # 1 of 5
        -6.99
    """
    phases = _phases(signal, stride)
    residual = np.mean((phases - phases.mean(axis=1, keepdims=True)) ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(10 * np.log10(residual / np.mean(phases**2)))


def _phases(signal: np.ndarray, stride: int) -> np.ndarray:
    """``(channels, time / stride, stride)``, float64."""
    samples = signal.shape[-1] // stride * stride
    if not samples:
        raise InputError(
            f"signal: {signal.shape[-1]} samples are fewer than one stride; use at least {stride}"
        )
    return signal[:, :samples].astype(np.float64).reshape(len(signal), -1, stride)
