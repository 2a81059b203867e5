"""The stationary lines of a sound, and the layers that they point to.

Lines are searched for in all channels together and one by one, in the whole sound and in its
pauses. Those that a note can make are left out. What fits them is tried as a whole: a model's own
strides, if they are given; combs; single strides; at the rate of the file or of the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from upsampling_artifacts.artifacts.combs import Comb, find_combs
from upsampling_artifacts.artifacts.cutoff import original_rate_hz
from upsampling_artifacts.artifacts.masking import masking_margins_db
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.probes.audio_file import (
    MODEL_RATES_HZ,
    Coincidence,
    chance_of_round,
    coincidence,
    mains_hum,
    roundest_hz,
)
from upsampling_artifacts.probes.file_search import (
    PAUSES,
    PAUSES_DB,
    Line,
    different_channels,
    inside,
    quiet_parts,
    search,
    search_expected,
    search_pauses,
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

FULL_SCALE_DB_SPL = 90.0
"""Playback level of RMS 1, for the masking margin: music of -20 dB re full scale is then played at
``measures_table.PLAYBACK_DB_SPL`` = 70 dB SPL."""

FEW = 2
"""So many lines at round frequencies are taken for test tones; more are a comb."""

COLUMNS = [
    "frequency_hz", "level_db", "prominence_db", "masking_margin_db", "presence", "channels",
    "part", "stride", "multiple", "predicted_hz", "model_rate_hz", "chance", "comb_hz", "round_hz",
    "mains",
]  # fmt: skip


@dataclass(frozen=True)
class FileLines:
    """What was found in a sound.

    Attributes:
        table: One row per line, strongest first, with the columns :data:`COLUMNS`. ``level_db`` is
            the RMS in dB re full scale in the channel in which it is largest, ``presence`` a share
            of the time. ``channels`` is empty if the line is in all of them. ``stride``,
            ``multiple``, ``predicted_hz``, ``model_rate_hz`` and ``chance`` are empty where no
            layer fits; ``comb_hz`` is the spacing of the comb to which the line belongs.
            ``round_hz`` is a round number of which the frequency is a multiple, unless the line is
            one of a comb of more than :data:`FEW`; then, ``chance`` is that of equally round
            frequencies (:func:`audio_file.chance_of_round`).
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
    lines = search(signal, rate_hz)
    original = original_rate_hz(signal, rate_hz, MODEL_RATES_HZ)
    if original and _has_tones_above(lines, 0.49 * original):
        original = None  # a model of the file's rate, fed with a sound of a lower one
    # A song that was low-passed by a codec also ends early: the better explanation counts.
    main_hz = model_rate_hz or max(
        [original or rate_hz, rate_hz], key=lambda hz: _count_sure(lines, hz, tolerance_hz)
    )
    if seconds >= NOTE_SECONDS:
        lines += search_expected(signal, rate_hz, main_hz, own_strides, lines)
    in_pauses: list[Line] = []
    pauses: list[tuple[float, float]] = []
    for band_db in PAUSES_DB:
        if not in_pauses and (pauses := quiet_parts(signal, rate_hz, band_db)):
            in_pauses = search_pauses(signal, rate_hz, pauses, lines)
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


def _count_sure(lines: Sequence[Line], rate_hz: float, tolerance_hz: float) -> int:
    """How many lines are where unrelated ones hardly are, at a rate of the model."""
    matches = [coincidence(line.frequency_hz, rate_hz, tolerance_hz) for line in lines if line.held]
    return sum(match is not None and match.chance <= SURE for match in matches)


def _has_tones_above(lines: Sequence[Line], frequency_hz: float) -> bool:
    """Whether there are tones above a frequency that are no images of those below."""
    levels_db: list[list[float]] = [[-np.inf], [-np.inf]]
    for line in lines:
        levels_db[line.frequency_hz > frequency_hz].append(
            line.found.level_db if line.held else -np.inf
        )
    below_db, above_db = map(max, levels_db)
    return above_db > max(below_db - IMAGE_DB, INAUDIBLE_DB)


def _choose(lines: Sequence[Line], explain: _Explainer, seconds: float) -> tuple[list[Line], int]:
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
        self.rate_hz = rate_hz
        self.own_strides = own_strides
        self.tolerance_hz = tolerance_hz
        others = {*MODEL_RATES_HZ, rate_hz} - {main_hz}
        self.other_hz = [] if given_hz else sorted(others)

    def combs(self, lines: Sequence[Line], rate_hz: float | None = None) -> list[Comb]:
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

    def lines(self, lines: Sequence[Line]) -> list[tuple[Comb, float]]:
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
        in_combs = {index for comb, _ in combs if len(comb.lines) > FEW for index in comb.lines}
        for index, line in enumerate(lines):
            if index not in in_combs:
                line.round_hz = roundest_hz(line.frequency_hz, self.rate_hz, self.tolerance_hz)
        for line in lines:
            if line.match is None and np.isnan(line.comb_hz):
                line.match = coincidence(line.frequency_hz, self.main_hz, self.tolerance_hz)
                line.rate_hz = self.main_hz if line.match else None
        self._at_other_rates(lines)
        for line in lines:
            if line.match and line.rate_hz and not np.isnan(line.round_hz):
                chance = chance_of_round(
                    line.match.stride, line.rate_hz, line.round_hz, self.own_strides
                )
                line.match = replace(line.match, chance=max(chance, line.match.chance))
        return combs

    def _take(self, lines: Sequence[Line], comb: Comb, rate_hz: float) -> None:
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

    def _at_other_rates(self, lines: Sequence[Line]) -> None:
        """Try the usual rates on the lines that are left, with a correction for their number."""
        tried = len(self.other_hz)
        for line in lines:
            if line.match or not np.isnan(line.comb_hz) or not np.isnan(line.round_hz):
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
    lines: Sequence[Line],
    signal: np.ndarray,
    rate_hz: float,
    tolerance_hz: float,
    pauses: Sequence[tuple[float, float]],
) -> pd.DataFrame:
    margins_db = _margins_db(lines, signal, rate_hz, pauses)
    rows = []
    for line, margin_db in zip(lines, margins_db, strict=True):
        match = line.match
        every = len(line.channels) == len(different_channels(signal))
        rows.append(
            (
                line.frequency_hz, line.found.level_db, line.found.prominence_db, margin_db,
                line.found.presence,
                "" if every else " ".join(str(channel + 1) for channel in line.channels),
                line.part,
                *((match.stride, match.multiple, match.predicted_hz, line.rate_hz, match.chance)
                  if match else (pd.NA, pd.NA, np.nan, np.nan, np.nan)),
                line.comb_hz, line.round_hz, mains_hum(line.frequency_hz, tolerance_hz),
            )
        )  # fmt: skip
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype({"stride": "Int64", "multiple": "Int64", "model_rate_hz": float})


def _margins_db(
    lines: Sequence[Line],
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
            heard = heard[:, inside(signal.shape[-1], rate_hz, pauses)]
        try:
            margins[mine] = masking_margins_db(
                heard, rate_hz, [lines[n].frequency_hz for n in mine], FULL_SCALE_DB_SPL
            )
        except InputError:  # the pauses are too short
            continue
    return margins.tolist()
