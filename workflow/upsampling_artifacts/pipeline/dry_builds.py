"""Check, while a run is planned, that the networks and layers in config can be built and run.

The types of options are known from source (:mod:`signatures`). Which values a class takes is known
to the class alone, so it is built, on torch's meta device and in a process of its own
(:mod:`models.dry_build`): three seconds, once for each new set of options.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from upsampling_artifacts import registry
from upsampling_artifacts.errors import InputError, shortened
from upsampling_artifacts.import_paths import source_file
from upsampling_artifacts.models.network_size import NetworkSize
from upsampling_artifacts.pipeline import records
from upsampling_artifacts.pipeline.fingerprint import code_fingerprint, data_fingerprint

PROGRAM = "upsampling_artifacts.models.dry_build"


def check(
    rows: dict[str, dict],
    record: str | Path,
    fingerprint_of: Callable[..., str] = code_fingerprint,
) -> None:
    """Refuse options with which a network or layer cannot be built or run.

    Without PyTorch (where jobs have conda environments), nothing is checked: the jobs do it.

    Args:
        rows: By key in config, what :func:`models.dry_build.try_out` takes.
        record: File of what was found to work before, and of its sizes.
        fingerprint_of: The fingerprint of modules.

    Raises:
        InputError: The first row that does not work, and why; or PyTorch cannot be loaded.
    """
    marks = {where: _mark(row, fingerprint_of) for where, row in rows.items()}
    good = records.read(record)
    new = {where: row for where, row in rows.items() if marks[where] not in good}
    if not new or source_file("torch") is None:
        return
    process = subprocess.run(
        [sys.executable, "-m", PROGRAM], input=json.dumps(new), capture_output=True, text=True
    )
    if process.returncode:
        reason = process.stderr.strip().rpartition("\n")[2] or f"status {process.returncode}"
        raise InputError(
            f"PyTorch cannot be loaded or used ({shortened(reason, 300)}); run `make`, or see why "
            "`python -c 'import torch'` fails"
        )
    outcomes = json.loads(process.stdout.rpartition("\n")[0].rpartition("\n")[2])
    found = {marks[where]: size for where, (fault, size) in outcomes.items() if fault is None}
    records.write(record, good | found)
    for where, (fault, _) in outcomes.items():
        if fault is not None:
            raise InputError(f"config: {where}: {fault}")


def known_sizes(
    rows: dict[str, dict],
    record: str | Path,
    fingerprint_of: Callable[..., str] = code_fingerprint,
) -> dict[str, NetworkSize | None]:
    """What networks take, as :func:`check` found.

    Args:
        rows: By any key, what was checked.
        record: As for :func:`check`.
        fingerprint_of: The fingerprint of modules.

    Returns:
        By the same keys; None for a user-supplied network and for what was not checked.
    """
    good = records.read(record)
    sizes = {key: good.get(_mark(row, fingerprint_of)) for key, row in rows.items()}
    return {key: size and NetworkSize(*size) for key, size in sizes.items()}


def _mark(row: dict, fingerprint_of: Callable[..., str]) -> str:
    """What a row's outcome depends on: its options and its code."""
    modules = registry.modules_of({"architecture": "demucs", **row})
    return data_fingerprint([row, fingerprint_of(PROGRAM, *modules)])
