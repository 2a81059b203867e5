"""The musical styles: everything about a style that is not drawn at random.

A pattern is one bar, one character per step. ``-`` sustains the note before it, ``.`` is a rest.
Drums: ``x`` accent, ``o`` normal, ``g`` ghost note. Bass: ``R`` root, ``3`` third, ``5`` fifth,
``8`` octave, ``a`` approach to the next bar's root. Accompaniment: ``x`` the whole chord, a digit
one of its notes.
"""

from __future__ import annotations

from dataclasses import dataclass

# General MIDI percussion keys.
KICK, RIM, SNARE, CLAP, CLOSED_HAT, PEDAL_HAT, OPEN_HAT = 36, 37, 38, 39, 42, 44, 46
CRASH, RIDE, TAMBOURINE, SHAKER = 49, 51, 54, 82
LONG_CYMBALS = frozenset({OPEN_HAT, CRASH, RIDE})
CYMBALS = LONG_CYMBALS | {CLOSED_HAT, PEDAL_HAT, TAMBOURINE, SHAKER}
TOMS = (50, 48, 47, 45, 43)


@dataclass(frozen=True)
class Comp:
    """An accompanying instrument: General MIDI programs to choose from, and what it plays."""

    programs: tuple[int, ...]
    pattern: str
    center: int  # MIDI pitch around which it voices its chords
    gain_db: float
    in_verse: bool = True


@dataclass(frozen=True)
class Style:
    """A musical style."""

    artists: tuple[str, str, str]  # of the training, validation and test songs
    beat_steps: int  # steps per beat: 4 is straight, 3 is triplets (swing, 12/8)
    tempo_bpm: tuple[float, float]
    major: tuple[str, ...]  # four-bar chord progressions
    minor: tuple[str, ...]
    kits: tuple[int, ...]
    groove: dict[int, str]
    lift: dict[int, str]  # what the chorus changes in the groove
    bass_programs: tuple[int, ...]
    bass: tuple[str, str]  # verse, chorus
    comps: tuple[Comp, Comp]


POP_MAJOR = ("I V vi IV", "vi IV I V", "I vi IV V", "I iii IV V", "I IV vi V", "IV I V vi")
POP_MINOR = ("i bVI bIII bVII", "i bVII bVI bVII", "i iv bVII bIII", "i iv bVI V", "bVI bVII i i")
JAZZ_MAJOR = ("IM7 vi7 ii7 V7", "ii7 V7 IM7 vi7", "IM7 VI7 ii7 V7", "iii7 vi7 ii7 V7")
JAZZ_MINOR = ("i7 iv7 iio7 V7", "i7 bVIM7 iio7 V7", "iv7 bVII7 bIIIM7 V7", "iio7 V7 i7 i7")
FUNK_MAJOR = ("I7 IV7 I7 IV7", "I7 bVII IV7 I7", "ii7 V7 ii7 V7")
FUNK_MINOR = ("i7 iv7 i7 iv7", "i7 bVII i7 IV7", "i7 bVIM7 iv7 v7")

STYLES = (
    Style(  # rock
        artists=("Gravel Road", "Iron Orchard", "Copper Canyon"),
        beat_steps=4,
        tempo_bpm=(112, 140),
        major=POP_MAJOR,
        minor=POP_MINOR,
        kits=(0, 8, 16),
        groove={
            KICK: "x.......x.x.....",
            SNARE: "....x.......x...",
            CLOSED_HAT: "x.o.x.o.x.o.x.o.",
        },
        lift={KICK: "x.....x.x.x.....", OPEN_HAT: "x...x...x...x...", CLOSED_HAT: "." * 16},
        bass_programs=(33, 34),
        bass=("R-R-R-R-R-R-R-a-", "R-R-5-R-8-R-5-a-"),
        comps=(
            Comp((29, 30), "x---..x-x---x-x-", 52, 0),
            Comp((16, 27), "x-x-x-x-x-x-x-x-", 66, -3, in_verse=False),
        ),
    ),
    Style(  # twelve-eight ballad
        artists=("Evening Letters", "Paper Lantern", "Winter Porch"),
        beat_steps=3,
        tempo_bpm=(66, 82),
        major=POP_MAJOR,
        minor=POP_MINOR,
        kits=(0, 8),
        groove={KICK: "x.....x....o", SNARE: "...x.....x..", CLOSED_HAT: "xooxooxooxoo"},
        lift={KICK: "x....ox....o", RIDE: "xooxooxooxoo", CLOSED_HAT: "." * 12},
        bass_programs=(33, 35),
        bass=("R----5R--5-a", "R--R-5R--8-a"),
        comps=(Comp((0, 4), "012321012321", 62, 0), Comp((48, 50), "x-----------", 64, -3)),
    ),
    Style(  # funk
        artists=("Brass Pocket", "Velvet Engine", "Corner Groove"),
        beat_steps=4,
        tempo_bpm=(92, 110),
        major=FUNK_MAJOR,
        minor=FUNK_MINOR,
        kits=(0, 16),
        groove={
            KICK: "x..x......x..x..",
            SNARE: "....x..g.g..x..g",
            CLOSED_HAT: "xoxoxoxoxoxoxoxo",
        },
        lift={
            CLOSED_HAT: "xoxoxo.oxoxoxo.o",
            OPEN_HAT: "......x.......x.",
            KICK: "x..x..x...x..x..",
        },
        bass_programs=(33, 36),
        bass=("R-.R-.8-..5-R-a-", "R-R-.R8-R-.5-R8a"),
        comps=(
            Comp((7, 28), "..x-x..x.x..x-x.", 60, 0),
            Comp((16, 17), "x-----..x-----..", 64, -3),
        ),
    ),
    Style(  # bossa nova, counted in two
        artists=("Bossa Lane", "Ipanema Mail", "Rio Verandas"),
        beat_steps=4,
        tempo_bpm=(66, 80),
        major=JAZZ_MAJOR,
        minor=JAZZ_MINOR,
        kits=(0, 32),
        groove={KICK: "o..oo..oo..oo..o", RIM: "x..x..x...x..x..", SHAKER: "xoooxoooxoooxooo"},
        lift={CLOSED_HAT: "x.o.x.o.x.o.x.o.", SNARE: "..g...g...g...g."},
        bass_programs=(32, 33),
        bass=("R--5R--5R--5R--a", "R--5R--8R--5R-3a"),
        comps=(
            Comp((24, 25), "x-.x--x-.-x-.x--", 59, 0),
            Comp((11, 4), "x---..x-----x-..", 67, -4),
        ),
    ),
    Style(  # disco and synth-pop
        artists=("Neon Avenue", "Mirror Static", "Signal Ballroom"),
        beat_steps=4,
        tempo_bpm=(112, 126),
        major=POP_MAJOR,
        minor=POP_MINOR + FUNK_MINOR,
        kits=(16, 24),
        groove={KICK: "x...x...x...x...", SNARE: "....x.......x...", OPEN_HAT: "..x...x...x...x."},
        lift={CLAP: "....x.......x...", CLOSED_HAT: "xo.oxo.oxo.oxo.o"},
        bass_programs=(34, 38),
        bass=("R-8-R-8-R-8-R-8a", "R.R8R.R8R.R8R.5a"),
        comps=(
            Comp((27, 62), "x.xx.xx.x.xx.xx.", 62, 0),
            Comp((48, 50), "x-------x-------", 67, -2),
        ),
    ),
    Style(  # swing
        artists=("Second Balcony", "Harlem Postcards", "Blue Umbrella"),
        beat_steps=3,
        tempo_bpm=(132, 168),
        major=JAZZ_MAJOR,
        minor=JAZZ_MINOR,
        kits=(0, 32),
        groove={
            KICK: "o.....o.....",
            SNARE: "..g..g..o..g",
            RIDE: "x..x.ox..x.o",
            PEDAL_HAT: "...x.....x..",
        },
        lift={SNARE: "...x.g...x.g", KICK: "o..o..o..o.."},
        bass_programs=(32, 35),
        bass=("R--3--5--a--", "R--5--8--a-a"),
        comps=(Comp((0, 26), "x--..x-..x-.", 62, 0), Comp((61, 11), "x-----...x--", 65, -3)),
    ),
)
STYLE_OF_ARTIST = {artist: style for style in STYLES for artist in style.artists}

# The singer's two-bar phrases, by steps per bar. Each ends with a breath.
PHRASES = {
    16: (
        "x---x-x-x-----x-x-x---x-----....",
        "x-x-x---x-x-x---x-------x---....",
        "..x-x-x-x---x-x-x---x-------x-..",
        "x-----x-x---x---x--x--x-------..",
    ),
    12: (
        "x--x-xx-----x-xx--x--...",
        "x-xx--x--x-xx--x-----...",
        "x-----x-xx--x--x--x---..",
        "..xx-xx--x-xx-----x---..",
    ),
}
