"""Import paths, ``package.module:name`` or ``file.py:name``: import the object, or find its file.

Planning a run needs the file that a result depends on, and must not load torch to find it.
"""

from __future__ import annotations

import difflib
import importlib.util
import operator
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from upsampling_artifacts.errors import InputError, one_line

WORKFLOW = Path(__file__).parents[1]
FOLDERS = (WORKFLOW, WORKFLOW.parent)
"""Folders of this clone that hold modules: the library, and what a user puts beside the Snakefile.
Jobs search these folders first, too (workflow/rules/common.smk)."""


def import_object(import_path: str) -> Any:
    """Import a module, or run a Python file, and return one of its objects.

    Args:
        import_path: ``package.module:name`` or ``folder/file.py:name``.

    Returns:
        The object.

    Raises:
        InputError: The module cannot be imported, or does not define the name.
    """
    module_name, _, attribute = import_path.rpartition(":")
    is_file = module_name.endswith(".py")
    if is_file and not Path(module_name).is_file():
        raise InputError(f"{import_path}: there is no file '{module_name}'")
    try:
        module = _import_file(Path(module_name)) if is_file else import_module(module_name)
    except (Exception, SystemExit) as error:
        remedy = "mend it" if is_file else "install it, or put its folder on PYTHONPATH"
        raise InputError(
            f"{import_path}: module '{module_name}' cannot be imported ({one_line(error)}); "
            f"{remedy}"
        ) from error
    try:
        return operator.attrgetter(attribute)(module)
    except AttributeError:
        similar = difflib.get_close_matches(attribute, dir(module), n=1)
        hint = f"; did you mean '{similar[0]}'?" if similar else ""
        raise InputError(
            f"{import_path}: module '{module_name}' has no '{attribute}'{hint}"
        ) from None
    except (Exception, SystemExit) as error:  # some packages import their modules on first use
        raise InputError(
            f"{import_path}: '{attribute}' cannot be imported ({one_line(error)})"
        ) from error


def _import_file(path: Path) -> ModuleType:
    """Import a Python file, under its full name if it belongs to a package.

    As if Python had run it, its folder is searched for the modules that it imports.
    """
    path = path.resolve()
    package = path.parent
    while (package / "__init__.py").is_file():
        package = package.parent
    name = ".".join(path.relative_to(package).with_suffix("").parts).removesuffix(".__init__")
    if str(package) not in sys.path:
        sys.path.append(str(package))
    if "." in name:
        return import_module(name)
    # A prefix, because the file may be called like a module that others import: torch.py.
    spec = importlib.util.spec_from_file_location(f"file_{name}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look up the module of their class
    spec.loader.exec_module(module)
    return module


@cache
def source_file(module: str) -> Path | None:
    """The Python file that ``import module`` would run; None if no such file exists.

    ``module`` may also be the path of that file, as in an import path ``file.py:name``.
    """
    if module.endswith(".py"):
        return Path(module) if Path(module).is_file() else None
    local = local_file(module)
    if local:
        return local
    package, *submodules = module.split(".")
    try:
        spec = importlib.util.find_spec(package)  # for a submodule, this would import its parents
    except (ImportError, ValueError):  # no name of a module, or one without a file: `__main__`
        return None
    if spec is None:
        return None
    if submodules:
        folders = map(Path, spec.submodule_search_locations or [])
        return next(filter(None, (_module_file(folder, submodules) for folder in folders)), None)
    return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None


@cache
def local_file(module: str) -> Path | None:
    """The file of a module of this clone; None for a module from elsewhere."""
    names = module.split(".")
    return next(filter(None, (_module_file(folder, names) for folder in FOLDERS)), None)


def _module_file(folder: Path, names: list[str]) -> Path | None:
    path = folder.joinpath(*names)
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    return next((file for file in candidates if file.is_file()), None)
