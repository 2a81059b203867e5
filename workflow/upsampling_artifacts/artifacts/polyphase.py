"""Polyphase imbalance: whether the samples that a stride interleaves are treated alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from upsampling_artifacts.errors import InputError


@dataclass(frozen=True)
class PolyphaseImbalance:
    """How different the phases of a signal are: phase ``p`` is every ``stride``-th sample from p.

    Attributes:
        mean_spread_db: Variance, over the phases, of their means, re the mean square of the
            signal: the share of its power that stands in lines at multiples of rate / stride.
            -inf if all phases have the same mean; NaN if the signal is exactly zero. White noise
            of ``time`` samples has ``(stride - 1) / time``.
        power_spread_db: Mean square of the loudest phase over that of the softest. Infinite if a
            phase is exactly zero; NaN if all are.
    """

    mean_spread_db: float
    power_spread_db: float


def polyphase_imbalance(signal: np.ndarray, stride: int) -> PolyphaseImbalance:
    """Compare the phases of a signal.

    With ``m[p]`` the mean of phase ``p``, the mean amplitude at ``k * rate / stride`` is
    ``X[k] = sum(m[p] * exp(-2j * pi * k * p / stride)) / stride``; by Parseval's theorem the
    power in them, but for k = 0, is ``mean(m**2) - mean(m)**2``: the variance of the means.

    Args:
        signal: ``(channels, time)``; powers are averaged over channels. Samples beyond the last
            whole stride are left out.
        stride: Number of phases, at least 2.

    Raises:
        InputError: The stride is below 2, or the signal is shorter than one.
    """
    if stride < 2:
        raise InputError(f"stride: {stride} makes no phases; at least 2 needed")
    phases = _phases(signal, stride)
    power = np.mean(phases**2, axis=(0, 1))
    # Differences from one phase, so that a constant has exactly none.
    means = np.mean(phases - phases[:, :, :1], axis=1)
    spread = np.mean(np.var(means, axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return PolyphaseImbalance(
            mean_spread_db=float(10 * np.log10(spread / power.mean())),
            power_spread_db=float(10 * np.log10(power.max() / power.min())),
        )


def phase_means(signal: np.ndarray, stride: int) -> np.ndarray:
    """The mean of each phase, ``(channels, stride)``.

    Args:
        signal: ``(channels, time)``. Samples beyond the last whole stride are left out.
        stride: Number of phases.

    Raises:
        InputError: The signal is shorter than a stride.
    """
    return _phases(signal, stride).mean(axis=1)


def phase_tone_db(means: np.ndarray) -> float:
    """Energy at all multiples of rate / stride re that at 0 Hz.

    Measured, of the phases' means; predicted, of the gains that a layer's phases have at 0 Hz:
    what a layer makes of an offset. By Parseval's theorem, as :func:`polyphase_imbalance` says.

    Args:
        means: ``(channels, stride)``; energies are averaged over channels.

    Returns:
        dB; -inf if all phases are alike.
    """
    spread = np.mean(np.var(means - means[:, :1], axis=1))
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(spread / np.mean(np.mean(means, axis=1) ** 2)))


def aperiodic_level_db(signal: np.ndarray, stride: int) -> float:
    """What of a signal does not repeat every ``stride`` samples, re the whole.

    Args:
        signal: ``(channels, time)``; powers are averaged over channels. Samples beyond the last
            whole stride are left out.
        stride: The period in samples.

    Returns:
        dB; -inf if the signal repeats exactly, NaN if it is exactly zero.

    Raises:
        InputError: The signal is shorter than a stride.
    """
    phases = _phases(signal, stride)
    rest = np.mean((phases - phases.mean(axis=1, keepdims=True)) ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(10 * np.log10(rest / np.mean(phases**2)))


def _phases(signal: np.ndarray, stride: int) -> np.ndarray:
    """``(channels, time / stride, stride)``, float64."""
    whole = signal.shape[-1] // stride * stride
    if not whole:
        raise InputError(
            f"signal: {signal.shape[-1]} samples are shorter than a stride of {stride}"
        )
    return signal[:, :whole].astype(np.float64).reshape(len(signal), -1, stride)
