"""Search a sound for stationary lines: all channels together, one by one, and in its pauses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.ndimage import find_objects, label

from upsampling_artifacts.artifacts.expected_tones import find_expected
from upsampling_artifacts.artifacts.held_tones import held_tones
from upsampling_artifacts.artifacts.line_search import FoundLine, find_lines
from upsampling_artifacts.artifacts.spectra import MAIN_LOBE_BINS
from upsampling_artifacts.probes.audio_file import Coincidence

LARGEST_EXPECTED = 32
"""Largest stride at whose frequencies weak tones are searched for, if none is given."""
MOST_MULTIPLES = 512

PAUSES_DB = ((-np.inf, -20.0), (-35.0, -20.0), (-45.0, -30.0), (-55.0, -40.0), (-65.0, -50.0))
"""A pause is that quiet re the sound's RMS. Bands, because a tone that begins in the middle of a
pause raises its level: the first band in which there are lines counts."""
PAUSE_SECONDS = 0.3
"""Shortest pause."""
PAUSE_WINDOW_SECONDS = 0.25
MIN_PAUSES_SECONDS = 1.0

WHOLE, PAUSES = "whole", "pauses"


@dataclass
class Line:
    """A line while it is being explained."""

    found: FoundLine
    frequency_hz: float
    channels: list[int]
    part: str
    held: bool
    match: Coincidence | None = None
    rate_hz: float | None = None
    comb_hz: float = np.nan
    round_hz: float = np.nan


def quiet_parts(
    signal: np.ndarray, rate_hz: float, band_db: tuple[float, float] = PAUSES_DB[0]
) -> list[tuple[float, float]]:
    """The pauses of a sound.

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate.
        band_db: Their smallest and largest level re the RMS of the whole sound.

    Returns:
        ``(start, end)`` of each in seconds; none if they are shorter than a second in all, and none
        if all is digital silence.

    >>> signal = np.ones((1, 8000))
    >>> signal[:, 2000:5000] *= 0.01
    >>> quiet_parts(signal, rate_hz=2000)
    [(1.0, 2.5)]
    """
    block = round(0.05 * rate_hz)
    n_blocks = signal.shape[-1] // block
    blocks = signal[:, : n_blocks * block].astype(np.float64).reshape(len(signal), n_blocks, block)
    power = np.mean(blocks**2, axis=(0, 2))
    smallest, largest = (10 ** (level_db / 10) * np.mean(power) for level_db in band_db)
    quiet = (power < largest) & (power >= smallest)
    runs = [run[0] for run in find_objects(label(quiet)[0])]
    parts = [
        (run.start * block / rate_hz, run.stop * block / rate_hz)
        for run in runs
        if (run.stop - run.start) * block / rate_hz >= PAUSE_SECONDS
        and signal[:, run.start * block : run.stop * block].any()
    ]
    return parts if sum(end - start for start, end in parts) >= MIN_PAUSES_SECONDS else []


def search(
    signal: np.ndarray, rate_hz: float, where: np.ndarray | None = None, part: str = WHOLE
) -> list[Line]:
    """The lines of all channels together and of each, merged."""
    window_seconds = 0.5 if where is None else PAUSE_WINDOW_SECONDS
    different = different_channels(signal)
    searched = [signal] if len(different) == 1 else [signal, *(signal[[c]] for c in different)]
    candidates: list[tuple[FoundLine, list[int]]] = []
    for n, channels in enumerate(searched):
        found = find_lines(channels, rate_hz, window_seconds=window_seconds, where=where)
        members = list(range(len(signal))) if n == 0 else [different[n - 1]]
        candidates += [(line, members) for line in found]
    groups: list[list[tuple[FoundLine, list[int]]]] = []
    for line in sorted(candidates, key=lambda pair: pair[0].frequency_hz):
        near = groups and line[0].frequency_hz - groups[-1][0][0].frequency_hz <= 1
        groups[-1].append(line) if near else groups.append([line])
    best = [max(group, key=lambda pair: pair[0].level_db) for group in groups]
    channel_of = [_loudest(signal, members, line.frequency_hz, rate_hz) for line, members in best]
    lines: list[Line] = []
    for channel in sorted(set(channel_of)):
        mine = [n for n, other in enumerate(channel_of) if other == channel]
        tones = held_tones(
            signal[channel], rate_hz, [best[n][0].frequency_hz for n in mine], window_seconds, where
        )
        for n, tone in zip(mine, tones, strict=True):
            alone = sorted({c for _, members in groups[n] if len(members) == 1 for c in members})
            lines.append(
                Line(
                    best[n][0],
                    min(float(tone.frequency_hz), rate_hz / 2),
                    [channel] if len(searched) == 1 else alone,
                    part,
                    tone.is_held,
                )
            )
    return lines


def search_expected(
    signal: np.ndarray,
    rate_hz: float,
    model_rate_hz: float,
    own_strides: Sequence[int] | None,
    lines: Sequence[Line],
) -> list[Line]:
    """Weak tones of the model's own strides or of small ones."""
    strides = own_strides or range(2, LARGEST_EXPECTED + 1)
    tones = {Fraction(k, n) for n in strides for k in range(1, min(n // 2, MOST_MULTIPLES) + 1)}
    known = np.array([line.frequency_hz for line in lines])
    wanted = [
        frequency_hz
        for frequency_hz in (float(tone) * model_rate_hz for tone in tones)
        if not len(known) or np.abs(known - frequency_hz).min() > 2
    ]
    found: dict[float, Line] = {}
    different = different_channels(signal)
    for channel in different:
        for frequency_hz, level_db, over_db in find_expected(signal[channel], rate_hz, wanted):
            line = found.setdefault(
                frequency_hz,
                Line(
                    FoundLine(frequency_hz, level_db, over_db, 1.0), frequency_hz, [], WHOLE, True
                ),
            )
            line.channels.append(channel)
    return list(found.values())


def different_channels(signal: np.ndarray) -> list[int]:
    """Channels that sound and are not copies of an earlier one."""
    different: list[int] = []
    for channel, samples in enumerate(signal):
        if samples.any() and not any(np.array_equal(samples, signal[c]) for c in different):
            different.append(channel)
    return different or [0]


def _loudest(
    signal: np.ndarray, members: Sequence[int], frequency_hz: float, rate_hz: float
) -> int:
    """The channel in which a tone is loudest."""
    if len(members) == 1:
        return members[0]
    turning = np.exp(-2j * np.pi * frequency_hz / rate_hz * np.arange(signal.shape[-1]))
    return int(np.abs(signal @ turning).argmax())


def search_pauses(
    signal: np.ndarray,
    rate_hz: float,
    pauses: Sequence[tuple[float, float]],
    lines: Sequence[Line],
) -> list[Line]:
    """The lines of the pauses that are not in the whole sound."""
    where = inside(signal.shape[-1], rate_hz, pauses)
    known = np.array([line.frequency_hz for line in lines])
    lobe_hz = MAIN_LOBE_BINS / PAUSE_WINDOW_SECONDS
    return [
        line
        for line in search(signal, rate_hz, where, PAUSES)
        if not len(known) or np.abs(known - line.frequency_hz).min() > lobe_hz
    ]


def inside(time: int, rate_hz: float, parts: Sequence[tuple[float, float]]) -> np.ndarray:
    where = np.zeros(time, dtype=bool)
    for start, end in parts:
        where[round(start * rate_hz) : round(end * rate_hz)] = True
    return where
