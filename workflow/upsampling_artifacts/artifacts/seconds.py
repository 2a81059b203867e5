"""Audibility of a tone second by second: where in a signal it is heard best."""

from __future__ import annotations

import numpy as np

from upsampling_artifacts.artifacts.masking import masking_margin_db

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
