"""Addresses, ``package.module:name``: what stands there, and in which file, told without importing.

Planning a run needs to know which file a result depends on, and must not load torch for it.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import operator
from functools import cache
from pathlib import Path

from upsampling_artifacts.errors import InputError, one_line

WORKFLOW = Path(__file__).parents[1]
FOLDERS = (WORKFLOW, WORKFLOW.parent)
"""Where modules of this clone lie: the library, and what is put beside the Snakefile. Jobs look
there first, too (workflow/rules/common.smk)."""


def find(address: str) -> object:
    """Import the module of an address and return what has the name.

    Raises:
        InputError: The module cannot be imported, or has no such name.
    """
    module_name, _, attribute = address.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise InputError(
            f"{address}: module '{module_name}' cannot be imported ({one_line(error)}); "
            "install it, or put its folder on PYTHONPATH"
        ) from error
    try:
        return operator.attrgetter(attribute)(module)
    except AttributeError:
        similar = difflib.get_close_matches(attribute, dir(module), n=1)
        hint = f"; did you mean '{similar[0]}'?" if similar else ""
        raise InputError(f"{address}: module '{module_name}' has no '{attribute}'{hint}") from None


@cache
def source_file(module: str) -> Path | None:
    """The file that ``import module`` would run; None if there is none, or it is not Python's."""
    local = local_file(module)
    if local:
        return local
    package, *below = module.split(".")
    spec = importlib.util.find_spec(package)  # of a submodule, this would import the parents
    if spec is None:
        return None
    if below:
        folders = map(Path, spec.submodule_search_locations or [])
        return next(filter(None, (_in(folder, below) for folder in folders)), None)
    return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None


def local_file(module: str) -> Path | None:
    """The file of a module of this clone; None if it is from elsewhere."""
    return next(filter(None, (_in(folder, module.split(".")) for folder in FOLDERS)), None)


def _in(folder: Path, names: list[str]) -> Path | None:
    path = folder.joinpath(*names)
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    return next((file for file in candidates if file.is_file()), None)
