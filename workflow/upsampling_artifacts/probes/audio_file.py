"""A sound without its model: which stationary lines are in it, and which strides fit them.

A layer of stride n puts tones at ``k * rate / n`` (sections 2 and 4 of the paper), exactly and for
ever: the sampling clock is the model's own. A line that keeps its phase and stands there, to within
what can be measured, is a reason to suspect the layer; how strong a reason depends on how
much of the frequency axis lies that near to such a frequency.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from upsampling_artifacts.artifacts.lines import find_lines
from upsampling_artifacts.errors import InputError

logger = logging.getLogger(__name__)

STRIDES = (2, 3, 4, 5, 6, 8, 10, 16, 20, 32, 40, 64)
"""Products of the strides of last layers that are looked for; smaller ones are likelier."""

SHORTEST_SECONDS = 1.0  # what find_lines needs
MOST_SECONDS = 60.0
"""The middle of a longer file tells as much of what is stationary, in less memory."""

# find_lines follows the phase of a line through blocks of three seconds. Tones that just stand
# out of white noise come out within 0.2 Hz of where they are in one second, 0.05 Hz in three.
TOLERANCE_PERIODS = 0.25
BLOCK_SECONDS = 3.0

MAINS_HZ = (50, 60)
MAINS_HARMONICS = 20
MAINS_DRIFT_HZ = 0.05  # of the fundamental: power grids are kept within it most of the time

COLUMNS = [
    "frequency_hz", "level_db", "prominence_db", "presence", "stride", "multiple", "predicted_hz",
    "chance", "strides", "mains",
]  # fmt: skip


@dataclass(frozen=True)
class Coincidence:
    """A line at a frequency where a layer would put one.

    Attributes:
        stride: The smallest stride that does: the line stands at ``multiple * rate / stride``.
        multiple: Which multiple.
        predicted_hz: Where exactly.
        chance: Share of the frequency axis that lies as near to a multiple for this stride or
            a smaller one: how probable it is that a line from elsewhere stands here. Frequencies
            of human making (50 Hz hum, a test tone of 1 kHz) do not fall at random: they meet
            round sampling rates more often.
        strides: All of :data:`STRIDES` that put a tone there.
    """

    stride: int
    multiple: int
    predicted_hz: float
    chance: float
    strides: tuple[int, ...]


def coincidence(frequency_hz: float, rate_hz: float, tolerance_hz: float) -> Coincidence | None:
    """The strides whose tones stand at a frequency, or None.

    Args:
        frequency_hz: Of the line.
        rate_hz: Of the model's output.
        tolerance_hz: How exactly the frequency is known.
    """
    for stride in STRIDES:
        multiple = round(frequency_hz * stride / rate_hz)
        predicted_hz = multiple * rate_hz / stride
        if multiple and abs(frequency_hz - predicted_hz) <= tolerance_hz:
            strides = tuple(other for other in STRIDES if other % stride == 0)
            chance = _share_of_axis(stride, rate_hz, tolerance_hz)
            return Coincidence(stride, multiple, predicted_hz, chance, strides)
    return None


def _share_of_axis(stride: int, rate_hz: float, tolerance_hz: float) -> float:
    """Share of 0 .. Nyquist within the tolerance of a tone of this stride or a smaller one."""
    tones = {
        Fraction(multiple, smaller)
        for smaller in STRIDES
        if smaller <= stride
        for multiple in range(1, smaller // 2 + 1)
    }
    # Every tone has the tolerance on both sides, the one at Nyquist on one.
    covered_hz = (2 * len(tones) - (Fraction(1, 2) in tones)) * tolerance_hz
    return min(1.0, covered_hz / (rate_hz / 2))


def mains_hum(frequency_hz: float, tolerance_hz: float) -> str:
    """``"3 x 50 Hz"`` for a low harmonic of the mains; else nothing."""
    for mains_hz in MAINS_HZ:
        harmonic = round(frequency_hz / mains_hz)
        distance_hz = abs(frequency_hz - harmonic * mains_hz)
        if (
            1 <= harmonic <= MAINS_HARMONICS
            and distance_hz <= tolerance_hz + harmonic * MAINS_DRIFT_HZ
        ):
            return f"{harmonic} x {mains_hz} Hz"
    return ""


def explain_lines(signal: np.ndarray, rate_hz: float, model_rate_hz: float) -> pd.DataFrame:
    """The stationary narrow lines of a signal, each with the strides that would put it there.

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate of the signal.
        model_rate_hz: Rate at which the model that made it works; differs from ``rate_hz`` if
            its output was resampled.

    Returns:
        The columns :data:`COLUMNS`, strongest first. ``level_db``: RMS, dB re full scale;
        ``presence``: share of the time; ``stride``, ``multiple``, ``predicted_hz`` and
        ``chance`` as in :class:`Coincidence`, empty where no stride fits; ``strides`` and
        ``mains`` are text.
    """
    seconds = signal.shape[-1] / rate_hz
    tolerance_hz = TOLERANCE_PERIODS / min(seconds, BLOCK_SECONDS)
    rows = []
    for line in find_lines(signal, rate_hz):
        found = coincidence(line.frequency_hz, model_rate_hz, tolerance_hz)
        fit = (pd.NA, pd.NA, np.nan, np.nan, "")
        if found:
            strides = " ".join(map(str, found.strides))
            fit = (found.stride, found.multiple, found.predicted_hz, found.chance, strides)
        rows.append(
            (line.frequency_hz, line.level_db, line.prominence_db, line.presence, *fit,
             mains_hum(line.frequency_hz, tolerance_hz))
        )  # fmt: skip
    lines = pd.DataFrame(rows, columns=COLUMNS)
    return lines.astype({"stride": "Int64", "multiple": "Int64"})


def read_audio(path: str | Path) -> tuple[np.ndarray, int]:
    """Read an audio file, and make sure that there is something to measure.

    Args:
        path: What libsndfile reads: wav, flac, ogg, mp3 ...

    Returns:
        ``(signal, rate_hz)``: ``(channels, time)`` float32 re full scale.

    Raises:
        InputError: There is no such file, or it is unreadable, too short, silent or not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; an audio file or package.module:factory is needed")
    try:
        audio, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        reason = str(error).removeprefix(f"Error opening {str(path)!r}: ")
        raise InputError(
            f"{path}: not a readable audio file ({reason}); convert it to wav or flac"
        ) from error
    seconds = len(audio) / rate_hz
    if seconds < SHORTEST_SECONDS:
        raise InputError(
            f"{path}: {seconds:.2f} s are too short to tell a stationary line; "
            f"{SHORTEST_SECONDS:g} s are needed"
        )
    if not np.isfinite(audio).all():
        raise InputError(f"{path}: holds samples that are not finite numbers")
    if not audio.any():
        raise InputError(f"{path}: is silent throughout; there is nothing to find in it")
    if audio.shape[1] == 1:
        logger.info(f"{path}: mono")
    return np.ascontiguousarray(audio.T), rate_hz


def middle(signal: np.ndarray, samples: int) -> np.ndarray:
    """So many samples of ``(channels, time)`` from its middle, or all if there are fewer."""
    first = max(0, (signal.shape[-1] - samples) // 2)
    return signal[..., first : first + samples]
