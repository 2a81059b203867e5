"""What a Python file does and imports, without comments, docstrings and layout.

Parsing the library takes a second, and each `snakemake` needs most of it to plan. So summaries are
kept in a file, by the text that they summarize: only files that were edited are parsed again.
"""

from __future__ import annotations

import ast
import atexit
import sys
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from upsampling_artifacts.pipeline import records

PACKAGE = "upsampling_artifacts"


class CodeSummary(NamedTuple):
    """What a fingerprint needs to know of a Python file.

    Attributes:
        digest: Hash of its code, 64 hexadecimal digits.
        imports: Names of what it imports, modules or objects; relative ones begin with dots.
        names: Names that it takes from the package itself, as ``ua.Upsampler`` or imported by name.
    """

    digest: str
    imports: tuple[str, ...]
    names: tuple[str, ...]


_known: dict[str, CodeSummary] = {}


def summarize(text: str) -> CodeSummary:
    """Summarize the code of a Python file.

    Raises:
        SyntaxError: The text is not Python.
    """
    key = sha256(_version() + text.encode()).hexdigest()
    if key not in _known:
        _known[key] = _parse(text)
    return _known[key]


def keep(path: str | Path) -> None:
    """Take the summaries in a file as known; when this process ends, write it if there are more."""
    path = Path(path).absolute()
    for key, (digest, imports, names) in records.read(path).items():
        _known[key] = CodeSummary(digest, tuple(imports), tuple(names))
    atexit.register(_write, path, len(_known))


def _write(path: Path, n_read: int) -> None:
    if len(_known) > n_read:
        records.write(path, _known)


@cache
def _version() -> bytes:
    """What a summary depends on besides the text: this module and Python's syntax tree."""
    return sha256(Path(__file__).read_bytes() + sys.version.encode()).digest()


def _parse(text: str) -> CodeSummary:
    tree = _RuntimeCode().visit(ast.parse(text))
    nodes = list(ast.walk(tree))
    digest = sha256(ast.dump(tree).encode()).hexdigest()
    return CodeSummary(digest, tuple(_imports(nodes)), tuple(_names(nodes)))


def _imports(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            # In "from package import name", the name may be a module.
            dot = "" if origin.endswith(".") else "."
            yield from (origin, *(f"{origin}{dot}{alias.name}" for alias in node.names))


def _names(nodes: list[ast.AST]) -> Iterator[str]:
    """Names of the package: it imports them lazily, and `import` does not show what is used."""
    imports = [alias for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    packages = {alias.asname or alias.name for alias in imports if alias.name == PACKAGE}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield from [node.attr] if node.value.id in packages else []


class _RuntimeCode(ast.NodeTransformer):
    """Removes what does not affect results: docstrings, ``pass``, ``if TYPE_CHECKING:`` blocks."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else node

    def visit_Pass(self, node: ast.Pass) -> None:
        return None

    def visit_If(self, node: ast.If) -> ast.If | list[ast.stmt]:
        self.generic_visit(node)
        is_for_types = ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        return node.orelse if is_for_types else node
