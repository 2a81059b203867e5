"""The stationary lines of a sound, and the layers that they point to.

Lines are searched for in all channels together and one by one, in the whole sound and in its
pauses. Those that a note can make are left out. What fits them is tried as a whole: a model's own
strides, if they are given; combs; single strides; at the rate of the file or of the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pandas as pd
from scipy.ndimage import find_objects, label

from upsampling_artifacts.artifacts.combs import Comb, find_combs
from upsampling_artifacts.artifacts.cutoff import original_rate_hz
from upsampling_artifacts.artifacts.expected_tones import find_expected
from upsampling_artifacts.artifacts.held_tones import held_tones
from upsampling_artifacts.artifacts.line_search import FoundLine, find_lines
from upsampling_artifacts.artifacts.masking import masking_margins_db
from upsampling_artifacts.artifacts.spectra import MAIN_LOBE_BINS
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.probes.audio_file import (
    MODEL_RATES_HZ,
    Coincidence,
    coincidence,
    mains_hum,
)
from upsampling_artifacts.probes.line_summary import INAUDIBLE_DB

# Lines are located by their phase over the whole sound: to within 0.02 periods in white noise, if
# they barely stand out of it.
TOLERANCE_PERIODS = 0.25
SETTLED_SECONDS = 12.5  # longer sounds locate lines no better: clocks and resamplers have errors

SURE = 1e-3
"""Where an unrelated line is less often, a line need not be held: its frequency is evidence."""

NOTE_SECONDS = 3.0
"""In a shorter sound, a note may last as long as a tone."""

IMAGE_DB = 40.0
"""Resampling suppresses images by this or more."""

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

FULL_SCALE_DB_SPL = 90.0
"""Playback level of RMS 1, for the masking margin: music of -20 dB re full scale is then played at
``measures_table.PLAYBACK_DB_SPL`` = 70 dB SPL."""

ROUND_HZ = 50
"""Test tones and sampling rates are multiples of this, and then fit each other by design."""

COLUMNS = [
    "frequency_hz", "level_db", "prominence_db", "masking_margin_db", "presence", "channels",
    "part", "stride", "multiple", "predicted_hz", "model_rate_hz", "chance", "comb_hz", "mains",
]  # fmt: skip

WHOLE, PAUSES = "whole", "pauses"


@dataclass(frozen=True)
class FileLines:
    """What was found in a sound.

    Attributes:
        table: One row per line, strongest first, with the columns :data:`COLUMNS`. ``level_db`` is
            the RMS in dB re full scale in the channel in which it is largest, ``presence`` a share
            of the time. ``channels`` is empty if the line is in all of them. ``stride``,
            ``multiple``, ``predicted_hz``, ``model_rate_hz`` and ``chance`` are empty where no
            layer fits; ``comb_hz`` is the spacing of the comb to which the line belongs.
        combs: ``(comb, rate_hz)``: the combs, whose ``lines`` are rows of the table, and the rate
            of which their periods are.
        original_rate_hz: The rate from which the sound was resampled; None if it was not.
        model_rate_hz: The rate of which strides were tried first.
        pauses: ``(start, end)`` in seconds, for the lines that are there only in pauses.
        doubtful: How many lines were left out because the sound is too short to tell them from
            notes.
    """

    table: pd.DataFrame
    combs: list[tuple[Comb, float]] = field(default_factory=list)
    original_rate_hz: float | None = None
    model_rate_hz: float | None = None
    pauses: list[tuple[float, float]] = field(default_factory=list)
    doubtful: int = 0


@dataclass
class _Line:
    """A line while it is being explained."""

    found: FoundLine
    frequency_hz: float
    channels: list[int]
    part: str
    held: bool
    match: Coincidence | None = None
    rate_hz: float | None = None
    comb_hz: float = np.nan


def find_file_lines(
    signal: np.ndarray,
    rate_hz: float,
    model_rate_hz: float | None = None,
    own_strides: Sequence[int] | None = None,
) -> FileLines:
    """Find the stationary narrow lines of a sound and the layers to which they point.

    Args:
        signal: ``(channels, time)``.
        rate_hz: Sampling rate of the signal.
        model_rate_hz: Sampling rate of the model that generated it. None: where the spectrum ends
            decides; else the rate of the signal, and the usual ones with a correction of the chance
            for their number.
        own_strides: Those of the model (:func:`audio_file.products`); None if they are unknown.

    Returns:
        The lines.

    Raises:
        InputError: The signal is shorter than a second.
    """
    seconds = signal.shape[-1] / rate_hz
    tolerance_hz = TOLERANCE_PERIODS / min(seconds, SETTLED_SECONDS)
    lines = _search(signal, rate_hz)
    original = original_rate_hz(signal, rate_hz, MODEL_RATES_HZ)
    if original and _has_tones_above(lines, 0.49 * original):
        original = None  # a model of the file's rate, fed with a sound of a lower one
    # A song that was low-passed by a codec also ends early: the better explanation counts.
    main_hz = model_rate_hz or max(
        [original or rate_hz, rate_hz], key=lambda hz: _count_sure(lines, hz, tolerance_hz)
    )
    if seconds >= NOTE_SECONDS:
        lines += _search_expected(signal, rate_hz, main_hz, own_strides, lines)
    in_pauses: list[_Line] = []
    pauses: list[tuple[float, float]] = []
    for band_db in PAUSES_DB:
        if not in_pauses and (pauses := quiet_parts(signal, rate_hz, band_db)):
            in_pauses = _search_pauses(signal, rate_hz, pauses, lines)
    explain = _Explainer(main_hz, rate_hz, model_rate_hz, own_strides, tolerance_hz)
    found = [*lines, *in_pauses]
    if original:  # above are images of its tones
        found = [line for line in found if line.frequency_hz <= original / 2]
    kept, doubtful = _choose(found, explain, seconds)
    kept.sort(key=lambda line: -line.found.level_db)
    combs = explain.lines(kept)
    if seconds < NOTE_SECONDS and any(comb.period is None for comb, _ in combs):
        kept, combs, doubtful = [], [], doubtful + len(kept)
    return FileLines(
        _table(kept, signal, rate_hz, tolerance_hz, pauses),
        combs,
        original,
        main_hz,
        pauses if any(line.part == PAUSES for line in kept) else [],
        doubtful,
    )


def _count_sure(lines: Sequence[_Line], rate_hz: float, tolerance_hz: float) -> int:
    """How many lines are where unrelated ones hardly are, at a rate of the model."""
    matches = [coincidence(line.frequency_hz, rate_hz, tolerance_hz) for line in lines if line.held]
    return sum(match is not None and match.chance <= SURE for match in matches)


def _has_tones_above(lines: Sequence[_Line], frequency_hz: float) -> bool:
    """Whether there are tones above a frequency that are no images of those below."""
    levels_db: list[list[float]] = [[-np.inf], [-np.inf]]
    for line in lines:
        levels_db[line.frequency_hz > frequency_hz].append(
            line.found.level_db if line.held else -np.inf
        )
    below_db, above_db = map(max, levels_db)
    return above_db > max(below_db - IMAGE_DB, INAUDIBLE_DB)


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


def _search(
    signal: np.ndarray, rate_hz: float, where: np.ndarray | None = None, part: str = WHOLE
) -> list[_Line]:
    """The lines of all channels together and of each, merged."""
    window_seconds = 0.5 if where is None else PAUSE_WINDOW_SECONDS
    different = _different_channels(signal)
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
    lines: list[_Line] = []
    for channel in sorted(set(channel_of)):
        mine = [n for n, other in enumerate(channel_of) if other == channel]
        tones = held_tones(
            signal[channel], rate_hz, [best[n][0].frequency_hz for n in mine], window_seconds, where
        )
        for n, tone in zip(mine, tones, strict=True):
            alone = sorted({c for _, members in groups[n] if len(members) == 1 for c in members})
            lines.append(
                _Line(
                    best[n][0],
                    min(float(tone.frequency_hz), rate_hz / 2),
                    [channel] if len(searched) == 1 else alone,
                    part,
                    tone.is_held,
                )
            )
    return lines


def _search_expected(
    signal: np.ndarray,
    rate_hz: float,
    model_rate_hz: float,
    own_strides: Sequence[int] | None,
    lines: Sequence[_Line],
) -> list[_Line]:
    """Weak tones of the model's own strides or of small ones."""
    strides = own_strides or range(2, LARGEST_EXPECTED + 1)
    tones = {Fraction(k, n) for n in strides for k in range(1, min(n // 2, MOST_MULTIPLES) + 1)}
    known = np.array([line.frequency_hz for line in lines])
    wanted = [
        frequency_hz
        for frequency_hz in (float(tone) * model_rate_hz for tone in tones)
        if not len(known) or np.abs(known - frequency_hz).min() > 2
    ]
    found: dict[float, _Line] = {}
    different = _different_channels(signal)
    for channel in different:
        for frequency_hz, level_db, over_db in find_expected(signal[channel], rate_hz, wanted):
            line = found.setdefault(
                frequency_hz,
                _Line(
                    FoundLine(frequency_hz, level_db, over_db, 1.0), frequency_hz, [], WHOLE, True
                ),
            )
            line.channels.append(channel)
    return list(found.values())


def _different_channels(signal: np.ndarray) -> list[int]:
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


def _search_pauses(
    signal: np.ndarray,
    rate_hz: float,
    pauses: Sequence[tuple[float, float]],
    lines: Sequence[_Line],
) -> list[_Line]:
    """The lines of the pauses that are not in the whole sound."""
    where = _inside(signal.shape[-1], rate_hz, pauses)
    known = np.array([line.frequency_hz for line in lines])
    lobe_hz = MAIN_LOBE_BINS / PAUSE_WINDOW_SECONDS
    return [
        line
        for line in _search(signal, rate_hz, where, PAUSES)
        if not len(known) or np.abs(known - line.frequency_hz).min() > lobe_hz
    ]


def _inside(time: int, rate_hz: float, parts: Sequence[tuple[float, float]]) -> np.ndarray:
    where = np.zeros(time, dtype=bool)
    for start, end in parts:
        where[round(start * rate_hz) : round(end * rate_hz)] = True
    return where


def _choose(lines: Sequence[_Line], explain: _Explainer, seconds: float) -> tuple[list[_Line], int]:
    """Lines that no note makes, and the number of those that are left out of a short sound."""
    kept = [line for line in lines if line.held]
    if seconds < NOTE_SECONDS:
        return (kept, 0) if len(kept) == len(lines) else ([], len(lines))
    periods = [comb.period for comb in explain.combs(kept) if comb.period]
    for line in lines:
        if not line.held and explain.is_sure(line.frequency_hz, periods):
            kept.append(line)
    return kept, 0


class _Explainer:
    """Ties lines to layers."""

    def __init__(
        self,
        main_hz: float,
        rate_hz: float,
        given_hz: float | None,
        own_strides: Sequence[int] | None,
        tolerance_hz: float,
    ) -> None:
        self.main_hz = main_hz
        self.own_strides = own_strides
        self.tolerance_hz = tolerance_hz
        others = {*MODEL_RATES_HZ, rate_hz} - {main_hz}
        self.other_hz = [] if given_hz else sorted(others)

    def combs(self, lines: Sequence[_Line], rate_hz: float | None = None) -> list[Comb]:
        """The combs of some lines, at the model's rate or another."""
        return find_combs(
            [line.frequency_hz for line in lines],
            [line.found.level_db for line in lines],
            rate_hz or self.main_hz,
            tolerance_hz=self.tolerance_hz,
        )

    def is_sure(self, frequency_hz: float, periods: Sequence[int]) -> bool:
        """Whether a line is where unrelated lines hardly are: sure tones, combs, mains hum."""
        match = coincidence(frequency_hz, self.main_hz, self.tolerance_hz)
        own = [*periods, *(self.own_strides or [])]
        known = coincidence(frequency_hz, self.main_hz, self.tolerance_hz, own) if own else None
        hum = mains_hum(frequency_hz, self.tolerance_hz, drift_hz=0)
        return bool(hum) or any(found and found.chance <= SURE for found in (match, known))

    def lines(self, lines: Sequence[_Line]) -> list[tuple[Comb, float]]:
        """Explain lines in place; return the combs."""
        if self.own_strides:
            for line in lines:
                line.match = coincidence(
                    line.frequency_hz, self.main_hz, self.tolerance_hz, self.own_strides
                )
                line.rate_hz = self.main_hz if line.match else None
        combs = [(comb, self.main_hz) for comb in self.combs(lines)]
        combs = [
            (comb, rate)
            for comb, rate in combs
            if comb.period or (len(comb.lines) > 2 and min(comb.multiples) < 40)
        ]
        for comb, rate in combs:
            self._take(lines, comb, rate)
        for line in lines:
            if line.match is None and np.isnan(line.comb_hz):
                line.match = coincidence(line.frequency_hz, self.main_hz, self.tolerance_hz)
                line.rate_hz = self.main_hz if line.match else None
        self._at_other_rates(lines)
        return combs

    def _take(self, lines: Sequence[_Line], comb: Comb, rate_hz: float) -> None:
        """Give the lines of a comb their own smallest strides."""
        for index, multiple in zip(comb.lines, comb.multiples, strict=True):
            line = lines[index]
            line.comb_hz = comb.spacing_hz
            if comb.period and line.match is None:
                shared = int(np.gcd(multiple, comb.period))
                line.match = Coincidence(
                    comb.period // shared, multiple // shared, multiple * comb.spacing_hz,
                    comb.chance,
                )  # fmt: skip
                line.rate_hz = rate_hz

    def _at_other_rates(self, lines: Sequence[_Line]) -> None:
        """Try the usual rates on the lines that are left, with a correction for their number."""
        tried = len(self.other_hz)
        for line in lines:
            is_round = abs(line.frequency_hz - ROUND_HZ * round(line.frequency_hz / ROUND_HZ))
            if line.match or not np.isnan(line.comb_hz) or is_round <= self.tolerance_hz:
                continue
            found = [
                (match.chance * tried, rate_hz, match)
                for rate_hz in self.other_hz
                if (match := coincidence(line.frequency_hz, rate_hz, self.tolerance_hz))
                and match.chance * tried <= SURE
            ]
            if found:
                chance, line.rate_hz, match = min(found, key=lambda one: one[0])
                line.match = Coincidence(match.stride, match.multiple, match.predicted_hz, chance)


def _table(
    lines: Sequence[_Line],
    signal: np.ndarray,
    rate_hz: float,
    tolerance_hz: float,
    pauses: Sequence[tuple[float, float]],
) -> pd.DataFrame:
    margins_db = _margins_db(lines, signal, rate_hz, pauses)
    rows = []
    for line, margin_db in zip(lines, margins_db, strict=True):
        match = line.match
        every = len(line.channels) == len(_different_channels(signal))
        rows.append(
            (
                line.frequency_hz, line.found.level_db, line.found.prominence_db, margin_db,
                line.found.presence,
                "" if every else " ".join(str(channel + 1) for channel in line.channels),
                line.part,
                *((match.stride, match.multiple, match.predicted_hz, line.rate_hz, match.chance)
                  if match else (pd.NA, pd.NA, np.nan, np.nan, np.nan)),
                line.comb_hz, mains_hum(line.frequency_hz, tolerance_hz),
            )
        )  # fmt: skip
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype({"stride": "Int64", "multiple": "Int64", "model_rate_hz": float})


def _margins_db(
    lines: Sequence[_Line],
    signal: np.ndarray,
    rate_hz: float,
    pauses: Sequence[tuple[float, float]],
) -> list[float]:
    """Margins over the masked threshold, each among the sounds of its own part and channels."""
    margins = np.full(len(lines), np.nan)
    keys = {(line.part, tuple(line.channels)) for line in lines}
    for part, channels in sorted(keys):
        mine = [
            n
            for n, line in enumerate(lines)
            if (line.part, tuple(line.channels)) == (part, channels)
        ]
        heard = signal[list(channels)] if channels else signal
        if part == PAUSES:
            heard = heard[:, _inside(signal.shape[-1], rate_hz, pauses)]
        try:
            margins[mine] = masking_margins_db(
                heard, rate_hz, [lines[n].frequency_hz for n in mine], FULL_SCALE_DB_SPL
            )
        except InputError:  # the pauses are too short
            continue
    return margins.tolist()
