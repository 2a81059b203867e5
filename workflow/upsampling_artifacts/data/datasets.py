"""Which songs a data set has: known before anything is rendered, decoded or trained."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

import soundfile
import yaml

from upsampling_artifacts.data import songs
from upsampling_artifacts.data.musdb18 import EXCERPT
from upsampling_artifacts.errors import InputError

SOURCES_OF = {
    "musdb18-hq": "https://doi.org/10.5281/zenodo.3338373",
    "musdb18": "https://doi.org/10.5281/zenodo.1117372",
}

LEAVE_OUT = "or leave the song out, in config:"

SONG_SECONDS = 240.0
"""A song of MUSDB18: its 150 songs are ten hours."""


def song_names(config: dict) -> dict[str, list[str]]:
    """The names of an experiment's songs.

    Args:
        config: A complete configuration (:func:`configuration.resolve`).

    Returns:
        Keys "train", "valid", "test"; and "excerpt", the real song that is listed apart.

    Raises:
        InputError: The data set's root is missing or empty, or a split has no song.
    """
    if config["dataset"] == "songs":
        counts = config["songs"]
        names = songs.song_names(counts["train"], counts["valid"], counts["test"])
    else:
        names = _names_below(config["dataset"], config["root"])
    excluded = set(config["exclude_songs"])
    unknown = excluded - {name for split in names.values() for name in split}
    if unknown:
        raise InputError(f"config: exclude_songs: no song is called '{min(unknown)}'")
    names = {split: [n for n in names[split] if n not in excluded] for split in names}
    for split, chosen in names.items():
        if not chosen:
            raise InputError(
                f"config: dataset: {config['dataset']} has no {split} songs; add some, shorten "
                "exclude_songs, or name validation songs in <root>/mus.yaml"
            )
    # The song is one of MUSDB18's test songs: where it counts whole, its excerpt is left out.
    listed_apart = config["excerpt"] and EXCERPT not in names["test"]
    return {**names, "excerpt": [EXCERPT] if listed_apart else []}


def _names_below(dataset: str, root: str | None) -> dict[str, list[str]]:
    """List ``root/train`` and ``root/test``, and take the validation songs out of the former."""
    if root is None or not Path(root).is_dir():
        state = "is not set" if root is None else f"{root} is no folder"
        where = f"download it from {SOURCES_OF[dataset]}, " if dataset in SOURCES_OF else ""
        raise InputError(
            f"config: root: {state}, and dataset '{dataset}' needs one; {where}unpack it so that "
            "<root>/train and <root>/test exist, and set root to it"
        )
    found = {}
    for split in ("train", "test"):
        folder = Path(root) / split
        entries = sorted(folder.iterdir()) if folder.is_dir() else []
        found[split] = [
            entry.name.removesuffix(".stem.mp4")
            for entry in entries
            if entry.name[0] != "." and (entry.name.endswith(".stem.mp4") or entry.is_dir())
        ]
        if any("{" in name or "}" in name for name in found[split]):
            raise InputError(
                f"config: root: a song in {folder} has {{ or }} in its name, which Snakemake takes "
                "for a wildcard; give its folder another name (a link to it will do)"
            )
        if not found[split]:
            raise InputError(
                f"config: root: {folder} holds no songs; unpack the data set so that each song is "
                "a folder of wav files, or a .stem.mp4, in there"
            )
    both = set(found["train"]) & set(found["test"])
    if both:
        raise InputError(
            f"config: root: {root} has '{min(both)}' in train and in test; a song is one of them"
        )
    valid = set(_validation_names(Path(root)))
    return {
        "train": [name for name in found["train"] if name not in valid],
        "valid": [name for name in found["train"] if name in valid],
        "test": found["test"],
    }


def _validation_names(root: Path) -> list[str]:
    """From ``mus.yaml`` in the root if there is one, else from musdb's own."""
    setup = root / "mus.yaml"
    if not setup.exists():
        package = importlib.util.find_spec("musdb").submodule_search_locations[0]
        setup = Path(package) / "configs" / "mus.yaml"
    return yaml.safe_load(setup.read_text()).get("validation_tracks") or []


def song_seconds(
    song: Path, mixture: str = "mixture.wav", otherwise: float = SONG_SECONDS
) -> float:
    """Length of a song, from the header of its mixture.

    Args:
        song: As :func:`musdb18.song_path` gives it.
        mixture: The mixture's file, in a song that is a folder.
        otherwise: What to take for a song that is not there yet, or cannot be read.
    """
    try:
        if song.suffix == ".mp4":
            return _packed_seconds(song)
        return soundfile.info(song / mixture).duration
    except (soundfile.SoundFileError, OSError, ValueError):
        return otherwise


def _packed_seconds(path: Path) -> float:
    asked = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path]
    return float(subprocess.run(asked, capture_output=True, text=True).stdout)


def exclusion(songs: list[str]) -> str:
    """The line of a config file that leaves songs out, whatever characters are in their names."""
    names = yaml.safe_dump(songs, default_flow_style=True, width=float("inf"), allow_unicode=True)
    return f"exclude_songs: {names.strip()}"


def otherwise(song: str, is_excerpt: bool) -> str:
    """What one can do with a song that is wrong, other than mending it."""
    return f"{LEAVE_OUT} {'excerpt: false' if is_excerpt else exclusion([song])}"
