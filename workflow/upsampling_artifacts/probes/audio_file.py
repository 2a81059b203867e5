"""An audio file without its model: which stationary lines it contains, and which strides fit them.

A layer of stride n puts tones at ``k * rate / n`` (paper, sections 2 and 4), exactly and for the
whole file: the model's own sampling clock places them. A line that keeps its phase and is at such
a frequency, to within the measurement error, points to the layer. The evidence is weaker the larger
the share of the frequency axis that lies as near to such a frequency.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from upsampling_artifacts.artifacts.line_search import find_lines
from upsampling_artifacts.errors import InputError

logger = logging.getLogger(__name__)

STRIDES = (2, 3, 4, 5, 6, 8, 10, 16, 20, 32, 40, 64)
"""Candidate products of the strides of the last layers; the smaller, the more plausible."""

MIN_SECONDS = 1.0
"""The shortest signal that ``find_lines`` accepts."""

MAX_SECONDS = 60.0
"""Only the middle of a longer file is measured: stationary lines are in every part of it."""

# find_lines follows the phase of a line through blocks of three seconds. It locates tones that
# barely stand out of white noise to within 0.2 Hz in one second, 0.05 Hz in three.
TOLERANCE_PERIODS = 0.25
BLOCK_SECONDS = 3.0

MAINS_HZ = (50, 60)
MAINS_HARMONICS = 20
MAINS_DRIFT_HZ = 0.05  # of the fundamental; power grids stay within it most of the time

COLUMNS = [
    "frequency_hz", "level_db", "prominence_db", "presence", "stride", "multiple", "predicted_hz",
    "chance", "strides", "mains",
]  # fmt: skip


@dataclass(frozen=True)
class Coincidence:
    """A line at a frequency where an upsampling layer would put a tone.

    Attributes:
        stride: The smallest stride that fits: the line is at ``multiple * rate / stride``.
        multiple: See ``stride``.
        predicted_hz: The exact frequency of the tone.
        chance: Share of the frequency axis that lies as near to a tone of this stride or a
            smaller one: the probability that an unrelated line fits. Man-made frequencies (50 Hz
            hum, a 1 kHz test tone) are not random: as round numbers, they fit more often.
        strides: All of :data:`STRIDES` that put a tone here.
    """

    stride: int
    multiple: int
    predicted_hz: float
    chance: float
    strides: tuple[int, ...]


def coincidence(frequency_hz: float, rate_hz: float, tolerance_hz: float) -> Coincidence | None:
    """Find the strides that put a tone at a frequency.

    Args:
        frequency_hz: Frequency of the line.
        rate_hz: Sampling rate of the model's output.
        tolerance_hz: Measurement error of the frequency.

    Returns:
        The coincidence, or None if no stride fits.

    >>> match = coincidence(11025.02, rate_hz=44100, tolerance_hz=0.1)
    >>> match.stride, match.multiple, match.predicted_hz
    (4, 1, 11025.0)
    >>> match.strides
    (4, 8, 16, 20, 32, 40, 64)
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
    # Each tone has the tolerance on both sides, except the one at Nyquist.
    covered_hz = (2 * len(tones) - (Fraction(1, 2) in tones)) * tolerance_hz
    return min(1.0, covered_hz / (rate_hz / 2))


def mains_hum(frequency_hz: float, tolerance_hz: float) -> str:
    """Name the harmonic of the mains frequency at a frequency, if it is a low one.

    Args:
        frequency_hz: Frequency of the line.
        tolerance_hz: Measurement error of the frequency.

    Returns:
        The harmonic, or an empty string.

    >>> mains_hum(150.1, tolerance_hz=0.1)
    '3 x 50 Hz'
    """
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
    """Find the stationary narrow lines of a signal and the strides that explain them.

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate of the signal.
        model_rate_hz: Sampling rate of the model that generated it; differs from ``rate_hz`` if the
            model's output was resampled.

    Returns:
        One row per line, strongest first, with the columns :data:`COLUMNS`. ``level_db`` is the
        RMS in dB re full scale and ``presence`` a share of the time. ``stride``, ``multiple``,
        ``predicted_hz`` and ``chance`` are those of :class:`Coincidence`, empty where no stride
        fits. ``strides`` and ``mains`` are text.

    Raises:
        InputError: The signal is shorter than a second.
    """
    seconds = signal.shape[-1] / rate_hz
    tolerance_hz = TOLERANCE_PERIODS / min(seconds, BLOCK_SECONDS)
    rows = []
    for line in find_lines(signal, rate_hz):
        match = coincidence(line.frequency_hz, model_rate_hz, tolerance_hz)
        fit: tuple = (pd.NA, pd.NA, np.nan, np.nan, "")
        if match:
            strides = " ".join(map(str, match.strides))
            fit = (match.stride, match.multiple, match.predicted_hz, match.chance, strides)
        rows.append(
            (line.frequency_hz, line.level_db, line.prominence_db, line.presence, *fit,
             mains_hum(line.frequency_hz, tolerance_hz))
        )  # fmt: skip
    lines = pd.DataFrame(rows, columns=COLUMNS)
    return lines.astype({"stride": "Int64", "multiple": "Int64"})


def read_audio(path: str | Path) -> tuple[np.ndarray, int]:
    """Read an audio file and check that it can be measured.

    Args:
        path: Any format of libsndfile: wav, flac, ogg, mp3 ...

    Returns:
        ``(signal, rate_hz)``: ``(channels, time)`` float32 re full scale.

    Raises:
        InputError: The file is missing, unreadable, too short, silent or not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(
            f"{path}: no such file; give an audio file, or a model as package.module:factory"
        )
    try:
        audio, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: raw samples, no header
        reason = str(error).removeprefix(f"Error opening {str(path)!r}: ")
        raise InputError(
            f"{path}: not a readable audio file ({reason}); convert it to wav or flac"
        ) from error
    seconds = len(audio) / rate_hz
    if seconds < MIN_SECONDS:
        raise InputError(
            f"{path}: {seconds:.2f} s is too short to detect a stationary line; "
            f"at least {MIN_SECONDS:g} s is needed"
        )
    if not np.isfinite(audio).all():
        raise InputError(f"{path}: contains samples that are not finite numbers")
    if not audio.any():
        raise InputError(f"{path}: is silent throughout; choose a file with sound")
    if audio.shape[1] == 1:
        logger.info(f"{path}: mono")
    return np.ascontiguousarray(audio.T), rate_hz


def middle(signal: np.ndarray, samples: int) -> np.ndarray:
    """The middle ``samples`` of ``(channels, time)``, or all if the signal is shorter."""
    first = max(0, (signal.shape[-1] - samples) // 2)
    return signal[..., first : first + samples]
