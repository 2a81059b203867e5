"""Audibility of a tone second by second: where in a signal it is heard best, and beyond chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from upsampling_artifacts.artifacts.chance import (
    control_frequencies_hz,
    excesses_db,
    in_octave,
)
from upsampling_artifacts.artifacts.masking import (
    margin_resolution_hz,
    masking_margin_db,
    masking_margins_db,
)

WINDOW_SECONDS = 1.0
STEP_SECONDS = 0.5


def second_starts(time: int, rate_hz: int) -> np.ndarray:
    """First samples of the seconds that are examined, every half second.

    Args:
        time: Length of the signal in samples, at least a second.
        rate_hz: Sampling rate.

    Returns:
        ``(second,)``; the last second lies entirely within the signal.

    Example:
        >>> second_starts(16000, rate_hz=8000).tolist()
        [0, 4000, 8000]
    """
    last = time - round(WINDOW_SECONDS * rate_hz)
    return np.arange(0, last + 1, round(STEP_SECONDS * rate_hz))


def cut_second(signal: np.ndarray, rate_hz: int, start: int) -> np.ndarray:
    """One second of a signal.

    Args:
        signal: ``(..., time)``.
        rate_hz: Sampling rate.
        start: First sample.

    Returns:
        ``(..., time)``, a view.

    Example:
        >>> cut_second(np.arange(5), rate_hz=2, start=3).tolist()
        [3, 4]
    """
    return signal[..., start : start + round(WINDOW_SECONDS * rate_hz)]


def margins_by_second(
    signal: np.ndarray, rate_hz: int, tone_hz: float, unit_rms_db_spl: float
) -> np.ndarray:
    """Level of a tone over its threshold of audibility in each channel and second.

    Each channel is listened to by itself: a tone may be masked in one and audible in the other.

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.
        tone_hz: Frequency of the tone.
        unit_rms_db_spl: Playback level, as for :func:`masking.masking_margins_db`. With it, a tone
            that nothing masks is compared with the threshold in quiet.

    Returns:
        ``(channels, second)`` in dB, for the seconds of :func:`second_starts`; positive if audible,
        -inf where the channel is exactly silent.

    Example:
        The tone starts after two seconds, in the second channel.

        >>> signal = np.zeros((2, 32000))
        >>> times_seconds = np.arange(16000) / 8000
        >>> signal[1, 16000:] = 0.01 * np.sin(2 * np.pi * 2000 * times_seconds)
        >>> margins_db = margins_by_second(signal, 8000, tone_hz=2000, unit_rms_db_spl=70)
        >>> bool(np.isneginf(margins_db[0]).all()), int(np.argmax(margins_db[1] > 0))
        (True, 3)
    """
    return np.array(
        [
            [
                masking_margin_db(
                    cut_second(channel[None], rate_hz, start), rate_hz, tone_hz, unit_rms_db_spl
                )
                for start in second_starts(signal.shape[-1], rate_hz)
            ]
            for channel in signal
        ]
    )


def tone_margin_db(
    second: np.ndarray,
    rate_hz: int,
    tone_hz: float,
    unit_rms_db_spl: float,
    strides: Sequence[int],
) -> float:
    """By how much a tone is audible, and more than chance.

    Args:
        second: ``(channels, time)``, one second.
        rate_hz: Sampling rate.
        tone_hz: Frequency of the tone.
        unit_rms_db_spl: Playback level, as for :func:`margins_by_second`.
        strides: Products of the strides of the last upsampling layers: no control frequency is near
            one of their tones. Without such layers, none is near a multiple of the tone.

    Returns:
        The margin over the threshold of audibility, or how far the masking margin exceeds that of
        all but 5 % of the control frequencies in the octave around the tone, whichever is less.

    Example:
        >>> noise = np.random.default_rng(0).standard_normal((1, 8000))
        >>> tone = np.tile([1.0, 1.0, -1.0, -1.0], 2000)
        >>> for second in (noise, noise + tone):
        ...     print(tone_margin_db(second, 8000, 2000, unit_rms_db_spl=70, strides=[4]) > 0)
        False
        True
    """
    audible_db = masking_margin_db(second, rate_hz, tone_hz, unit_rms_db_spl)
    controls_hz = control_frequencies_hz(
        rate_hz, strides or [round(rate_hz / tone_hz)], margin_resolution_hz(rate_hz)
    )
    controls_hz = controls_hz[in_octave(controls_hz, tone_hz, rate_hz)]
    margin_db, *controls_db = masking_margins_db(second, rate_hz, [tone_hz, *controls_hz])
    (excess_db,) = excesses_db(np.array([tone_hz]), [margin_db], controls_hz, controls_db, rate_hz)
    # The excess is undefined if the whole band is exactly zero; then, so is the tone.
    return float(np.fmin(audible_db, excess_db))
