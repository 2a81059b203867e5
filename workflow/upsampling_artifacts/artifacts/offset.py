"""A DC offset that is more than chance: the mean of a signal and its standard error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BLOCKS = 20
"""Pieces of the signal whose means are compared."""

MIN_STANDARD_ERRORS = 6.0
"""Student's t with 19 degrees of freedom exceeds this once in 100,000 channels."""


@dataclass(frozen=True)
class Offset:
    """The DC offset of the channel in which it is largest.

    Attributes:
        level_db: Level of the mean in dB re 1; -inf if it is exactly zero.
        channel: Index of the channel.
        significant: Whether the mean differs from zero by more than chance.
        constant: Whether the signal consists of the offset alone: all else is 60 dB below it.
    """

    level_db: float
    channel: int
    significant: bool
    constant: bool


def measure_offset(signal: np.ndarray) -> Offset:
    """Measure the DC offset of a signal, and whether it is more than chance.

    Low notes and noise have a mean, too. The means of twenty successive pieces show how much it
    varies; the offset is significant if it exceeds its standard error six times.

    Args:
        signal: ``(channels, time)``, at least 20 samples.

    Returns:
        The offset of the channel in which the offset is largest.

    Example:
        >>> noise = 0.1 * np.random.default_rng(0).standard_normal((2, 48_000))
        >>> measure_offset(noise).significant
        False
        >>> offset = measure_offset(noise + [[0.0], [0.01]])
        >>> round(offset.level_db), offset.channel, offset.significant, offset.constant
        (-40, 1, True, False)
        >>> measure_offset(np.full((1, 8000), 0.1)).constant
        True
    """
    piece = signal.shape[-1] // BLOCKS
    pieces = signal[:, : piece * BLOCKS].astype(np.float64).reshape(len(signal), BLOCKS, piece)
    means = pieces.mean(axis=2)
    mean = means.mean(axis=1)
    channel = int(np.abs(mean).argmax())
    error = means[channel].std(ddof=1) / np.sqrt(BLOCKS)
    # Rounding alone never makes a mean: compare with the last bit of float32.
    rounding = 2.0**-24 * np.abs(signal[channel]).max()
    rest = signal[channel].std(dtype=np.float64)
    with np.errstate(divide="ignore"):
        level_db = float(20 * np.log10(abs(mean[channel])))
    return Offset(
        level_db=level_db,
        channel=channel,
        significant=bool(abs(mean[channel]) > MIN_STANDARD_ERRORS * error + rounding),
        constant=bool(rest < 1e-3 * abs(mean[channel])),
    )
