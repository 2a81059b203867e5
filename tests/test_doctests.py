"""The examples in docstrings run and print what they show."""

import doctest
import importlib
import inspect
import pkgutil

import pytest
import upsampling_artifacts
from upsampling_artifacts import registry
from upsampling_artifacts.artifacts import (
    boundary,
    filtering,
    lines,
    masking,
    measures,
    polyphase,
    spectral_images,
)

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(
        upsampling_artifacts.__path__, "upsampling_artifacts.", onerror=pytest.fail
    )
)
MIN_EXAMPLES = 150
MEASURES = [boundary, filtering, lines, masking, measures, polyphase, spectral_images]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_print_what_they_show(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))
    assert results.failed == 0


def test_the_examples_are_found() -> None:
    """Without this, the test above would pass if it ran none."""
    finder = doctest.DocTestFinder()
    found = [test for name in MODULES for test in finder.find(importlib.import_module(name))]
    assert sum(len(test.examples) for test in found) >= MIN_EXAMPLES


@pytest.mark.parametrize("name", registry.UPSAMPLERS)
def test_every_upsampler_has_an_example(name: str) -> None:
    layer = registry.load("upsampler", name, registry.UPSAMPLERS)
    assert ">>>" in (layer.__doc__ or "")


@pytest.mark.parametrize("module", MEASURES)
def test_every_measure_has_an_example(module) -> None:
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if function.__module__ == module.__name__ and not name.startswith("_"):
            assert ">>>" in (function.__doc__ or ""), name


@pytest.mark.parametrize("name", upsampling_artifacts.__all__)
def test_every_public_name_has_an_example(name: str) -> None:
    assert ">>>" in (getattr(upsampling_artifacts, name).__doc__ or "")
