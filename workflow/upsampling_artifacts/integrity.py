"""Checksums and origins, by which a damaged or exchanged artifact is refused.

An artifact that jobs read again (a model, a cached song) states a checksum of its contents, and of
which run it is. CRC-32 finds what disks, copies and interrupted writers do to a file, at a speed
near that of memory; it is no protection against forgery. ``torch.save`` and zip archives use it,
too.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from upsampling_artifacts.errors import InputError


def checksum(parts: Iterable[bytes | memoryview]) -> str:
    """CRC-32 of some bytes, one part after the other.

    Args:
        parts: The bytes.

    Returns:
        Eight hexadecimal digits.

    Example:
        >>> checksum([b"123456789"]), checksum([b"1234", b"56789"])
        ('cbf43926', 'cbf43926')
    """
    value = 0
    for part in parts:
        value = zlib.crc32(part, value)
    return f"{value:08x}"


def array_parts(array: np.ndarray) -> tuple[bytes, memoryview]:
    """The parts of an array for :func:`checksum`: type and shape, and its elements.

    Args:
        array: Any array; a contiguous one is not copied.
    """
    elements = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return f"{array.dtype.str} {array.shape}".encode(), elements.data


def description_part(description: dict[str, Any]) -> bytes:
    """The part of a description for :func:`checksum`: the same before and after a JSON file.

    Args:
        description: What JSON can hold; tuples become lists there.
    """
    return json.dumps(json.loads(json.dumps(description))).encode()


def run_of(path: str | Path) -> str | None:
    """The training run to whose folder a file belongs.

    Args:
        path: A path; ``.../<system>/seed-<n>/...`` belongs to a run.

    Returns:
        ``"<system>, seed <n>"``; None if the file belongs to no run.

    Example:
        >>> run_of("results/demo/variants/demucs_nearest/seed-2/snapshots/step-1.safetensors")
        'demucs_nearest, seed 2'
        >>> run_of("model.safetensors") is None
        True
    """
    folders = Path(path).parts[:-1]
    for system, seed in reversed(list(pairwise(folders))):
        if number := re.fullmatch(r"seed-(\d+)", seed):
            return f"{system}, seed {number[1]}"
    return None


def check_run(path: str | Path, stated: str | None, remedy: str) -> None:
    """Check that a file is in the folder of the run that it states.

    A file that states no run, or is in no run's folder, may be anywhere.

    Args:
        path: The file.
        stated: What :func:`run_of` returned when it was written.
        remedy: What to do otherwise.

    Raises:
        InputError: It states another run.
    """
    run = run_of(path)
    if stated and run and stated != run:
        raise InputError(f"{path}: is of {stated}, but in the folder of {run}; {remedy}")


def check_checksum(path: str | Path, stated: str, actual: str, remedy: str) -> None:
    """Check that a file contains what was written.

    Args:
        path: The file.
        stated: The checksum when it was written.
        actual: The checksum of its contents.
        remedy: What to do otherwise.

    Raises:
        InputError: The checksums differ.
    """
    if stated != actual:
        raise InputError(
            f"{path}: damaged: its checksum is {actual}, but {stated} was written; {remedy}"
        )
