"""Which sampling rates audio can be resampled between."""

from __future__ import annotations

import math

from upsampling_artifacts.errors import InputError

RECORDED_HZ = 44_100
"""Rate of MUSDB18, of the excerpt and of the synthetic songs."""

MAX_PERIOD = 2**24
"""Largest product of two rates without their common divisor. torchaudio computes a filter for each
pair of phases: 16 million of them take a second and half a gigabyte."""


def check_resampling(what: str, rate_hz: int, new_rate_hz: int) -> None:
    """Refuse rates that have so little in common that the filters would not fit into memory.

    Args:
        what: What sets the new rate, for the message.
        rate_hz: Sampling rate of the audio.
        new_rate_hz: Sampling rate of the result.

    Raises:
        InputError: The rates cannot be used together.

    Example:
        >>> check_resampling("rate_hz", 44100, 8000)
        >>> check_resampling("rate_hz", 44100, 44101)
        Traceback (most recent call last):
        upsampling_artifacts.errors.InputError: rate_hz: audio of 44100 Hz cannot be resampled to \
44101 Hz, because they have no large common divisor; use a usual rate, such as 44100 or 16000
    """
    divisor = math.gcd(rate_hz, new_rate_hz)
    if rate_hz != new_rate_hz and rate_hz * new_rate_hz > MAX_PERIOD * divisor**2:
        raise InputError(
            f"{what}: audio of {rate_hz} Hz cannot be resampled to {new_rate_hz} Hz, because they "
            "have no large common divisor; use a usual rate, such as 44100 or 16000"
        )
