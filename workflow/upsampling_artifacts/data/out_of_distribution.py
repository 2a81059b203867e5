"""Out-of-distribution sounds: test signals unlike the songs that a system was trained on.

They are generated or come from installed packages; a table beside the files states each one's
origin and license.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from scipy.signal import chirp

from upsampling_artifacts.data.cached_song import AUDIO_CHANNELS
from upsampling_artifacts.data.excerpt import excerpt_music
from upsampling_artifacts.data.musdb18 import EXCERPT
from upsampling_artifacts.data.signals import silence, sine_sweep, white_noise
from upsampling_artifacts.data.sound_set import COLUMNS, LEVEL, TABLE, YOURS, out_of_distribution
from upsampling_artifacts.data.speech import TEXT, can_speak, speech
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.files import atomic_write

__all__ = ["SOUNDS", "Sound", "out_of_distribution", "read_sound", "write_out_of_distribution"]

LEAST_SECONDS = 2
"""Shorter sounds cannot be measured: see the schema of ``out_of_distribution_seconds``."""

LOWEST_HZ = 20
"""The lower limit of hearing: the logarithmic sweep and the pink noise start here."""


def logarithmic_sweep(seconds: float, rate_hz: int, channels: int) -> np.ndarray:
    """Generate a sine of RMS 1 that sweeps from 20 Hz to Nyquist, at constant octaves per second.

    Args:
        seconds: Length of the signal.
        rate_hz: Sampling rate.
        channels: Number of channels.

    Returns:
        ``(channels, time)`` float32; the channels are equal.
    """
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    sweep = chirp(times, LOWEST_HZ, seconds, rate_hz / 2, method="logarithmic", phi=-90)
    return np.tile((np.sqrt(2) * sweep).astype(np.float32), (channels, 1))


def impulses(seconds: float, rate_hz: int, channels: int) -> np.ndarray:
    """Generate single samples, full scale in the file, about a quarter of a second apart.

    The distance is an odd number of samples: with strides that are powers of two, the impulses
    reach every phase of a network.

    Args:
        seconds: Length of the signal.
        rate_hz: Sampling rate.
        channels: Number of channels.

    Returns:
        ``(channels, time)`` float32; the channels are equal.
    """
    distance = 2 * (rate_hz // 8) + 1
    signal = np.zeros((channels, round(seconds * rate_hz)), np.float32)
    signal[:, distance::distance] = 1 / LEVEL
    return signal


def pink_noise(seconds: float, rate_hz: int, channels: int, seed: int = 1) -> np.ndarray:
    """Generate Gaussian noise of RMS 1 with equal power per octave (-3 dB per octave).

    This is white noise, filtered in the frequency domain (Timmer & König 1995). Its power below
    20 Hz is zero.

    Args:
        seconds: Length of the signal.
        rate_hz: Sampling rate.
        channels: Number of channels.
        seed: Seed of the noise.

    Returns:
        ``(channels, time)`` float32; the channels are independent.
    """
    white = white_noise(seconds, rate_hz, channels, seed)
    frequencies_hz = np.fft.rfftfreq(white.shape[-1], 1 / rate_hz)
    gain = np.where(frequencies_hz < LOWEST_HZ, 0, np.maximum(frequencies_hz, LOWEST_HZ) ** -0.5)
    pink = np.fft.irfft(np.fft.rfft(white) * gain, n=white.shape[-1])
    return (pink / np.sqrt(np.mean(pink**2))).astype(np.float32)


def music(seconds: float, rate_hz: int, channels: int) -> np.ndarray:
    """Take the middle of a real song of MUSDB18, scaled to standard deviation 1.

    Args:
        seconds: Length of the signal, at most 6.
        rate_hz: Sampling rate to resample to.
        channels: 1 for the mean of left and right, 2 for stereo.

    Returns:
        ``(channels, time)`` float32.
    """
    return excerpt_music(rate_hz, channels, seconds)


@dataclass(frozen=True)
class Sound:
    """One sound of the set.

    Attributes:
        kind: Kind of sound.
        make: From ``(seconds, rate_hz, channels)`` to ``(channels, time)``, in a network's units.
        origin: Where it comes from.
        license: Under which license it may be used.
    """

    kind: str
    make: Callable[[float, int, int], np.ndarray]
    origin: str
    license: str = "none needed (generated)"


SOUNDS = {
    "silence": Sound("silence", silence, "zeros"),
    "linear_sweep": Sound("sine sweep", sine_sweep, "a sine from 0 Hz to Nyquist"),
    "logarithmic_sweep": Sound(
        "sine sweep", logarithmic_sweep, f"a sine from {LOWEST_HZ} Hz to Nyquist"
    ),
    "impulses": Sound("impulses", impulses, "single samples a quarter of a second apart"),
    "speech": Sound(
        "speech",
        speech,
        f"synthesized by eSpeak NG in Praat (praat-parselmouth, GPL-3.0-or-later): {TEXT}",
        "none needed (a synthetic voice; the text is Aesop's)",
    ),
    "white_noise": Sound("noise", white_noise, "Gaussian, seed 0"),
    "pink_noise": Sound("noise", pink_noise, f"Gaussian, seed 1, from {LOWEST_HZ} Hz up"),
    "music": Sound(
        "music",
        music,
        f"{EXCERPT}: from MUSDB18's test set, six seconds of which the stempeg package ships",
        "CC BY-NC-SA 3.0",
    ),
}


def write_out_of_distribution(
    folder: str | Path,
    seconds: float,
    rate_hz: int,
    yours: Mapping[str, str | Path] | None = None,
) -> None:
    """Write each sound as a stereo float32 wav file, and a table of them (:data:`TABLE`).

    Without a speech synthesizer on this machine, there is no speech.

    Args:
        folder: Folder to write to.
        seconds: Length of the sounds, at most 6.
        rate_hz: Sampling rate.
        yours: Sounds of the user: name and file of each. The beginning is used, scaled to RMS 1.

    Raises:
        InputError: ffmpeg is missing, or a sound of the user cannot be used.
    """
    folder, rows = Path(folder), []
    sounds = {name: sound for name, sound in SOUNDS.items() if name != "speech" or can_speak()}
    for name, path in (yours or {}).items():
        sounds[name] = Sound(YOURS, partial(read_sound, path), str(path), "yours")
    for name, sound in sounds.items():
        signal = LEVEL * sound.make(seconds, rate_hz, AUDIO_CHANNELS)
        with atomic_write(folder / f"{name}.wav") as unfinished:
            soundfile.write(unfinished, signal.T, rate_hz, subtype="FLOAT")
        with np.errstate(divide="ignore"):  # silence has -inf
            level_db = 10 * np.log10(np.mean(signal.astype(np.float64) ** 2))
        rows.append(
            (name, sound.kind, f"{name}.wav", signal.shape[-1] / rate_hz, rate_hz,
             AUDIO_CHANNELS, round(level_db, 2), sound.license, sound.origin)
        )  # fmt: skip
    with atomic_write(folder / TABLE) as unfinished:
        pd.DataFrame(rows, columns=COLUMNS).to_csv(unfinished, index=False)


def read_sound(path: str | Path, seconds: float, rate_hz: int, channels: int) -> np.ndarray:
    """Read the beginning of a sound of the user, scaled to RMS 1.

    Args:
        path: A mono or stereo file in a format that libsndfile reads.
        seconds: Largest length to read.
        rate_hz: Sampling rate that the file must have.
        channels: Number of channels.

    Returns:
        ``(channels, time)`` float32; a mono file fills all channels.

    Raises:
        InputError: The file cannot be read, has another rate or number of channels, is too short,
            or is silent.
    """
    where = f"probes.out_of_distribution: {path}"
    try:
        if not Path(path).is_file():
            raise OSError("a pipe, say, of which a read would never end")
        with soundfile.SoundFile(path) as file:
            found_hz = file.samplerate
            audio = file.read(round(seconds * found_hz), dtype="float32", always_2d=True).T
    except (OSError, soundfile.LibsndfileError):
        raise InputError(f"{where}: no such file, or not audio that libsndfile reads") from None
    if found_hz != rate_hz:
        raise InputError(
            f"{where}: its rate is {found_hz} Hz, the experiment's is {rate_hz} Hz; resample it"
        )
    if len(audio) not in (1, channels):
        raise InputError(f"{where}: {len(audio)} channels; use 1 or {channels}")
    if audio.shape[-1] < LEAST_SECONDS * rate_hz:
        raise InputError(f"{where}: shorter than {LEAST_SECONDS} s, too short to be measured")
    rms = np.sqrt(np.mean(audio.astype(np.float64) ** 2))
    if not rms > 0:
        silent_seconds = f"{audio.shape[-1] / rate_hz:g}"
        raise InputError(
            f"{where}: its first {silent_seconds} s are silent; silence is probed anyway"
        )
    return np.tile(audio / np.float32(rms), (channels // len(audio), 1))
