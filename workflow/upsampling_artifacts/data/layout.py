"""The layout of a data set: which stems a song has, and which stems make up a source.

musdb describes a data set in a setup file ``mus.yaml``: ``mixture`` and ``sources`` name the wav
files of a song, ``stem_ids`` the streams of a ``.stem.mp4``, and ``targets`` are linear mixtures of
sources (``accompaniment: {drums: 1, bass: 1, other: 1}``). musdb ships the file for MUSDB18; a root
may hold its own, whose keys override musdb's.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from upsampling_artifacts import import_paths
from upsampling_artifacts.errors import InputError

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
    try:
        changes = yaml.safe_load(custom.read_text(encoding="utf-8")) or {}
        for key in KEYS:
            setup[key] = changes.get(key, setup[key])
        _check(setup)
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{custom}: not a valid musdb setup file ({reason}); correct it") from None
    return setup


def _check(setup: dict) -> None:
    """Raise a TypeError or ValueError for a value that musdb could not use."""
    if not isinstance(setup["mixture"], str):
        raise TypeError("mixture: must be a file name")
    for key in ("sources", "stem_ids", "targets"):
        if not isinstance(setup[key], dict) and not (key == "sources" and setup[key] is None):
            raise TypeError(f"{key}: must map names to values")
    for target, weights in setup["targets"].items():
        if not isinstance(weights, dict):
            raise TypeError(f"targets: {target}: must map sources to weights")
        for weight in weights.values():
            float(weight)


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
