"""Check, while a run is planned, that the networks and layers in config can be built and run.

The types of options are known from source (:mod:`signatures`). Which values a class takes is known
to the class alone, so it is built, on torch's meta device and in a process of its own
(:mod:`models.dry_build`): two seconds, once for each new set of options.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from upsampling_artifacts import registry
from upsampling_artifacts.errors import InputError, shortened
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.import_paths import source_file
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
        rows: By key in config, what :func:`models.dry_build.fault` takes.
        record: File that lists what was found to work before.
        fingerprint_of: The fingerprint of modules.

    Raises:
        InputError: The first row that does not work, and why; or PyTorch cannot be loaded.
    """
    marks = {where: _mark(row, fingerprint_of) for where, row in rows.items()}
    good = _read(Path(record))
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
    faults = json.loads(process.stdout.rpartition("\n")[0].rpartition("\n")[2])
    good = list(dict.fromkeys([*good, *(marks[each] for each in new if faults[each] is None)]))
    # In a folder that cannot be written to, they are checked again.
    with contextlib.suppress(OSError), atomic_write(record) as unfinished:
        unfinished.write_text("\n".join(good))
    for where, fault in faults.items():
        if fault is not None:
            raise InputError(f"config: {where}: {fault}")


def _mark(row: dict, fingerprint_of: Callable[..., str]) -> str:
    """What a row's outcome depends on: its options and its code."""
    modules = registry.modules_of({"architecture": "demucs", **row})
    return data_fingerprint([row, fingerprint_of("upsampling_artifacts.models.build", *modules)])


def _read(record: Path) -> list[str]:
    try:
        return record.read_text().split()
    except (OSError, UnicodeDecodeError):
        return []
