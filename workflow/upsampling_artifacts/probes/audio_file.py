"""An audio file without its model: reading it, and what a frequency in it points to.

A layer puts tones at ``k * rate / n`` (paper, sections 2 and 4), exactly and for the whole file,
``n`` being the product of its stride and of those of the layers that follow: the model's own
sampling clock places them. A line at such a frequency, to within the measurement error, points to
the layer. The evidence is weaker the larger the share of the frequency axis that lies as near to
such a frequency.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from operator import mul
from pathlib import Path

import numpy as np
import soundfile

from upsampling_artifacts.artifacts.combs import LONGEST_PERIOD
from upsampling_artifacts.errors import InputError, argument

logger = logging.getLogger(__name__)

MODEL_RATES_HZ = (16000, 22050, 24000, 32000, 44100, 48000)
"""The usual sampling rates of audio models."""

MAX_CHANCE = 0.01
"""Unrelated lines fit a stride more often than this: it is no evidence."""

MIN_SECONDS = 1.0
"""The shortest signal that ``find_lines`` accepts."""

MAX_SECONDS = 60.0
"""Only the middle of a longer file is measured: stationary lines are in every part of it."""

ROUND_HZ = (1000, 500, 100, 50)
"""Test tones, synthesizers and sampling rates prefer multiples of these."""

MAINS_HZ = (50, 60)
MAINS_HARMONICS = 20
MAINS_DRIFT_HZ = 0.05  # of the fundamental; power grids stay within it most of the time


@dataclass(frozen=True)
class Coincidence:
    """A line at a frequency where an upsampling layer would put a tone.

    Attributes:
        stride: The smallest stride (or product of strides) that fits: the line is at
            ``multiple * rate / stride``.
        multiple: See ``stride``.
        predicted_hz: The exact frequency of the tone.
        chance: Share of the frequency axis that lies as near to a tone of this stride or a
            smaller one: the probability that an unrelated line fits, if its frequency is random.
            For round frequencies, see :func:`chance_of_round`.
    """

    stride: int
    multiple: int
    predicted_hz: float
    chance: float


def coincidence(
    frequency_hz: float, rate_hz: float, tolerance_hz: float, strides: Sequence[int] | None = None
) -> Coincidence | None:
    """Find the smallest stride that puts a tone at a frequency.

    Args:
        frequency_hz: Frequency of the line.
        rate_hz: Sampling rate of the model's output.
        tolerance_hz: Measurement error of the frequency.
        strides: Those of a model. None: all that unrelated lines seldom fit.

    Returns:
        The coincidence, or None if no stride fits, or if unrelated lines fit this one more often
        than ``MAX_CHANCE``.

    >>> match = coincidence(11025.02, rate_hz=44100, tolerance_hz=0.1)
    >>> match.stride, match.multiple, match.predicted_hz
    (4, 1, 11025.0)

    Unrelated lines often fit some stride up to 241:

    >>> coincidence(44100 / 241, rate_hz=44100, tolerance_hz=0.1) is None
    True
    >>> coincidence(11025, rate_hz=44100, tolerance_hz=0.1, strides=[8, 40]).stride
    8
    """
    candidates = np.array(range(2, LONGEST_PERIOD + 1) if strides is None else sorted(set(strides)))
    multiples = np.round(frequency_hz * candidates / rate_hz)
    near = np.abs(frequency_hz - multiples * rate_hz / candidates) <= tolerance_hz
    fits = np.flatnonzero(near & (multiples > 0) & (candidates > 1))
    if not len(fits):
        return None
    stride, multiple = int(candidates[fits[0]]), int(multiples[fits[0]])
    tones = _count_tones(stride, None if strides is None else tuple(candidates.tolist()))
    # Each tone has the tolerance on both sides.
    chance = min(1.0, tones * 2 * tolerance_hz / (rate_hz / 2))
    if strides is None and chance > MAX_CHANCE:
        return None
    return Coincidence(stride, multiple, multiple * rate_hz / stride, chance)


def _count_tones(stride: int, strides: tuple[int, ...] | None) -> float:
    """How many frequencies up to Nyquist are tones of a stride or a smaller one.

    That at Nyquist counts as half.
    """
    if strides is None:
        return float(_cumulative_tones(LONGEST_PERIOD)[stride]) - 0.5
    tones = {Fraction(k, n) for n in strides if n <= stride for k in range(1, n // 2 + 1)}
    return len(tones) - (Fraction(1, 2) in tones) / 2


@lru_cache(maxsize=1)
def _cumulative_tones(longest: int) -> np.ndarray:
    """For each stride, how many frequencies up to Nyquist are tones of it or a smaller one."""
    totients = np.arange(longest + 1)
    for number in range(2, longest + 1):
        if totients[number] == number:  # a prime
            totients[number::number] -= totients[number::number] // number
    # Of the fractions k / n in lowest terms, half lie below 1/2, which is the only one of n = 2.
    new = totients // 2
    new[:3] = [0, 0, 1]
    return np.cumsum(new)


def roundest_hz(frequency_hz: float, rate_hz: float, tolerance_hz: float) -> float:
    """The roundest number of :data:`ROUND_HZ` of which a frequency is a multiple.

    Args:
        frequency_hz: Frequency of the line.
        rate_hz: Sampling rate. Nobody plays a tone at the Nyquist frequency, however round.
        tolerance_hz: Measurement error of the frequency.

    Returns:
        The number; NaN if there is none.

    >>> roundest_hz(4000.01, 16000, 0.1), roundest_hz(11025, 44100, 0.1)
    (1000.0, nan)
    """
    if rate_hz / 2 - frequency_hz <= tolerance_hz:
        return math.nan
    for step_hz in ROUND_HZ:
        multiple = round(frequency_hz / step_hz)
        if multiple and abs(frequency_hz - multiple * step_hz) <= tolerance_hz:
            return float(step_hz)
    return math.nan


def chance_of_round(
    stride: int, rate_hz: float, step_hz: float, strides: Sequence[int] | None = None
) -> float:
    """The probability that an unrelated line at a round frequency fits a stride.

    :attr:`Coincidence.chance` takes the frequency of an unrelated line as random. That of a test
    tone or a synthesizer is not: at 16 kHz, rate/16 is 1 kHz. People choose round numbers, and
    sampling rates are round, so that their fractions are, too. The fair comparison is with other
    frequencies that are as round: of the multiples of 1 kHz up to 8 kHz, all fit some stride up to
    16, so the line says nothing for the stride, nor against it.

    Args:
        stride: The stride that fits, as in :class:`Coincidence`.
        rate_hz: Sampling rate of the model's output.
        step_hz: From :func:`roundest_hz`.
        strides: Those of a model. None: all.

    Returns:
        Share of the multiples of ``step_hz`` up to the Nyquist frequency that are tones of the
        stride or a smaller one.

    >>> chance_of_round(4, 16000, 1000), chance_of_round(16, 16000, 1000)
    (0.14285714285714285, 1.0)
    >>> round(chance_of_round(3, 44100, 100), 4)  # 14.7 kHz alone
    0.0045
    """
    candidates = [n for n in strides or range(2, stride + 1) if n <= stride]
    below = Fraction(rate_hz).limit_denominator(1000) / 2
    multiples = range(1, math.ceil(below / Fraction(step_hz)))  # without the Nyquist frequency
    fits = 0
    for multiple in multiples:
        denominator = (multiple * Fraction(step_hz) / (2 * below)).denominator
        fits += any(n % denominator == 0 for n in candidates)
    return fits / len(multiples)


def products(strides: Sequence[int] = (), hop: int = 1) -> list[int]:
    """The strides of a model's layers, each multiplied by those of all that follow.

    Args:
        strides: In the order of the layers: the last is next to the output.
        hop: That of the inverse STFT after them; 1 if there is none.

    Returns:
        The products, ascending.

    Raises:
        InputError: A stride or the hop is not positive.

    >>> products([8, 5, 3], hop=4)
    [4, 12, 60, 480]
    """
    for name, value in (*(("strides", stride) for stride in strides), ("hop", hop)):
        if value != int(value) or value < 1:
            raise InputError(f"{argument(name)}: {value} is not a positive integer")
    found = accumulate([hop, *reversed(strides)], mul)
    return sorted({int(product) for product in found} - {1})


def mains_hum(frequency_hz: float, tolerance_hz: float, drift_hz: float = MAINS_DRIFT_HZ) -> str:
    """Name the harmonic of the mains frequency at a frequency, if it is a low one.

    Args:
        frequency_hz: Frequency of the line.
        tolerance_hz: Measurement error of the frequency.
        drift_hz: That of the fundamental.

    Returns:
        The harmonic, or an empty string.

    >>> mains_hum(150.1, tolerance_hz=0.1)
    '3 x 50 Hz'
    """
    for mains_hz in MAINS_HZ:
        harmonic = round(frequency_hz / mains_hz)
        distance_hz = abs(frequency_hz - harmonic * mains_hz)
        if 1 <= harmonic <= MAINS_HARMONICS and distance_hz <= tolerance_hz + harmonic * drift_hz:
            return f"{harmonic} x {mains_hz} Hz"
    return ""


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
