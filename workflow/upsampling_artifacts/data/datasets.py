"""Which songs a data set has: known before anything is rendered, decoded or trained."""

from __future__ import annotations

import csv
import importlib.util
import json
import subprocess
from pathlib import Path

import soundfile
import yaml

from upsampling_artifacts.data import synthetic_songs
from upsampling_artifacts.data.musdb18 import EXCERPT
from upsampling_artifacts.errors import InputError

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
        InputError: The data set's root is missing or empty, lacks songs that it is known to
            have, or a split has no song.
    """
    if config["dataset"] == "synthetic":
        counts = config["synthetic_songs"]
        names = synthetic_songs.song_names(counts["train"], counts["valid"], counts["test"])
    elif is_fetched(config):
        names = _grouped(listed_songs(config))
    else:
        valid = _grouped(listed_songs(config))["valid"]
        names = _names_below(config["dataset"], config["root"], valid)
    excluded = set(config["exclude_songs"])
    listed = {song["song"] for song in listed_songs(config)}
    found = {name for split in names.values() for name in split}
    _check_complete(config, len(listed), listed - excluded - found)
    if unknown := excluded - listed - found:
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


def _check_complete(config: dict, n_songs: int, missing: set[str]) -> None:
    """A copy of a published data set that lacks songs is used as it is only if config says so."""
    if missing and len(missing) > config["datasets"][config["dataset"]]["n_missing"]:
        raise InputError(
            f"config: root: {config['root']} lacks {len(missing)} of the {n_songs} songs of "
            f"{config['dataset']}; complete it, or leave these out: "
            f"exclude_songs: {json.dumps(sorted(missing))}"
        )


def is_fetched(config: dict) -> bool:
    """Whether the pipeline fetches the data set: a published one, of which no copy is named."""
    return config["dataset"] in config["datasets"] and config["root"] is None


def listed_songs(config: dict) -> list[dict]:
    """The songs of a published data set, known without it: "song", "split" and "seconds".

    Raises:
        InputError: Their list is not there, or is none.
    """
    if config["dataset"] not in config["datasets"]:
        return []
    source = config["datasets"][config["dataset"]]
    path = Path(source["song_list"])
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return [{**row, "seconds": source["song_seconds"] or float(row["seconds"])} for row in rows]
    except (OSError, KeyError, ValueError) as error:
        raise InputError(
            f"config: datasets.{config['dataset']}.song_list: {path} is no list of songs "
            f"({error}); it needs columns song, split and seconds"
        ) from error


def _grouped(listed: list[dict]) -> dict[str, list[str]]:
    return {
        split: [song["song"] for song in listed if song["split"] == split]
        for split in ("train", "valid", "test")
    }


def songs_below(root: Path) -> dict[str, list[str]]:
    """Names of the songs in ``root/train`` and ``root/test``: folders, and .stem.mp4 files."""
    found = {}
    for split in ("train", "test"):
        folder = root / split
        entries = sorted(folder.iterdir()) if folder.is_dir() else []
        found[split] = [
            entry.name.removesuffix(".stem.mp4")
            for entry in entries
            if entry.name[0] != "." and (entry.name.endswith(".stem.mp4") or entry.is_dir())
        ]
    return found


def _names_below(dataset: str, root: str | None, valid: list[str]) -> dict[str, list[str]]:
    """List ``root/train`` and ``root/test``, and take the validation songs out of the former.

    They are named by ``mus.yaml`` in the root if there is one, else by ``valid``, else by musdb.
    """
    if root is None or not Path(root).is_dir():
        state = "is not set" if root is None else f"{root} is no folder"
        raise InputError(
            f"config: root: {state}, and dataset '{dataset}' needs one; unpack the data set so "
            "that <root>/train and <root>/test exist, and set root to it"
        )
    found = songs_below(Path(root))
    for split, songs_of_split in found.items():
        if not songs_of_split:
            raise InputError(
                f"config: root: {Path(root) / split} holds no songs; unpack the data set so that "
                "each song is a folder of wav files, or a .stem.mp4, in there"
            )
    for split, names in found.items():
        if any("{" in name or "}" in name for name in names):
            raise InputError(
                f"config: root: a song in {Path(root) / split} has {{ or }} in its name, which "
                "Snakemake takes for a wildcard; give its folder another name (a link will do)"
            )
    if both := set(found["train"]) & set(found["test"]):
        raise InputError(
            f"config: root: {root} has '{min(both)}' in train and in test; a song is one of them"
        )
    if (Path(root) / "mus.yaml").exists() or not valid:
        valid = _validation_names(Path(root))
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


def song_seconds(song: Path, mixture: str = "mixture.wav", otherwise: float | None = None) -> float:
    """Length of a song, from the header of its mixture.

    Args:
        song: As :func:`musdb18.song_path` gives it.
        mixture: The mixture's file, in a song that is a folder.
        otherwise: What to take for a song that is not there yet or cannot be read, and for MP4,
            where to look takes longer; if that is unknown, the MP4's header, :data:`SONG_SECONDS`.
    """
    try:
        if song.suffix != ".mp4":
            return soundfile.info(song / mixture).duration
        if otherwise is None:
            return _packed_seconds(song)
    except (soundfile.SoundFileError, OSError, ValueError):
        pass
    return SONG_SECONDS if otherwise is None else otherwise


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
