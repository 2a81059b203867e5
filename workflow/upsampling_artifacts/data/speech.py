"""Speech that is always at hand, spoken by eSpeak NG, the synthesizer inside Praat.

It adds up formants by rule. A neural voice would bring the artifacts of its own upsampling along.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torchaudio.functional import resample

from upsampling_artifacts.errors import InputError

# Aesop's fable, in the words that the International Phonetic Association has for samples of speech.
TEXT = (
    "The north wind and the sun were disputing which was the stronger, when a traveller came along "
    "wrapped in a warm cloak."
)
VOICE = ("English (Great Britain)", "Female1")


def speech(seconds: float, rate_hz: int, channels: int) -> np.ndarray:
    """The beginning of :data:`TEXT`, of RMS 1, the same everywhere; it reaches up to 11 kHz.

    Args:
        seconds: At most 6.
        rate_hz: Sampling rate to bring it to (by torchaudio's windowed sinc).
        channels: Number of channels.

    Returns:
        ``(channels, time)`` float32.

    Raises:
        InputError: The synthesizer is not installed.
    """
    spoken, spoken_rate_hz = _spoken()
    spoken = resample(torch.from_numpy(spoken), spoken_rate_hz, rate_hz).numpy()
    spoken = spoken[: round(seconds * rate_hz)]
    return np.tile(spoken / np.sqrt(np.mean(spoken**2)), (channels, 1))


# The voice wavers at random, by numbers that go on from one sentence to the next and cannot be
# seeded: a process's first sentence is always the same, and so the only one.
@cache
def _spoken() -> tuple[np.ndarray, int]:
    """``(time,)`` float32 and its rate."""
    try:
        from parselmouth.praat import call
    except ImportError as error:
        raise InputError(
            "speech is synthesized by praat-parselmouth, which `make` installs where there is a "
            "ready-built one for the machine; here, build it: pip install praat-parselmouth"
        ) from error
    (sound,) = call(call("Create SpeechSynthesizer", *VOICE), "To Sound", TEXT, "no")
    return sound.values[0].astype(np.float32), round(sound.sampling_frequency)
