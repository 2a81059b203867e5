"""Which stems a song has, and what a source is mixed from: data, in musdb's own terms.

musdb describes a data set by a file ``mus.yaml``: ``mixture`` and ``sources`` name the wav files of
a song, ``stem_ids`` the streams of a ``.stem.mp4``, and ``targets`` are linear mixtures of sources
(``accompaniment: {drums: 1, bass: 1, other: 1}``). musdb ships one for MUSDB18; a user's root may
hold its own, and each key that it has replaces musdb's.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import yaml

from upsampling_artifacts.errors import InputError

KEYS = ("mixture", "sources", "stem_ids", "targets")


def read_setup(dataset: str, root: str | Path | None = None) -> dict:
    """How the songs of a data set are laid out.

    Args:
        dataset: As in config.
        root: The user's folder, whose ``mus.yaml`` is heeded; None for musdb's alone.

    Returns:
        The keys ``KEYS`` of ``mus.yaml``, as plain values. ``sources`` is None for songs of
        anyone's, where it is not said: then a song's stems are the wav files that are there.

    Raises:
        InputError: ``mus.yaml`` cannot be read, or a key in it is not what musdb has there.
    """
    package = importlib.util.find_spec("musdb").submodule_search_locations[0]
    setup = yaml.safe_load((Path(package) / "configs/mus.yaml").read_text(encoding="utf-8"))
    setup = {key: setup[key] for key in KEYS}
    if dataset != "synthetic" and not dataset.startswith("musdb18"):
        setup["sources"] = None
    own = Path(root, "mus.yaml") if root is not None else None
    if own is None or not own.exists():
        return setup
    try:
        changes = yaml.safe_load(own.read_text(encoding="utf-8")) or {}
        for key in KEYS:
            setup[key] = changes.get(key, setup[key])
        _check(setup)
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, TypeError, ValueError) as error:
        told = " ".join(str(error).split())
        raise InputError(f"{own}: not a setup file as musdb reads it ({told}); mend it") from None
    return setup


def _check(setup: dict) -> None:
    """Whatever cannot be used raises one of the errors that a careless use of it would."""
    if not isinstance(setup["mixture"], str):
        raise TypeError("mixture: the name of a file is needed")
    for key in ("sources", "stem_ids", "targets"):
        if not isinstance(setup[key], dict) and not (key == "sources" and setup[key] is None):
            raise TypeError(f"{key}: names with a value each are needed")
    for target, weights in setup["targets"].items():
        if not isinstance(weights, dict):
            raise TypeError(f"targets: {target}: sources with a weight each are needed")
        for weight in weights.values():
            float(weight)


def stem_files(song: Path, setup: dict) -> dict[str, Path]:
    """The wav files of a song, the mixture first; they need not exist.

    Where the setup names no sources, every visible wav file is a stem, but for those that repeat
    other stems: an ``accompaniment.wav`` beside drums, bass and other.

    Args:
        song: The folder of wav files.
        setup: As :func:`read_setup` gives it.
    """
    mixture = song / setup["mixture"]
    if setup["sources"] is not None:
        files = {stem: song / name for stem, name in setup["sources"].items()}
    else:
        found = sorted(path for path in song.glob("*.wav") if path.name[0] != ".")
        files = {path.stem: path for path in found if path != mixture}
        files = {s: p for s, p in files.items() if not _mixable(s, set(files) - {s}, setup)}
    return {"mixture": mixture, **files}


def parts_of(source: str, stems: list[str], setup: dict) -> dict[str, float]:
    """What a source is made of: itself, where it is a stem, else a target's stems and weights.

    Args:
        source: Its name in config.
        stems: The stems that the song has.
        setup: As :func:`read_setup` gives it.

    Raises:
        InputError: It is neither.
    """
    if source in stems:
        return {source: 1.0}
    if _mixable(source, set(stems), setup):
        return {stem: float(weight) for stem, weight in setup["targets"][source].items()}
    targets = [t for t in setup["targets"] if t not in stems and _mixable(t, set(stems), setup)]
    mixed = f" or, mixed from them, {', '.join(targets)}" if targets else ""
    known = ", ".join(stems) or "none at all"
    raise InputError(f"no stem '{source}'; sources can be: {known}{mixed}")


def _mixable(target: str, stems: set[str], setup: dict) -> bool:
    weights = setup["targets"].get(target)
    return bool(weights) and set(weights) <= stems


def check_sources(config: dict, setup: dict) -> None:
    """Whether the sources can be had, as far as it is known before any song is looked into.

    Args:
        config: A complete configuration.
        setup: As :func:`read_setup` gives it for the data set.

    Raises:
        InputError: Naming the source.
    """
    known = {config["dataset"]: setup, "excerpt": read_setup("musdb18")}
    if setup["sources"] is None:
        del known[config["dataset"]]
    if not config["excerpt"]:
        del known["excerpt"]
    for name, layout in known.items():
        for source in config["sources"]:
            try:
                parts_of(source, list(layout["sources"]), layout)
            except InputError as error:
                key = "excerpt" if name == "excerpt" else "sources"
                remedy = "; set excerpt: false, or change sources" if key == "excerpt" else ""
                raise InputError(f"config: {key}: {name} has {error}{remedy}") from None
