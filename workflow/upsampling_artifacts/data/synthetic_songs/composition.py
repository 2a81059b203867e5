"""Compose a synthetic song: its name and the seed become lists of notes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, cycle

import numpy as np

from upsampling_artifacts.data.synthetic_songs.styles import (
    CLOSED_HAT,
    CRASH,
    CYMBALS,
    KICK,
    PHRASES,
    SNARE,
    STYLE_OF_ARTIST,
    TOMS,
    Style,
)
from upsampling_artifacts.errors import InputError

DEGREES = {"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11}
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
VELOCITIES = {"x": 112, "o": 86, "g": 48}
LOWEST_BASS = 28  # E1, the lowest open string of a bass guitar
# Bars of each section. The intro has one bar, so that all stems soon play.
INTRO, SECTIONS = ("intro", 1), (("verse", 4), ("chorus", 4), ("break", 1))
SINGERS = (52, 54, 85)  # choir, synth voice, solo voice
SAW = 81  # doubles the singer: it has the harmonics that the vowel filters need


@dataclass(frozen=True)
class Note:
    """One note of one instrument."""

    start_seconds: float
    length_seconds: float
    pitch: int  # MIDI key
    velocity: int  # 1 to 127


@dataclass(frozen=True)
class Part:
    """One instrument's notes; ``pan`` goes from 0 (left) to 1 (right)."""

    stem: str
    program: int
    notes: list[Note]
    pan: float = 0.5
    gain_db: float = 0.0


@dataclass(frozen=True)
class Bar:
    """One bar: ``chord`` holds pitch classes, root first; ``index`` counts within the section."""

    start_seconds: float
    section: str
    index: int
    is_last: bool
    chord: tuple[int, ...]


@dataclass(frozen=True)
class Composition:
    """A song's harmony and its instruments."""

    bars: list[Bar]
    parts: list[Part]


def song_generator(name: str, seed: int, use: str) -> np.random.Generator:
    """Create a random generator that depends only on the arguments.

    Python's ``hash`` would differ between runs.

    Args:
        name: The song's name.
        seed: Seed of the experiment.
        use: What the generator is for: each use draws independently.

    Returns:
        The generator.
    """
    digest = hashlib.sha256(f"{seed}/{use}/{name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def compose(name: str, seed: int, seconds: float) -> Composition:
    """Compose a song; a longer one of the same name and seed starts the same way.

    Args:
        name: A name from :func:`data.synthetic_songs.song_names`.
        seed: Seed of the experiment.
        seconds: Length; the last bar may extend beyond it.

    Returns:
        The bars with their chords, and the notes of each instrument.

    Raises:
        InputError: The artist in the name is unknown.
    """
    style = STYLE_OF_ARTIST.get(name.partition(" - ")[0])
    if style is None:
        raise InputError(f"song {name!r}: unknown artist; take a name from song_names()")
    rng = song_generator(name, seed, "plan")
    step_seconds = 60 / rng.uniform(*style.tempo_bpm) / style.beat_steps
    tonic, mode = int(rng.integers(12)), ("major", "minor")[rng.integers(2)]
    bars = _bars(style, rng, seconds, step_seconds, tonic, mode)
    scale = {(tonic + degree) % 12 for degree in SCALES[mode]}
    kit, bass_program, singer = (
        int(rng.choice(programs)) for programs in (style.kits, style.bass_programs, SINGERS)
    )
    comp_programs = [int(rng.choice(comp.programs)) for comp in style.comps]

    # Each part has its own generator: a change in one part does not affect the others.
    def player(use: str) -> _Player:
        return _Player(song_generator(name, seed, use), step_seconds)

    drums = _drums(style, bars, player("drums"))
    melody = _melody(style, bars, scale, player("vocals"))
    parts = [
        Part("drums", kit, [note for note in drums if note.pitch not in CYMBALS]),
        # The sound font's cymbals are much softer than its drums.
        Part("drums", kit, [note for note in drums if note.pitch in CYMBALS], gain_db=7),
        Part("bass", bass_program, _bass(style, bars, player("bass"))),
        Part("vocals", singer, melody),
        Part("vocals", SAW, melody, gain_db=-3),
    ]
    for comp, program, pan in zip(style.comps, comp_programs, (0.22, 0.8), strict=True):
        playing = [bar for bar in bars if comp.in_verse or bar.section != "verse"]
        notes = _comp(comp.pattern, comp.center, playing, player(f"other {pan}"))
        parts.append(Part("other", program, notes, pan, comp.gain_db))
    return Composition(bars, parts)


class _Player:
    """Play notes on the grid as a person does: slightly late, with uneven dynamics."""

    def __init__(self, rng: np.random.Generator, step_seconds: float) -> None:
        self.rng = rng
        self.step_seconds = step_seconds

    def note(self, bar: Bar, step: int, length: float, pitch: int, velocity: int) -> Note:
        late = float(np.clip(self.rng.normal(0.008, 0.005), 0, 0.02))
        loud = {"chorus": 6, "break": -10}.get(bar.section, 0) + self.rng.normal(0, 5)
        return Note(
            bar.start_seconds + step * self.step_seconds + late,
            length * self.step_seconds,
            pitch,
            int(np.clip(velocity + loud, 20, 127)),
        )


def parse_chord(symbol: str, tonic: int) -> tuple[int, ...]:
    """Parse a roman numeral such as ``ii7``, ``bVI``, ``IM7`` or ``iio7``.

    Args:
        symbol: The roman numeral.
        tonic: Pitch class of the key.

    Returns:
        Pitch classes, root first.

    Raises:
        ValueError: The symbol is not a chord.
    """
    match = re.fullmatch(r"(b?)([iv]+|[IV]+)(o?)(M?7)?", symbol)
    if match is None:
        raise ValueError(f"chord {symbol!r}")
    flat, numeral, diminished, seventh = match.groups()
    root = tonic + DEGREES[numeral.lower()] - len(flat)
    tones = [0, 3 if numeral.islower() else 4, 6 if diminished else 7]
    if seventh:
        tones.append(11 if seventh == "M7" else 10)
    return tuple((root + tone) % 12 for tone in tones)


def _strikes(pattern: str) -> Iterator[tuple[int, int, str]]:
    """Yield (step, length in steps, character) of each note of a pattern."""
    for match in re.finditer(r"([^.-])-*", pattern):
        yield match.start(), len(match.group()), match.group(1)


def _bars(
    style: Style,
    rng: np.random.Generator,
    seconds: float,
    step_seconds: float,
    tonic: int,
    mode: str,
) -> list[Bar]:
    progressions = style.major if mode == "major" else style.minor
    verse, chorus = (progressions[i].split() for i in rng.permutation(len(progressions))[:2])
    chords = {"intro": verse, "verse": verse, "chorus": chorus, "break": chorus}
    bar_seconds = len(style.bass[0]) * step_seconds
    bars: list[Bar] = []
    for section, length in chain([INTRO], cycle(SECTIONS)):
        for index in range(length):
            chord = parse_chord(chords[section][index], tonic)
            start_seconds = len(bars) * bar_seconds
            if start_seconds >= seconds:
                return bars
            bars.append(Bar(start_seconds, section, index, index == length - 1, chord))
    raise AssertionError("the sections repeat forever")


def _drums(style: Style, bars: list[Bar], player: _Player) -> list[Note]:
    notes, bar_steps = [], len(style.bass[0])
    for bar in bars:
        groove = style.groove | (style.lift if bar.section == "chorus" else {})
        if bar.section == "break":  # the band pauses, the drummer keeps time
            groove = {CLOSED_HAT: "x.o." * 4 if bar_steps == 16 else "x.ox.ox.ox.o", KICK: "x"}
        # The last bar of a section ends in a fill.
        fill_from = bar_steps - 2 * style.beat_steps if bar.is_last else bar_steps
        for key, pattern in groove.items():
            for step, _, char in _strikes(pattern):
                if step < fill_from or key == KICK:
                    notes.append(player.note(bar, step, 1, key, VELOCITIES[char]))
        for step in range(fill_from, bar_steps):
            if step % style.beat_steps == 0 or player.rng.random() < 0.7:
                done = (step - fill_from) / (bar_steps - fill_from)
                key = (SNARE, *TOMS)[int(done * (1 + len(TOMS)))]
                notes.append(player.note(bar, step, 1, key, 80 + int(30 * done)))
        if bar.index == 0 and bar.section in ("verse", "chorus"):
            notes.append(player.note(bar, 0, 2 * style.beat_steps, CRASH, 108))
    return notes


def _bass(style: Style, bars: list[Bar], player: _Player) -> list[Note]:
    def low(pitch_class: int) -> int:
        return LOWEST_BASS + (pitch_class - LOWEST_BASS) % 12

    notes = []
    for bar, following in zip(bars, [*bars[1:], bars[-1]], strict=True):
        root = low(bar.chord[0])
        pitches = {"R": root, "8": root + 12}
        pitches["3"], pitches["5"] = (root + (pc - root) % 12 for pc in bar.chord[1:3])
        for step, length, char in _strikes(style.bass[bar.section == "chorus"]):
            approach = low(following.chord[0]) + int(player.rng.choice([-2, -1, 1, 2]))
            pitch = pitches.get(char, approach)
            notes.append(player.note(bar, step, 0.92 * length, pitch, 104 if step == 0 else 92))
    return notes


def _comp(pattern: str, center: int, bars: list[Bar], player: _Player) -> list[Note]:
    notes = []
    for bar in bars:
        # All chord tones within one octave around the center: the voices move little.
        low = center - 6
        voicing = sorted(low + (pc - low) % 12 for pc in bar.chord)
        for step, length, char in _strikes(pattern):
            pitches = voicing if char == "x" else [(*voicing, voicing[0] + 12)[int(char)]]
            # Single notes sustain, as with the pedal down.
            steps = 0.9 * length if char == "x" else 3
            velocity = 92 if step == 0 else 82
            notes += [player.note(bar, step, steps, pitch, velocity) for pitch in pitches]
    return notes


def _melody(style: Style, bars: list[Bar], scale: set[int], player: _Player) -> list[Note]:
    rng, bar_steps = player.rng, len(style.bass[0])
    lowest = int(rng.integers(53, 61))  # from a tenor's to a mezzo's range
    phrases = dict(zip(("verse", "chorus"), rng.permutation(PHRASES[bar_steps])[:2], strict=True))
    # The same steps each time a section returns: the tune stays recognizable over other chords.
    moves = {section: rng.choice([-2, -1, -1, 0, 1, 1, 2], 64) for section in phrases}
    notes: list[Note] = []
    pitch, count = lowest + 5, 0
    for bar in bars:
        tune = "chorus" if bar.section == "chorus" else "verse"
        bottom = lowest + (4 if tune == "chorus" else 0)
        ladder = [p for p in range(bottom, bottom + 13) if p % 12 in scale]
        count = 0 if bar.index == 0 else count
        half = bar_steps * (bar.index % 2)
        for step, length, _ in _strikes(str(phrases[tune])[half : half + bar_steps]):
            if bar.section == "intro" and step < bar_steps // 4:
                continue  # the singer enters with a pickup
            rung = int(np.argmin([abs(p - pitch) for p in ladder])) + int(moves[tune][count])
            pitch = ladder[int(np.clip(rung, 0, len(ladder) - 1))]
            if step % (2 * style.beat_steps) == 0:  # strong beats take a tone of the chord
                tones = [p for p in range(bottom, bottom + 13) if p % 12 in bar.chord]
                pitch = tones[int(np.argmin([abs(tone - pitch) for tone in tones]))]
            count += 1
            notes.append(player.note(bar, step, length, pitch, 94 if step == 0 else 86))
    return notes
