"""Checksums of what jobs have written: a job refuses an input that has changed since.

A table whose line was cut, or one of whose digits was changed, is a table like any other, and no
reader of csv or wav files expects a checksum in them. So the checksums lie beside them, in
``results/<experiment>/.checksums/``, under the path that the output has in the experiment's folder.
They go where the experiment goes; an output that another experiment has written does not fit them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.integrity import checksum

FOLDER = ".checksums"
BLOCK_BYTES = 2**20


def record_outputs(paths: Iterable[str | Path]) -> None:
    """Record the checksums of outputs that are complete.

    Args:
        paths: Files and folders, as the workflow names them: ``results/<experiment>/...``. Others
            are passed over.

    Raises:
        OSError: A record cannot be written.
    """
    for path in map(Path, paths):
        if record := _record_of(path):
            with atomic_write(record) as unfinished:
                unfinished.write_text(json.dumps(_checksums(path), indent=1))


def check_inputs(paths: Iterable[str | Path]) -> None:
    """Check that inputs are what their jobs have written.

    What has no record (the user's own files, results of an earlier version) is not checked.

    Args:
        paths: Files and folders.

    Raises:
        InputError: One has changed.
        OSError: One cannot be read.
    """
    for path in map(Path, paths):
        record = _record_of(path)
        if record is None or not record.exists():
            continue
        actual = _checksums(path)
        try:
            stated = dict(json.loads(record.read_text(encoding="utf-8")))
        except (TypeError, ValueError):
            stated = {}
        names = (name for name in {**stated, **actual} if stated.get(name) != actual.get(name))
        if (name := next(names, None)) is not None:
            raise InputError(
                f"{path / name}: not as its job has written it: {_change(name, stated, actual)}; "
                f"delete {path}, and it will be made again, or {record}, to use it as it is"
            )


def _record_of(path: Path) -> Path | None:
    """The file of an output's checksums; None if it belongs to no experiment."""
    match path.parts:
        case ("results", experiment, *inside) if inside:
            return Path("results", experiment, FOLDER, *inside)
    return None


def _checksums(path: Path) -> dict[str, str]:
    """The checksum of a file, by ``"."``, or of the files of a folder, by their paths in it.

    Hidden files are left out: Snakemake puts one into folders.
    """
    if not path.is_dir():
        return {".": checksum(_blocks(path))}
    return {
        str(file.relative_to(path)): checksum(_blocks(file))
        for file in sorted(path.rglob("*"))
        if file.is_file() and not file.name.startswith(".")
    }


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block


def _change(name: str, stated: dict[str, str], actual: dict[str, str]) -> str:
    if name not in actual:
        return "it is missing"
    if name not in stated:
        return "it is new"
    return f"its checksum is {actual[name]}, but {stated[name]} was written"
