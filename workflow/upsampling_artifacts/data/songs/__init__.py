"""Songs made from rules, in the layout of MUSDB18-HQ: a stand-in for it.

MUSDB18-HQ is a large download and not ours to pass on; these songs need none. They are composed
by rules (six styles, with verses, choruses, fills and breaths) and played by a General MIDI
sound font, so that vocals, bass, drums and other instruments share harmony, rhythm and band as
in real music. Results on them say nothing about real music.

A song depends on its name and the seed alone. Artists of the train, valid and test songs
differ, hence their names do, and with the names the keys, tempos, chords, tunes and players.
"""

import json
import shutil
from pathlib import Path

from upsampling_artifacts.data.songs.styles import STYLES
from upsampling_artifacts.errors import InputError

# One bar of the slowest style and the singer's entry: no stem of a shorter song is sure to sound.
SHORTEST_SECONDS = 4.0
SPLITS = ("train", "valid", "test")
_ADJECTIVES = ("Blue", "Quiet", "Golden", "Distant", "Paper", "Crooked", "Early")
_NOUNS = ("Harbour", "Window", "Letters", "Avenue", "Signal", "Morning", "Garden", "River")


def song_names(n_train: int, n_valid: int, n_test: int) -> dict[str, list[str]]:
    """Names of the songs of each split; the styles take turns within a split.

    Song i of a split has the same name whatever the counts are. Names are unique over all
    splits and safe as file names.
    """
    counts = zip(SPLITS, (n_train, n_valid, n_test), strict=True)
    return {split: [_name(split, i) for i in range(count)] for split, count in counts}


def _name(split: str, index: int) -> str:
    split_index = SPLITS.index(split)
    artist = STYLES[index % len(STYLES)].artists[split_index]
    # 7 adjectives and 8 nouns, both turning: all 56 pairs before the first comes again.
    # The splits start apart, so that a short list does not repeat titles.
    turn = index + 19 * split_index
    title = f"{_ADJECTIVES[turn % 7]} {_NOUNS[(3 * turn) % 8]}"
    volume = index // 56
    return f"{artist} - {title}" + (f" {volume + 1}" if volume else "")


def render_song(name: str, folder: Path, seed: int, seconds: float, rate_hz: int = 44100) -> None:
    """Write `mixture.wav` and the stems `vocals`, `bass`, `drums`, `other` into `folder`.

    All are stereo, 16 bit, `round(seconds * rate_hz)` samples long, and the mixture is the exact
    sum of the stems. Equal arguments give equal files. `folder` is replaced as a whole at the
    end, so an interrupted run leaves no half song.
    """
    # Imported here: planning a workflow asks for names alone and should not load a synthesiser.
    import soundfile

    from upsampling_artifacts.data.songs.composition import compose, song_generator
    from upsampling_artifacts.data.songs.rendering import render_stems

    if seconds < SHORTEST_SECONDS:
        raise InputError(f"song {name!r}: {seconds} s is too short; {SHORTEST_SECONDS} s or more")
    song = compose(name, seed, seconds)
    audio = render_stems(song, song_generator(name, seed, "sound"), seconds, rate_hz)
    audio["mixture"] = sum(audio.values())
    # Not beside the songs, where musdb would take what a killed job left for one of them.
    partial = folder.parents[1] / f".{folder.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        for stem, samples in audio.items():
            soundfile.write(partial / f"{stem}.wav", samples, rate_hz, subtype="PCM_16")
        # A workflow makes the folder before it asks for the files in it.
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_setup_file(root: Path, valid_names: list[str]) -> None:
    """Write `root/mus.yaml`, for `musdb.DB(root, setup_file="mus.yaml", is_wav=True, ...)`.

    musdb's own setup names the validation songs of the real MUSDB18; ours has `valid_names`.
    As there, their folders lie under `root/train` beside those of the train songs.
    """
    stems = ("drums", "bass", "other", "vocals")
    mixes = {"accompaniment": stems[:3], "linear_mixture": stems}
    targets = {stem: (stem,) for stem in stems} | mixes
    setup = {
        "sample_rate": 44100.0,
        "sources": {stem: f"{stem}.wav" for stem in stems},
        "mixture": "mixture.wav",
        "stem_ids": {"mixture": 0} | {stem: i for i, stem in enumerate(stems, start=1)},
        "targets": {target: dict.fromkeys(of, 1) for target, of in targets.items()},
        "validation_tracks": valid_names,
    }
    root.mkdir(parents=True, exist_ok=True)
    partial = root / ".mus.yaml.partial"
    partial.write_text(json.dumps(setup, indent=2) + "\n")  # JSON is YAML
    partial.rename(root / "mus.yaml")
