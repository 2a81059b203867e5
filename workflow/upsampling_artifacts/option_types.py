"""Whether a plain value from config is of an annotated type, without importing anything.

Only types that a config file can hold are known; of any other, every value is accepted.
"""

from __future__ import annotations

import ast
import itertools
from functools import cache

NUMBERS = {"int": "an integer", "float": "a number"}
OTHERS = {"bool": "true or false", "str": "text", "None": "null"}
LISTS = {"list", "List", "tuple", "Tuple", "Sequence", "Iterable", "Collection", "set", "Set"}
MAPPINGS = {"dict", "Dict", "Mapping"}

PLURALS = {"int": "integers", "float": "numbers", "str": "texts", "bool": "trues and falses"}


def fits(value: object, annotation: str) -> bool:
    """Whether a value is of a type.

    As in a config file, true is no number, and an integer is a number.

    Args:
        value: A plain value.
        annotation: The type, as in source: ``"int | None"``.

    Example:
        >>> fits(5, "int | None"), fits(4.5, "int | None"), fits(True, "int"), fits(5, "Tensor")
        (True, False, False, True)
        >>> fits(["a", "b"], "Sequence[str]"), fits("ab", "Sequence[str]")
        (True, False)
    """
    tree = _parse(annotation)
    return tree is None or _fits(value, tree)


def describe(annotation: str) -> str:
    """Say what values fit a type of which not every value does.

    Args:
        annotation: The type, as in source.

    Example:
        >>> describe("int | None"), describe("Sequence[str]"), describe("Literal['a', 'b']")
        ('an integer or null', 'a list of texts', "one of 'a', 'b'")
    """
    tree = _parse(annotation)
    return "" if tree is None else " or ".join(dict.fromkeys(_describe(tree)))


@cache
def _parse(annotation: str) -> ast.expr | None:
    try:
        return ast.parse(annotation, mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return None


def _fits(value: object, tree: ast.expr) -> bool:
    name, parts = _name(tree), _parts(tree)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match name:
        case "|":
            return any(_fits(value, part) for part in parts)
        case "None":
            return value is None
        case "int":
            return is_number and isinstance(value, int)
        case "float":
            return is_number
        case "bool" | "str":
            return isinstance(value, {"bool": bool, "str": str}[name])
        case "Literal":
            known = [part.value for part in parts if isinstance(part, ast.Constant)]
            return len(known) < len(parts) or any(
                value == one and type(value) is type(one) for one in known
            )
    if name in LISTS:
        return isinstance(value, list | tuple) and _items_fit(value, parts)
    return isinstance(value, dict) if name in MAPPINGS else True


def _items_fit(values: list | tuple, parts: list[ast.expr]) -> bool:
    if not parts:
        return True
    if len(parts) == 1 or _name(parts[-1]) == "...":
        return all(_fits(value, parts[0]) for value in values)
    return len(values) == len(parts) and all(map(_fits, values, parts))


def _describe(tree: ast.expr) -> list[str]:
    name, parts = _name(tree), _parts(tree)
    if name == "|":
        return list(itertools.chain.from_iterable(map(_describe, parts)))
    if name == "Literal":
        return [f"one of {', '.join(map(ast.unparse, parts))}"]
    if name in LISTS:
        kinds = [PLURALS[_name(part)] for part in parts if _name(part) in PLURALS]
        return [f"a list of {' and '.join(dict.fromkeys(kinds))}" if kinds else "a list"]
    if name in MAPPINGS:
        return ["a table of keys and values"]
    return [{**NUMBERS, **OTHERS}.get(name, ast.unparse(tree))]


def _name(tree: ast.expr) -> str:
    """The name of a type without its parameters; ``"|"`` for a union."""
    match tree:
        case (
            ast.BinOp(op=ast.BitOr())
            | ast.Subscript(
                value=ast.Name(id="Optional" | "Union") | ast.Attribute(attr="Optional" | "Union")
            )
        ):
            return "|"
        case ast.Subscript(value=value):
            return _name(value)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Constant(value=value):
            return "..." if value is Ellipsis else str(value)  # None, or a type in quotes
    return ""


def _parts(tree: ast.expr) -> list[ast.expr]:
    """The alternatives of a union, or the parameters of a type."""
    match tree:
        case ast.BinOp(left=left, right=right):
            return [left, right]
        case ast.Subscript(slice=ast.Tuple(elts=parts)):
            return parts
        case ast.Subscript(value=value, slice=part):
            return [part, ast.Constant(None)] if _name(value) == "Optional" else [part]
    return []
