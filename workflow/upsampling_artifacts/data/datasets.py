"""The songs of a data set, listed before anything is rendered, decoded or trained."""

from __future__ import annotations

import csv
import json
import math
import re
import subprocess
from collections import Counter
from pathlib import Path

import soundfile
import yaml

from upsampling_artifacts.data import synthetic_songs
from upsampling_artifacts.data.layout import package_folder, read_setup_file
from upsampling_artifacts.data.musdb18 import EXCERPT
from upsampling_artifacts.errors import InputError

EXCLUSION_MARK = "or exclude the song, in config:"
"""Marks the message about a faulty song: ``workflow/rules/events.smk`` searches job logs for it."""

SPLITS = ("train", "valid", "test")

PERIODIC = re.compile(r"(.+?)\1{19,}$")
"""In such a name, Snakemake (``PeriodicityDetector``) suspects rules that call each other for ever:
it makes nothing that depends on the name, but takes what is there, however old."""

SONG_SECONDS = 240.0
"""Mean length in MUSDB18, whose 150 songs take ten hours."""


def song_names(config: dict) -> dict[str, list[str]]:
    """List the names of an experiment's songs.

    Args:
        config: A complete configuration (:func:`pipeline.configuration.resolve`).

    Returns:
        The names, keyed "train", "valid", "test" and "excerpt" (the real song, scored separately).

    Raises:
        InputError: The root is missing, is empty, has faulty names or lacks songs of a published
            data set, or is set for synthetic songs; or ``exclude_songs`` names an unknown song; or
            a split has no songs.
    """
    if config["dataset"] == "synthetic":
        if config["root"] is not None:
            raise InputError(
                f"config: root: is {config['root']}, but dataset: synthetic renders its own songs; "
                "set dataset: folder, or omit root"
            )
        counts = config["synthetic_songs"]
        names = synthetic_songs.song_names(counts["train"], counts["valid"], counts["test"])
    elif is_fetched(config):
        names = _group_by_split(listed_songs(config))
    else:
        valid = _group_by_split(listed_songs(config))["valid"]
        names = _find_names(config["dataset"], config["root"], valid)
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
    # The excerpt is part of a MUSDB18 test song: if that is scored, the excerpt is not.
    with_excerpt = config["excerpt"] and EXCERPT not in names["test"]
    return {**names, "excerpt": [EXCERPT] if with_excerpt else []}


def _check_complete(config: dict, n_songs: int, missing: set[str]) -> None:
    """Refuse an incomplete copy of a published data set, unless config excludes what it lacks."""
    if missing and len(missing) > config["datasets"][config["dataset"]]["n_missing"]:
        raise InputError(
            f"config: root: {config['root']} lacks {len(missing)} of the {n_songs} songs of "
            f"{config['dataset']}; complete the copy, or exclude them: "
            f"exclude_songs: {json.dumps(sorted(missing))}"
        )


def is_fetched(config: dict) -> bool:
    """Whether the pipeline fetches the data set.

    Args:
        config: A complete configuration.

    Returns:
        True if the data set is published and no root is set.
    """
    return config["dataset"] in config["datasets"] and config["root"] is None


def listed_songs(config: dict) -> list[dict]:
    """Read the song list of a published data set, which is known without its audio.

    Args:
        config: A complete configuration.

    Returns:
        A dict with "song", "split" and "seconds" per song; none if the data set is not published.

    Raises:
        InputError: The list is missing or invalid.
    """
    if config["dataset"] not in config["datasets"]:
        return []
    published = config["datasets"][config["dataset"]]
    path = Path(published["song_list"])
    try:
        if not path.is_file():
            raise OSError("it is no file")
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        listed = []
        for row in rows:
            seconds = published["song_seconds"] or float(row["seconds"])
            if not row["song"].isprintable() or not 0 < seconds < math.inf:
                raise ValueError(f"in the row of '{row['song']}'")
            if row["split"] not in SPLITS:
                raise ValueError(f"'{row['song']}' is in no split")
            listed.append({**row, "seconds": seconds})
        return listed
    except (OSError, KeyError, ValueError, TypeError, AttributeError, csv.Error) as error:
        raise InputError(
            f"config: datasets.{config['dataset']}.song_list: {path} is not a song list "
            f"({error}); it needs the columns song, split and seconds"
        ) from error


def _group_by_split(listed: list[dict]) -> dict[str, list[str]]:
    return {split: [song["song"] for song in listed if song["split"] == split] for split in SPLITS}


def find_songs(root: Path) -> dict[str, list[str]]:
    """List the songs in ``root/train`` and ``root/test``: folders and ``.stem.mp4`` files.

    Args:
        root: Folder of a data set.

    Returns:
        The names, keyed "train" (validation songs included) and "test"; no names for a missing
        folder.
    """
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


def _find_names(dataset: str, root: str | None, valid: list[str]) -> dict[str, list[str]]:
    """List ``root/train`` and ``root/test``, and split off the validation songs from the former.

    Validation songs are those of ``mus.yaml`` in the root if it exists, else ``valid``, else
    musdb's.
    """
    if root is None or not Path(root).is_dir():
        state = "is not set" if root is None else f"{root} is not a folder"
        raise InputError(
            f"config: root: {state}, and dataset '{dataset}' needs one; unpack the data set so "
            "that <root>/train and <root>/test exist, and set root to it"
        )
    found = find_songs(Path(root))
    for split, songs_of_split in found.items():
        if not songs_of_split:
            raise InputError(
                f"config: root: {Path(root) / split} holds no songs; unpack the data set so that "
                "each song in it is a folder of wav files or a .stem.mp4 file"
            )
    for split, names in found.items():
        _check_names(Path(root) / split, names)
    if both := set(found["train"]) & set(found["test"]):
        raise InputError(
            f"config: root: {root} has '{min(both)}' in train and in test; remove one of them"
        )
    if (Path(root) / "mus.yaml").exists() or not valid:
        valid = _validation_names(Path(root))
    return {
        "train": [name for name in found["train"] if name not in valid],
        "valid": [name for name in found["train"] if name in valid],
        "test": found["test"],
    }


def _check_names(folder: Path, names: list[str]) -> None:
    """Refuse songs that exist twice, and names that Snakemake takes for something else."""
    for name in names:
        if "{" in name or "}" in name or not name.isprintable():
            raise InputError(
                f"config: root: the song '{name}' in {folder} has {{ or }} in its name, which "
                "Snakemake takes for a wildcard, or a line break or another character that cannot "
                "be printed; rename its folder (a symbolic link will do)"
            )
    for name, count in Counter(names).items():
        if count > 1:
            raise InputError(
                f"config: root: {folder} has '{name}' as a folder and as a .stem.mp4 file; "
                "remove one of them"
            )
        check_repetition(f"config: root: a song in {folder}", name)


def check_repetition(where: str, name: str) -> None:
    """Refuse a name that ends with too many repetitions (:data:`PERIODIC`).

    Args:
        where: What has the name.
        name: The name.

    Raises:
        InputError: It ends so.
    """
    if repeated := PERIODIC.search(name):
        raise InputError(
            f"{where} has a name that ends with '{repeated[1]}' "
            f"{len(repeated[0]) // len(repeated[1])} times, which Snakemake takes for an endless "
            "recursion; rename it"
        )


def _validation_names(root: Path) -> list[str]:
    """Read the validation songs from ``mus.yaml`` in the root, else from musdb's setup file."""
    setup = root / "mus.yaml"
    if not setup.exists():
        setup = package_folder("musdb") / "configs/mus.yaml"
    names = read_setup_file(setup).get("validation_tracks") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(
            f"{setup}: validation_tracks: is {names!r}, but must be a list of songs: "
            "[One song, Another song]; put a name that is a number in quotes"
        )
    return names


def song_seconds(song: Path, mixture: str = "mixture.wav", default: float | None = None) -> float:
    """Read the length of a song in seconds from the header of its mixture.

    Args:
        song: Path from :func:`musdb18.song_path`.
        mixture: File name of the mixture, if the song is a folder.
        default: Returned for a missing or unreadable song, and for any MP4, whose header is slow
            to read. None: an MP4's header is read too, and :data:`SONG_SECONDS` is the default.

    Returns:
        The length in seconds.
    """
    try:
        if song.suffix != ".mp4" and not (song / mixture).is_file():
            raise OSError("a pipe, say, of which a read would never end")
        if song.suffix != ".mp4":
            return soundfile.info(song / mixture).duration
        if default is None:
            return _packed_seconds(song)
    except (soundfile.SoundFileError, OSError, ValueError):
        pass
    return SONG_SECONDS if default is None else default


def _packed_seconds(path: Path) -> float:
    probe = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"]
    return float(subprocess.run([*probe, str(path)], capture_output=True, text=True).stdout)


def exclusion(songs: list[str]) -> str:
    """Write the config line that excludes songs.

    Args:
        songs: Names of the songs.

    Returns:
        One line of YAML.
    """
    names = yaml.safe_dump(songs, default_flow_style=True, width=float("inf"), allow_unicode=True)
    return f"exclude_songs: {names.strip()}"


def exclusion_hint(song: str, is_excerpt: bool) -> str:
    """Tell the user how to exclude a faulty song that cannot be repaired.

    Args:
        song: The song's name.
        is_excerpt: Whether the song is the excerpt, which has a config key of its own.

    Returns:
        The end of an error message.
    """
    return f"{EXCLUSION_MARK} {'excerpt: false' if is_excerpt else exclusion([song])}"
