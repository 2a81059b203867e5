"""What a result depends on, as short hashes.

Snakemake looks at files and parameters, not at the modules that a script imports. A job that
takes hours must run again when the code that defines its result changed, and only then. So the
workflow passes :func:`code_fingerprint` of the modules that matter as a parameter of the job.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
from functools import cache

from upsampling_artifacts import import_paths

PACKAGE = "upsampling_artifacts"

NEUTRAL = {PACKAGE} | {
    f"{PACKAGE}.{name}"
    for name in (
        # What is said: messages, progress, hints. A contract is kept or not.
        "errors",
        "models.contract",
        "progress",
        "training.out_of_memory",
        "training.reporter",
        # Names and types. A registry maps names to classes, and the class's own module is named to
        # code_fingerprint.
        "import_paths",
        "models.types",
        "registry",
        "training.options",
        # How work is run: what moves data about, when it stops, where it goes on. Activation
        # checkpointing gives the same gradients, bit for bit.
        "files",
        "interruption",
        "pipeline.fingerprint",
        "training.activation_checkpointing",
        "training.checkpoint",
        "training.distributed",
        "training.loading",
    )
}
"""Modules that decide no result, so that an edit to one runs nothing again."""


def data_fingerprint(value: object) -> str:
    """Hash of plain values (dicts, lists, numbers, strings), whatever the order of the keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def code_fingerprint(*modules: str) -> str:
    """Hash of the named modules and of all they import: see :func:`_followed`.

    What cannot change a result does not change the hash: comments, docstrings, layout.

    Raises:
        FileNotFoundError: There is no such module.
    """
    seen: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in seen and module not in NEUTRAL:
            seen[module], imported = _read(module)
            waiting += imported
    return data_fingerprint(seen)


@cache
def _read(module: str) -> tuple[str, tuple[str, ...]]:
    """The module's code as a hash, and the modules that it imports and that are followed."""
    file = import_paths.source_file(module)
    if file is None:
        raise FileNotFoundError(f"module {module}")
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    tree = ast.parse(file.read_text(encoding="utf-8"))
    imported = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            origin = importlib.util.resolve_name(name, package) if node.level else name
            # "from package import name": the name may be a module too.
            imported += [origin, *(f"{origin}.{alias.name}" for alias in node.names)]
        _drop_docstrings(node)
    followed = tuple(name for name in imported if _followed(name, module))
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), followed


def _followed(name: str, importer: str) -> bool:
    """Modules of this clone, and those of the package of the module that imports them."""
    if import_paths.local_file(name):
        return True
    same_package = name.partition(".")[0] == importer.partition(".")[0]
    return same_package and import_paths.source_file(name) is not None


def _drop_docstrings(node: ast.AST) -> None:
    """Drop every bare string: the docstrings of modules, classes, functions and attributes."""
    body = getattr(node, "body", None)
    if isinstance(body, list):
        node.body = [line for line in body if not _is_text(line)] or [ast.Pass()]


def _is_text(line: ast.stmt) -> bool:
    return (
        isinstance(line, ast.Expr)
        and isinstance(line.value, ast.Constant)
        and isinstance(line.value.value, str)
    )
