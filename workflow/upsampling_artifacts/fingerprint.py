"""What a result depends on, as short hashes.

Snakemake looks at files and parameters, not at the modules that a script imports. A job that
takes hours must run again when the code that defines its result changed, and only then. So the
workflow passes :func:`code_fingerprint` of the modules that matter as a parameter of the job.
"""

from __future__ import annotations

import ast
import hashlib
import json
from functools import cache
from pathlib import Path

PACKAGE = "upsampling_artifacts"
ROOT = Path(__file__).parents[1]

# These say nothing about a result: a registry maps names to classes, and the class's own module
# is named to code_fingerprint. Without this, one new line in the registry would retrain all.
NEUTRAL = {
    f"{PACKAGE}.{name}"
    for name in ("registry", "progress", "files", "errors", "fingerprint", "stopping")
}


def data_fingerprint(value: object) -> str:
    """Hash of plain values (dicts, lists, numbers, strings), whatever the order of the keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def code_fingerprint(*modules: str) -> str:
    """Hash of the named modules and of all they import from this package.

    What cannot change a result does not change the hash: comments, docstrings, layout.
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
    """The module's code as a hash, and the modules of this package that it imports."""
    tree = ast.parse(_file_of(module).read_text(encoding="utf-8"))
    imported = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # "from package import name": the name may be a module too.
            imported += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        _drop_docstrings(node)
    ours = [name for name in imported if name.startswith(f"{PACKAGE}.") and _file_of(name).exists()]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), tuple(ours)


def _file_of(module: str) -> Path:
    """Where a module of this package would lie. Python's own search would import its parents."""
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


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
