"""Import paths, ``package.module:name``: import the object, or find its file without importing.

Planning a run needs the file that a result depends on, and must not load torch to find it.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import operator
from functools import cache
from pathlib import Path
from typing import Any

from upsampling_artifacts.errors import InputError, one_line

WORKFLOW = Path(__file__).parents[1]
FOLDERS = (WORKFLOW, WORKFLOW.parent)
"""Folders of this clone that hold modules: the library, and what a user puts beside the Snakefile.
Jobs search these folders first, too (workflow/rules/common.smk)."""


def import_object(import_path: str) -> Any:
    """Import a module and return one of its objects.

    Args:
        import_path: ``package.module:name``.

    Returns:
        The object.

    Raises:
        InputError: The module cannot be imported, or does not define the name.
    """
    module_name, _, attribute = import_path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise InputError(
            f"{import_path}: module '{module_name}' cannot be imported ({one_line(error)}); "
            "install it, or put its folder on PYTHONPATH"
        ) from error
    try:
        return operator.attrgetter(attribute)(module)
    except AttributeError:
        similar = difflib.get_close_matches(attribute, dir(module), n=1)
        hint = f"; did you mean '{similar[0]}'?" if similar else ""
        raise InputError(
            f"{import_path}: module '{module_name}' has no '{attribute}'{hint}"
        ) from None


@cache
def source_file(module: str) -> Path | None:
    """The Python file that ``import module`` would run; None if no such file exists."""
    local = local_file(module)
    if local:
        return local
    package, *submodules = module.split(".")
    spec = importlib.util.find_spec(package)  # for a submodule, this would import its parents
    if spec is None:
        return None
    if submodules:
        folders = map(Path, spec.submodule_search_locations or [])
        return next(filter(None, (_module_file(folder, submodules) for folder in folders)), None)
    return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None


def local_file(module: str) -> Path | None:
    """The file of a module of this clone; None for a module from elsewhere."""
    names = module.split(".")
    return next(filter(None, (_module_file(folder, names) for folder in FOLDERS)), None)


def _module_file(folder: Path, names: list[str]) -> Path | None:
    path = folder.joinpath(*names)
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    return next((file for file in candidates if file.is_file()), None)
