"""Synthetic songs, composed by rules: a stand-in for MUSDB18-HQ, in its layout.

MUSDB18-HQ is a large download and not ours to redistribute; these songs need no download. Rules
compose them (six styles, with verses, choruses, fills and breaths) and a General MIDI sound font
plays them, so that vocals, bass, drums and other instruments share harmony and rhythm as in real
music. Results on them do not carry over to real music.

A song depends only on its name and the seed. The training, validation and test songs have
different artists. So their names differ, and so do their keys, tempos, chords, melodies and
instruments.
"""

from __future__ import annotations

import json
import shutil
from functools import reduce
from pathlib import Path

from upsampling_artifacts.data.synthetic_songs.styles import STYLES
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.files import explained_write_errors

MIN_SECONDS = 4.0
"""One bar of the slowest style and the singer's entry: in a shorter song a stem may be silent."""
SPLITS = ("train", "valid", "test")
_ADJECTIVES = ("Blue", "Quiet", "Golden", "Distant", "Paper", "Crooked", "Early")
_NOUNS = ("Harbour", "Window", "Letters", "Avenue", "Signal", "Morning", "Garden", "River")


def song_names(n_train: int, n_valid: int, n_test: int) -> dict[str, list[str]]:
    """Name the songs of each split; within a split, the styles alternate.

    Song i of a split has the same name for all counts. Names are unique over all splits and safe
    as file names.

    Args:
        n_train: Number of training songs.
        n_valid: Number of validation songs.
        n_test: Number of test songs.

    Returns:
        The names, keyed "train", "valid" and "test".
    """
    counts = zip(SPLITS, (n_train, n_valid, n_test), strict=True)
    return {split: [_name(split, i) for i in range(count)] for split, count in counts}


def _name(split: str, index: int) -> str:
    split_index = SPLITS.index(split)
    artist = STYLES[index % len(STYLES)].artists[split_index]
    # 7 and 8 have no common factor: all 56 titles are used before one is repeated.
    # Each split starts at another title, so that short splits share none.
    number = index + 19 * split_index
    title = f"{_ADJECTIVES[number % 7]} {_NOUNS[(3 * number) % 8]}"
    volume = index // 56
    return f"{artist} - {title}" + (f" {volume + 1}" if volume else "")


def render_song(name: str, folder: Path, seed: int, seconds: float, rate_hz: int = 44100) -> None:
    """Render a song: ``mixture.wav`` and the stems ``vocals``, ``bass``, ``drums``, ``other``.

    All are stereo, 16 bits, ``round(seconds * rate_hz)`` samples long; the mixture is the exact sum
    of the stems. The same arguments give the same bytes. The folder is replaced atomically at the
    end, so that an interruption leaves no incomplete song.

    Args:
        name: A name from :func:`song_names`.
        folder: Where to write the five files.
        seed: Together with the name, determines the music.
        seconds: Length of the song.
        rate_hz: Sampling rate, above 12 kHz.

    Raises:
        InputError: The song is shorter than :data:`MIN_SECONDS`, or its artist is unknown.
    """
    # Imported here: planning needs only the names and should not load a synthesizer.
    import numpy as np
    import soundfile

    from upsampling_artifacts.data.synthetic_songs.composition import compose, song_generator
    from upsampling_artifacts.data.synthetic_songs.rendering import render_stems

    if seconds < MIN_SECONDS:
        raise InputError(
            f"song {name!r}: {seconds} s is too short; make it {MIN_SECONDS} s or more"
        )
    song = compose(name, seed, seconds)
    audio = render_stems(song, song_generator(name, seed, "sound"), seconds, rate_hz)
    audio["mixture"] = reduce(np.add, audio.values())
    # Not beside the songs: musdb would mistake the leftovers of a killed job for a song.
    partial = folder.parents[1] / f".{folder.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        for stem, samples in audio.items():
            path = partial / f"{stem}.wav"
            with explained_write_errors(path):
                soundfile.write(path, samples, rate_hz, subtype="PCM_16")
        # Snakemake creates the folder before the job starts.
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_setup_file(root: Path, valid_names: list[str]) -> None:
    """Write ``root/mus.yaml`` for ``musdb.DB(root, setup_file="mus.yaml", is_wav=True, ...)``.

    musdb's own setup file names the validation songs of MUSDB18; ours names the synthetic ones. As
    in MUSDB18, validation songs lie in ``root/train`` beside the training songs.

    Args:
        root: The folder that holds ``train`` and ``test``.
        valid_names: Names of the validation songs.
    """
    stems = ("drums", "bass", "other", "vocals")
    mixes = {"accompaniment": stems[:3], "linear_mixture": stems}
    targets = {stem: (stem,) for stem in stems} | mixes
    setup = {
        "sample_rate": 44100.0,
        "sources": {stem: f"{stem}.wav" for stem in stems},
        "mixture": "mixture.wav",
        "stem_ids": {"mixture": 0} | {stem: i for i, stem in enumerate(stems, start=1)},
        "targets": {target: dict.fromkeys(parts, 1) for target, parts in targets.items()},
        "validation_tracks": valid_names,
    }
    root.mkdir(parents=True, exist_ok=True)
    partial = root / ".mus.yaml.partial"
    partial.write_text(json.dumps(setup, indent=2) + "\n")  # JSON is YAML
    partial.rename(root / "mus.yaml")
