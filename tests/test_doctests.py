"""The examples in docstrings run and print what they show."""

import doctest
import importlib
import pkgutil
from types import ModuleType

import pytest
import upsampling_artifacts

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(
        upsampling_artifacts.__path__, "upsampling_artifacts.", onerror=pytest.fail
    )
)
MIN_EXAMPLES = 100


def examples(module: ModuleType) -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [test for test in finder.find(module) if test.examples]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_print_what_they_show(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))
    assert results.failed == 0


def test_the_examples_are_found() -> None:
    """Otherwise the test above would pass without running any."""
    found = [test for name in MODULES for test in examples(importlib.import_module(name))]
    assert sum(len(test.examples) for test in found) >= MIN_EXAMPLES
