"""Fingerprints: short hashes of the data and the code that a result depends on.

Snakemake compares files and parameters, but not the modules that a script imports. A job that
takes hours must run again if the code that decides its result has changed, and only then. So the
workflow passes the :func:`code_fingerprint` of the relevant modules as a parameter of the job.
"""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from hashlib import sha256
from pathlib import Path

from upsampling_artifacts import import_paths
from upsampling_artifacts.pipeline.code_summaries import PACKAGE, summarize
from upsampling_artifacts.public_names import PUBLIC_NAMES

NEUTRAL = {PACKAGE} | {
    f"{PACKAGE}.{name}"
    for name in (
        # Messages, progress and hints. A contract only accepts or refuses a model.
        "data.rates",
        "errors",
        "models.contract",
        "progress",
        "training.out_of_memory",
        "training.reporter",
        # Names and types. The registry maps names to classes; the rules pass the modules of these
        # classes to code_fingerprint.
        "import_paths",
        "models.types",
        "public_names",
        "registry",
        "training.options",
        # Execution: moving data, interrupting and resuming. Activation checkpointing gives the
        # same gradients, bit for bit; a CUDA graph runs the same kernels.
        "files",
        "integrity",
        "interruption",
        "pipeline.code_summaries",
        "pipeline.fingerprint",
        "pipeline.records",
        "training.activation_checkpointing",
        "training.checkpoint",
        "training.cuda_graphs",
        "training.distributed",
        "training.loading",
        "training.snapshots",
    )
}
"""Modules that do not affect results: an edit to one re-runs nothing."""


def data_fingerprint(value: object) -> str:
    """Hash plain values (dicts, lists, numbers, strings), regardless of the order of keys.

    Returns:
        16 hexadecimal digits.
    """
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def code_fingerprint(*modules: str) -> str:
    """Hash modules and everything they import, recursively (see :func:`_is_followed`).

    Comments, docstrings, formatting and imports for type checkers do not change the hash.

    Args:
        modules: Full names of modules.

    Returns:
        16 hexadecimal digits.

    Raises:
        FileNotFoundError: A module does not exist.
    """
    seen: dict[str, str] = {}
    pending = list(modules)
    while pending:
        module = pending.pop()
        if module not in seen and module not in NEUTRAL:
            seen[module], imported = _read(module)
            pending += imported
    return data_fingerprint(seen)


def script_fingerprint(path: str | Path) -> str:
    """Hash the code of a script, without what it imports, comments, docstrings and layout.

    Raises:
        FileNotFoundError: The script does not exist.
    """
    return _read(str(path))[0][:16]


def contents_fingerprint(*paths: str | Path) -> str:
    """Hash the contents of files and their names, but neither folders nor times.

    Returns:
        16 hexadecimal digits.
    """
    digests = [(Path(path).name, sha256(Path(path).read_bytes()).hexdigest()) for path in paths]
    return data_fingerprint(digests)


@cache
def _read(module: str) -> tuple[str, tuple[str, ...]]:
    """Hash a module's code, and list the imported modules to follow."""
    file = import_paths.source_file(module)
    if file is None:
        raise FileNotFoundError(f"module {module}")
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    code = summarize(file.read_text(encoding="utf-8"))
    imported = [
        importlib.util.resolve_name(name, package) if name.startswith(".") else name
        for name in code.imports
    ]
    imported += [f"{PACKAGE}.{PUBLIC_NAMES[name]}" for name in code.names if name in PUBLIC_NAMES]
    return code.digest, tuple(name for name in imported if _is_followed(name, module))


def _is_followed(name: str, importer: str) -> bool:
    """Whether an imported module belongs to this clone, or to the importing module's package."""
    if import_paths.local_file(name):
        return True
    same_package = name.partition(".")[0] == importer.partition(".")[0]
    return same_package and import_paths.source_file(name) is not None
