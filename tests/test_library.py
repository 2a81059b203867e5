"""The public names of the package: cheap to import, complete, documented in docs/api.md."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
import upsampling_artifacts as ua

from .clone import REPOSITORY

PAGE = (REPOSITORY / "docs/api.md").read_text()
ROWS = dict(re.findall(r"^\| `(\w+)(?:\((.*)\))?` \|", PAGE, re.MULTILINE))
EXAMPLES = "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


def test_importing_the_package_loads_no_large_library() -> None:
    code = """if True:
        import sys
        import upsampling_artifacts as ua
        assert "probe" in dir(ua)
        print(*sorted({"torch", "numpy", "pandas", "matplotlib"} & set(sys.modules)))
    """
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == ""


@pytest.mark.parametrize("name", ua.__all__)
def test_a_public_name_is_the_object_of_its_module(name: str) -> None:
    module = importlib.import_module(f"upsampling_artifacts.{ua.PUBLIC_NAMES[name]}")
    public = getattr(ua, name)
    assert public is getattr(module, name)
    assert public.__module__ == module.__name__
    assert public.__doc__


def test_an_unknown_name_raises_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'prob'"):
        _ = ua.prob


def test_type_checkers_see_the_same_names_from_the_same_modules() -> None:
    tree = ast.parse(Path(ua.__file__).read_text())
    imports = next(
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    typed = {
        alias.asname: node.module
        for node in imports.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name  # "as" makes it a public name for type checkers
    }
    assert typed == {
        name: f"upsampling_artifacts.{module}" for name, module in ua.PUBLIC_NAMES.items()
    }


def test_the_page_documents_every_public_name() -> None:
    assert ROWS.keys() == set(ua.__all__)


@pytest.mark.parametrize("name", sorted(set(ROWS) - {"InputError"}))
def test_the_page_shows_the_signature(name: str) -> None:
    """It may leave out arguments with a default, but keeps order, kinds and names."""
    parameters = inspect.signature(getattr(ua, name)).parameters
    shown = [part.strip() for part in ROWS[name].split(",") if part.strip()]
    keyword_only = set(shown[shown.index("*") :]) - {"*"} if "*" in shown else set()
    names = [argument for argument in shown if argument != "*"]
    for argument in names:
        kind = parameters[argument].kind
        assert (kind == inspect.Parameter.KEYWORD_ONLY) == (argument in keyword_only), argument
    required = {
        argument
        for argument, parameter in parameters.items()
        if parameter.default is inspect.Parameter.empty
    }
    assert required <= set(names)


@pytest.mark.parametrize("name", ua.__all__)
def test_the_page_has_an_example_of_every_public_name(name: str) -> None:
    assert re.search(rf"\bua\.{name}\b", EXAMPLES)


def test_the_examples_of_the_page_run_and_print_what_they_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    test = doctest.DocTestParser().get_doctest(EXAMPLES, {}, "docs/api.md", "docs/api.md", 0)
    assert len(test.examples) > 40
    results = doctest.DocTestRunner().run(test)
    assert results.failed == 0
