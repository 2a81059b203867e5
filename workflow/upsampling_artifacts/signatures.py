"""What a class or function of an import path can be called with, read from its source.

Planning a run checks the options in config. It must not import the classes, which load torch.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from upsampling_artifacts import import_paths, option_types
from upsampling_artifacts.errors import InputError, one_line

Definition = ast.ClassDef | ast.FunctionDef


@dataclass(frozen=True)
class Parameter:
    """A keyword argument.

    Attributes:
        annotation: Its type, as text; None if the source does not say.
        required: Whether it has no default.
    """

    annotation: str | None = None
    required: bool = False


@dataclass(frozen=True)
class Signature:
    """The keyword arguments of a class or function.

    Attributes:
        parameters: Its parameters by name, in order.
        takes_any: Whether it also takes others (``**options``).
    """

    parameters: Mapping[str, Parameter]
    takes_any: bool


def check_options(
    where: str,
    what: str,
    import_path: str,
    options: Mapping[str, object],
    own: Collection[str] = (),
    *,
    complete: bool = False,
) -> None:
    """Refuse a name that a module does not define, and an option that it does not take.

    What cannot be read from source (a name that is assigned, a compiled module, ``**options``, an
    unusual type) is not refused.

    Args:
        where: The key of the options in config, for the message: "systems.mine.options".
        what: What takes them: "architecture 'demucs'".
        import_path: ``package.module:name`` of a class or function.
        options: Keyword arguments from config.
        own: Names of the arguments that the caller gives.
        complete: Whether ``options`` are all that it will get, so that none may be missing.

    Raises:
        InputError: The name or an option is unknown (similar ones are named), the value of an
            option is not of the annotated type, or an option is missing.

    Example:
        >>> layer = "upsampling_artifacts.upsamplers.sinc:SincConvolution"
        >>> check_options("systems.mine.upsampler", "upsampler 'sinc'", layer, {"length": "five"})
        Traceback (most recent call last):
        upsampling_artifacts.errors.InputError: systems.mine.upsampler.length: 'five' is not an \
integer, which upsampler 'sinc' needs there
    """
    try:
        signature = read_signature(import_path)
    except InputError as error:
        raise InputError(f"{where}: {what}: {error}") from None
    if signature is None:
        return
    known = [name for name in signature.parameters if name not in own]
    for option, value in options.items():
        if option not in known and (option in own or not signature.takes_any):
            raise InputError(
                f"{where}: {what}: unknown option '{option}'{_hint(option, known)}; "
                f"known: {', '.join(known) or 'none'}"
            )
        annotation = signature.parameters.get(option, Parameter()).annotation
        if annotation is not None and not option_types.fits(value, annotation):
            raise InputError(
                f"{where}.{option}: {value!r} is not {option_types.describe(annotation)}, which "
                f"{what} needs there"
            )
    for name in known:
        if complete and signature.parameters[name].required and name not in options:
            raise InputError(f"{where}: {what}: option '{name}' is missing; set it")


def read_signature(import_path: str) -> Signature | None:
    """Read a signature from source.

    Args:
        import_path: ``package.module:name`` of a class or function.

    Returns:
        The signature; None if it cannot be read.

    Raises:
        InputError: The module does not define the name.

    Example:
        >>> path = "upsampling_artifacts.upsamplers.sinc:SincConvolution"
        >>> read_signature(path).parameters["zeros"]
        Parameter(annotation='int', required=False)
    """
    module, _, name = import_path.partition(":")
    file = import_paths.source_file(module)
    if file is None:
        return None
    try:
        names = _Module(file, module).names()
    except (SyntaxError, ValueError, OSError, RecursionError) as error:
        raise InputError(f"{file}: cannot be read as Python ({one_line(error)}); mend it") from None
    if name not in names and "." not in name:
        raise InputError(
            f"{import_path}: module '{module}' has no '{name}'{_hint(name, list(names))}"
        )
    return _signature(module, name, frozenset())


def _hint(name: str, known: list[str]) -> str:
    similar = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean '{similar[0]}'?" if similar else ""


class _Module:
    """The top level of a source file."""

    def __init__(self, file: Path, name: str):
        self.file = file
        self.package = name if file.name == "__init__.py" else name.rpartition(".")[0]

    def names(self) -> dict[str, ast.stmt]:
        """Every name that the top level defines, and the statement that does."""
        return _names(self.file)

    def imported(self, statement: ast.ImportFrom, name: str) -> tuple[str, str]:
        """The module and the name in it that ``from module import name`` imports."""
        parents = self.package.split(".")[: len(self.package.split(".")) - statement.level + 1]
        base = parents if statement.level else []
        module = ".".join([*base, *([statement.module] if statement.module else [])])
        alias = next(alias for alias in statement.names if name in (alias.asname, alias.name))
        return module, alias.name


@cache
def _names(file: Path) -> dict[str, ast.stmt]:
    names: dict[str, ast.stmt] = {}
    for statement in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match statement:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                names[statement.name] = statement
            case ast.Import() | ast.ImportFrom():
                for alias in statement.names:
                    names[alias.asname or alias.name] = statement
            case ast.Name(id=name, ctx=ast.Store()):
                names.setdefault(name, ast.Pass())
    return names


def _find(module: str, name: str) -> tuple[str, Definition | ast.ImportFrom] | None:
    """The statement that defines a name in a module's source; None if it cannot be read."""
    file = import_paths.source_file(module)
    try:
        statement = _Module(file, module).names().get(name) if file else None
    except (SyntaxError, ValueError, OSError, RecursionError):
        return None
    match statement:
        case ast.ClassDef() | ast.FunctionDef() | ast.ImportFrom():
            return module, statement
    return None


def _signature(module: str, name: str, seen: frozenset[tuple[str, str]]) -> Signature | None:
    """The signature of what a name stands for, through imports and base classes.

    Args:
        module: Where the name is used.
        name: The name.
        seen: Modules and names on the way here: a class may have a base of its own name, which
            cannot be told apart from it.
    """
    found = _find(module, name)
    if found is None or (module, name) in seen:
        return None
    seen |= {(module, name)}
    match found[1]:
        case ast.ImportFrom() as imported:
            source = import_paths.source_file(module)
            assert source
            return _signature(*_Module(source, module).imported(imported, name), seen)
        case ast.FunctionDef() as function:
            return _arguments(function.args, bound=False)
        case ast.ClassDef() as definition:
            for statement in definition.body:
                if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
                    return _arguments(statement.args, bound=True)
            # A dataclass writes its own.
            if not definition.decorator_list and definition.bases:
                match definition.bases[0]:
                    case ast.Name(id=base):
                        return _signature(module, base, seen)
    return None


def _arguments(arguments: ast.arguments, bound: bool) -> Signature:
    positional = [*arguments.posonlyargs, *arguments.args]
    without_default = len(positional) - len(arguments.defaults)
    defaults = [*[None] * without_default, *arguments.defaults, *arguments.kw_defaults]
    parameters = {}
    for argument, default in zip([*positional, *arguments.kwonlyargs], defaults, strict=True):
        annotation = ast.unparse(argument.annotation) if argument.annotation else None
        # Once the custom: `length: int = None`.
        is_optional = isinstance(default, ast.Constant) and default.value is None
        if annotation and is_optional and not option_types.fits(None, annotation):
            annotation = f"{annotation} | None"
        parameters[argument.arg] = Parameter(annotation, default is None)
    if bound:
        del parameters[next(iter(parameters))]
    return Signature(parameters, arguments.kwarg is not None)
