"""Speech without a download, synthesized by eSpeak NG inside Praat.

eSpeak NG is a formant synthesizer. A neural voice would bring its own upsampling artifacts.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

import numpy as np
import torch
from torchaudio.functional import resample

from upsampling_artifacts.data.rates import check_resampling
from upsampling_artifacts.errors import InputError

# Aesop's fable as used by the International Phonetic Association for speech samples.
TEXT = (
    "The north wind and the sun were disputing which was the stronger, when a traveller came along "
    "wrapped in a warm cloak."
)
VOICE = ("English (Great Britain)", "Female1")


def speech(seconds: float, rate_hz: int, channels: int) -> np.ndarray:
    """Speak the beginning of :data:`TEXT` at RMS 1; the voice reaches up to 11 kHz.

    Every process gets the same samples, bit for bit.

    Args:
        seconds: Length, at most 6.
        rate_hz: Sampling rate to resample to (torchaudio's windowed sinc).
        channels: Number of channels.

    Returns:
        ``(channels, time)`` float32.

    Raises:
        InputError: The synthesizer is not installed.
    """
    original, original_rate_hz = _synthesize_voice()
    check_resampling("rate_hz", original_rate_hz, rate_hz)
    voice = resample(torch.from_numpy(original), original_rate_hz, rate_hz).numpy()
    voice = voice[: round(seconds * rate_hz)]
    return np.tile(voice / np.sqrt(np.mean(voice**2)), (channels, 1))


def can_speak() -> bool:
    """Whether the synthesizer is installed: it has no wheels for some machines."""
    return find_spec("parselmouth") is not None


# The voice has random jitter. Its generator cannot be seeded, so only the first sentence of a
# process is reproducible, and a process synthesizes only one.
@cache
def _synthesize_voice() -> tuple[np.ndarray, int]:
    """Synthesize ``(time,)`` float32; also return its sampling rate."""
    try:
        from parselmouth import praat
    except ImportError as error:
        raise InputError(
            "speech needs praat-parselmouth, which `make` installs where a wheel exists; on this "
            "machine, build it: pip install praat-parselmouth"
        ) from error
    (sound,) = praat.call(praat.call("Create SpeechSynthesizer", *VOICE), "To Sound", TEXT, "no")
    return sound.values[0].astype(np.float32), round(sound.sampling_frequency)
