"""The layout of a data set: which stems a song has, and which stems make up a source.

musdb describes a data set in a setup file ``mus.yaml``: ``mixture`` and ``sources`` name the wav
files of a song, ``stem_ids`` the streams of a ``.stem.mp4``, and ``targets`` are linear mixtures of
sources (``accompaniment: {drums: 1, bass: 1, other: 1}``). musdb ships the file for MUSDB18; a root
may hold its own, whose keys override musdb's.
"""

from __future__ import annotations

import math
from pathlib import Path

import yaml

from upsampling_artifacts import import_paths
from upsampling_artifacts.errors import InputError, one_line

KEYS = ("mixture", "sources", "stem_ids", "targets")


def package_folder(package: str) -> Path:
    """Locate an installed package without importing it.

    Args:
        package: Name of the package.

    Returns:
        Its folder.

    Raises:
        InputError: It is not installed.
    """
    file = import_paths.source_file(package)
    if file is None:
        raise InputError(f"{package} is not installed; run `make`")
    return file.parent


def read_setup(dataset: str, root: str | Path | None = None) -> dict:
    """Read the layout of a data set.

    Args:
        dataset: Name of the data set, as in config.
        root: The user's folder, whose ``mus.yaml`` overrides musdb's; None to ignore it.

    Returns:
        The keys ``KEYS`` of ``mus.yaml``, as plain values. ``sources`` is None if the user's folder
        does not define it: then the stems of a song are its wav files.

    Raises:
        InputError: ``mus.yaml`` cannot be read, or a value has the wrong type.
    """
    default_path = package_folder("musdb") / "configs/mus.yaml"
    setup = yaml.safe_load(default_path.read_text(encoding="utf-8"))
    setup = {key: setup[key] for key in KEYS}
    if dataset != "synthetic" and not dataset.startswith("musdb18"):
        setup["sources"] = None
    custom = Path(root, "mus.yaml") if root is not None else None
    if custom is None or not custom.exists():
        return setup
    changes = read_setup_file(custom)
    setup |= {key: changes[key] for key in KEYS if key in changes}
    try:
        _check(setup)
    except (TypeError, ValueError) as error:
        raise InputError(f"{custom}: not a valid musdb setup file ({error}); correct it") from None
    return setup


def read_setup_file(path: Path) -> dict:
    """Read a file ``mus.yaml``.

    Args:
        path: The file.

    Returns:
        Its keys; none if it is empty.

    Raises:
        InputError: It cannot be read, or is no YAML with keys.
    """
    try:
        if not path.is_file():
            raise OSError("it is no file")
        setup = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        if not isinstance(setup, dict):
            raise TypeError("it has no keys")
    except (yaml.YAMLError, OSError, ValueError, TypeError, ArithmeticError, LookupError,
            AttributeError, RecursionError) as error:  # fmt: skip
        raise InputError(
            f"{path}: not a valid musdb setup file ({one_line(error)}); correct it"
        ) from None
    return setup


def _check(setup: dict) -> None:
    """Raise a TypeError or ValueError for a value that musdb could not use."""
    _check_file("mixture", setup["mixture"])
    for key in ("sources", "stem_ids", "targets"):
        if not isinstance(setup[key], dict) and not (key == "sources" and setup[key] is None):
            raise TypeError(f"{key}: must map names to values")
        if any(not isinstance(name, str) for name in setup[key] or {}):
            raise TypeError(f"{key}: names must be text")
    for source, file in (setup["sources"] or {}).items():
        if source == "mixture":
            raise ValueError("sources: 'mixture' is the name of the mixture")
        _check_file(f"sources: {source}", file)
    for stem, number in setup["stem_ids"].items():
        if not isinstance(number, int):
            raise TypeError(f"stem_ids: {stem}: must be the number of a stream")
    for target, weights in setup["targets"].items():
        if not isinstance(weights, dict):
            raise TypeError(f"targets: {target}: must map sources to weights")
        for source, weight in weights.items():
            if not math.isfinite(float(weight)):
                raise ValueError(f"targets: {target}: {source}: must be a number")


def _check_file(key: str, name: object) -> None:
    if not isinstance(name, str) or not name or not name.isprintable() or Path(name).is_absolute():
        raise TypeError(f"{key}: must be the name of a file in the song's folder")


def stem_files(song: Path, setup: dict) -> dict[str, Path]:
    """List the wav files of a song, the mixture first; they need not exist.

    If the setup names no sources, every visible wav file is a stem, except mixtures of other stems:
    ``accompaniment.wav`` beside drums, bass and other.

    Args:
        song: The folder of wav files.
        setup: From :func:`read_setup`.

    Returns:
        The file of each stem.
    """
    mixture = song / setup["mixture"]
    if setup["sources"] is not None:
        files = {stem: song / name for stem, name in setup["sources"].items()}
    else:
        found = sorted(path for path in song.glob("*.wav") if path.name[0] != ".")
        files = {path.stem: path for path in found if path != mixture}
        files = {s: p for s, p in files.items() if not _mixable(s, set(files) - {s}, setup)}
    return {"mixture": mixture, **files}


def stem_weights(source: str, stems: list[str], setup: dict) -> dict[str, float]:
    """Find the stems that make up a source: itself if it is a stem, else those of a target.

    Args:
        source: Name of the source in config.
        stems: The stems of the song.
        setup: From :func:`read_setup`.

    Returns:
        The weight of each stem.

    Raises:
        InputError: The source is neither a stem nor a target.
    """
    if source in stems:
        return {source: 1.0}
    if _mixable(source, set(stems), setup):
        return {stem: float(weight) for stem, weight in setup["targets"][source].items()}
    targets = [t for t in setup["targets"] if t not in stems and _mixable(t, set(stems), setup)]
    mixed = f" or, mixed from them, {', '.join(targets)}" if targets else ""
    known = ", ".join(stems) or "none"
    raise InputError(f"no stem '{source}'; sources can be: {known}{mixed}")


def _mixable(target: str, stems: set[str], setup: dict) -> bool:
    weights = setup["targets"].get(target)
    return bool(weights) and set(weights) <= stems


def check_sources(config: dict, setup: dict) -> None:
    """Check that the sources in config exist, as far as this is known without reading a song.

    Args:
        config: A complete configuration.
        setup: From :func:`read_setup`, for the data set.

    Raises:
        InputError: A source is neither a stem nor a target of the data set or the excerpt.
    """
    setups = {config["dataset"]: setup, "excerpt": read_setup("musdb18")}
    if setup["sources"] is None:
        del setups[config["dataset"]]
    if not config["excerpt"]:
        del setups["excerpt"]
    for name, layout in setups.items():
        for source in config["sources"]:
            try:
                stem_weights(source, list(layout["sources"]), layout)
            except InputError as error:
                key = "excerpt" if name == "excerpt" else "sources"
                remedy = "; set excerpt: false, or change sources" if key == "excerpt" else ""
                raise InputError(f"config: {key}: {name}: {error}{remedy}") from None
