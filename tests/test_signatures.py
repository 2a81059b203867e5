"""Signatures are read from source as ``inspect`` reads them from classes."""

from __future__ import annotations

import inspect

import pytest
from upsampling_artifacts import import_paths, registry
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.signatures import Signature, check_options, read_signature

CLASSES = [
    *registry.UPSAMPLERS.values(),
    *registry.ARCHITECTURES.values(),
    "torchaudio.models:HDemucs",
]


@pytest.mark.parametrize("import_path", CLASSES)
def test_a_signature_is_that_of_the_imported_class(import_path: str) -> None:
    parameters = inspect.signature(import_paths.import_object(import_path)).parameters
    assert read_signature(import_path) == Signature(tuple(parameters), takes_any=False)


class Base:
    def __init__(self, first, *, second=2): ...


class Inherits(Base):
    pass


class TakesAny(Base):
    def __init__(self, first, **options): ...


def factory(one, two=2): ...


assigned = factory


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Inherits", Signature(("first", "second"), False)),
        ("TakesAny", Signature(("first",), True)),
        ("factory", Signature(("one", "two"), False)),
        ("assigned", None),
    ],
)
def test_bases_imports_and_functions_are_followed(name: str, expected: Signature | None) -> None:
    assert read_signature(f"tests.test_signatures:{name}") == expected


def test_options_are_checked_by_name() -> None:
    check_options("it", "tests.test_signatures:TakesAny", ["anything"])
    check_options("it", "tests.test_signatures:assigned", ["anything"])
    check_options("it", "no_such_module:Class", ["anything"])
    check_options("it", "tests.test_signatures:factory", ["two"], own=["one"])
    with pytest.raises(InputError, match=r"^it: unknown option 'one'; .*known: two$"):
        check_options("it", "tests.test_signatures:factory", ["one"], own=["one"])
    with pytest.raises(
        InputError, match=r"module 'tests.test_signatures' has no 'factry'; did you"
    ):
        check_options("it", "tests.test_signatures:factry", [])
