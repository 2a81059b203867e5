"""What a class or function of an import path can be called with, read from its source.

Planning a run checks the options in config. It must not import the classes, which load torch.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from upsampling_artifacts import import_paths
from upsampling_artifacts.errors import InputError

Definition = ast.ClassDef | ast.FunctionDef


@dataclass(frozen=True)
class Signature:
    """The keyword arguments of a class or function.

    Attributes:
        names: Names of its parameters, in order.
        takes_any: Whether it also takes others (``**options``).
    """

    names: tuple[str, ...]
    takes_any: bool


def check_options(
    what: str, import_path: str, options: Collection[str], own: Collection[str] = ()
) -> None:
    """Refuse a name that a module does not define, and an option that it does not take.

    What cannot be read from source (a name that is assigned, a compiled module, ``**options``) is
    not refused.

    Args:
        what: What it is, for the message: "upsampler 'nearest'".
        import_path: ``package.module:name`` of a class or function.
        options: Names of the keyword arguments from config.
        own: Names of the arguments that the caller gives.

    Raises:
        InputError: The name or an option is unknown; similar ones are named.
    """
    try:
        signature = read_signature(import_path)
    except InputError as error:
        raise InputError(f"{what}: {error}") from None
    if signature is None or signature.takes_any:
        return
    known = [name for name in signature.names if name not in own]
    for option in options:
        if option not in known:
            raise InputError(
                f"{what}: unknown option '{option}'{_hint(option, known)}; "
                f"known: {', '.join(known) or 'none'}"
            )


def read_signature(import_path: str) -> Signature | None:
    """Read a signature from source.

    Args:
        import_path: ``package.module:name`` of a class or function.

    Returns:
        The signature; None if it cannot be read.

    Raises:
        InputError: The module does not define the name.

    Example:
        >>> read_signature("upsampling_artifacts.upsamplers.sinc:SincConvolution").names[-2:]
        ('zeros', 'beta')
    """
    module, _, name = import_path.partition(":")
    file = import_paths.source_file(module)
    if file is None:
        return None
    names = _Module(file, module).names()
    if name not in names and "." not in name:
        raise InputError(
            f"{import_path}: module '{module}' has no '{name}'{_hint(name, list(names))}"
        )
    found = _find(module, name)
    return found and _signature(*found)


def _hint(name: str, known: list[str]) -> str:
    similar = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean '{similar[0]}'?" if similar else ""


class _Module:
    """The top level of a source file."""

    def __init__(self, file: Path, name: str):
        self.body = _parse(file).body
        self.package = name if file.name == "__init__.py" else name.rpartition(".")[0]

    def names(self) -> dict[str, ast.stmt]:
        """Every name that the top level defines, and the statement that does."""
        names: dict[str, ast.stmt] = {}
        for statement in ast.walk(ast.Module(self.body, [])):
            match statement:
                case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                    names[statement.name] = statement
                case ast.Import() | ast.ImportFrom():
                    for alias in statement.names:
                        names[alias.asname or alias.name] = statement
                case ast.Name(id=name, ctx=ast.Store()):
                    names.setdefault(name, ast.Pass())
        return names

    def imported(self, statement: ast.ImportFrom, name: str) -> tuple[str, str]:
        """The module and the name in it that ``from module import name`` imports."""
        parents = self.package.split(".")[: len(self.package.split(".")) - statement.level + 1]
        base = parents if statement.level else []
        module = ".".join([*base, *([statement.module] if statement.module else [])])
        alias = next(alias for alias in statement.names if name in (alias.asname, alias.name))
        return module, alias.name


@cache
def _parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _find(module: str, name: str) -> tuple[str, Definition] | None:
    """The definition of a name, through imports, and its module; None if it cannot be read."""
    file = import_paths.source_file(module)
    if file is None:
        return None
    source = _Module(file, module)
    match source.names().get(name):
        case ast.ClassDef() | ast.FunctionDef() as definition:
            return module, definition
        case ast.ImportFrom() as statement:
            return _find(*source.imported(statement, name))
    return None


def _signature(module: str, definition: Definition) -> Signature | None:
    if isinstance(definition, ast.FunctionDef):
        return _arguments(definition.args, bound=False)
    for statement in definition.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            return _arguments(statement.args, bound=True)
    if definition.decorator_list or not definition.bases:  # a dataclass writes its own
        return None
    match definition.bases[0]:
        case ast.Name(id=base):
            found = _find(module, base)
            return found and _signature(*found)
    return None


def _arguments(arguments: ast.arguments, bound: bool) -> Signature:
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return Signature(tuple(names[1:] if bound else names), arguments.kwarg is not None)
