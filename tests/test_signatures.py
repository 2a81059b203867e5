"""Signatures are read from source as ``inspect`` reads them from classes."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path

import pytest
from torch import nn
from upsampling_artifacts import import_paths, registry
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.signatures import Parameter, Signature, check_options, read_signature

CLASSES = [
    *registry.UPSAMPLERS.values(),
    *registry.ARCHITECTURES.values(),
    "torchaudio.models:HDemucs",
]


@pytest.mark.parametrize("import_path", CLASSES)
def test_a_signature_is_that_of_the_imported_class(import_path: str) -> None:
    parameters = inspect.signature(import_paths.import_object(import_path)).parameters
    signature = read_signature(import_path)
    assert signature and not signature.takes_any
    assert list(signature.parameters) == list(parameters)
    for name, parameter in parameters.items():
        read = signature.parameters[name]
        assert read.required == (parameter.default is parameter.empty)
        if isinstance(parameter.annotation, str):  # from __future__ import annotations
            assert read.annotation == parameter.annotation


class Base:
    def __init__(self, first, *, second: int = 2): ...


class Inherits(Base):
    pass


class TakesAny(Base):
    def __init__(self, first, **options): ...


class Conv1d(nn.Conv1d):
    pass


def factory(one: Sequence[int], two: int = None, *, three: list[str] = ()): ...  # noqa: RUF013


assigned = factory
FIRST, SECOND = Parameter(required=True), Parameter("int")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Inherits", Signature({"first": FIRST, "second": SECOND}, False)),
        ("TakesAny", Signature({"first": FIRST}, True)),
        (
            "factory",
            Signature(
                {
                    "one": Parameter("Sequence[int]", required=True),
                    "two": Parameter("int | None"),
                    "three": Parameter("list[str]"),
                },
                False,
            ),
        ),
        ("assigned", None),
        ("Conv1d", None),
    ],
)
def test_bases_imports_and_functions_are_followed(name: str, expected: Signature | None) -> None:
    assert read_signature(f"tests.test_signatures:{name}") == expected


def test_a_base_of_the_same_name_is_not_followed_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "from torch.nn import Module\n\n\nclass Module(Module):\n    pass\n"
    (tmp_path / "same_name.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    assert read_signature("same_name:Module") is None


@pytest.mark.parametrize("content", [b"class A(:", b"\xff\xfe", b"a = '\0'"])
def test_a_module_that_is_no_python_is_named(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.py").write_bytes(content)
    with pytest.raises(InputError, match=r"broken.py: cannot be read as Python \(\w+: .*; mend it"):
        read_signature(f"{tmp_path / 'broken.py'}:A")


@pytest.mark.parametrize("path", [":x", ".:x", "..a:x", "a b:x", "x:", "::"])
def test_what_is_no_module_has_no_signature(path: str) -> None:
    assert read_signature(path) is None


FACTORY = "tests.test_signatures:factory"


def check(path: str, options: dict, **keywords) -> None:
    check_options("key", "it", path, options, **keywords)


def test_options_are_checked_by_name() -> None:
    check("tests.test_signatures:TakesAny", {"anything": 1})
    check("tests.test_signatures:assigned", {"anything": 1})
    check("no_such_module:Class", {"anything": 1})
    check(FACTORY, {"two": 2}, own=["one"])
    with pytest.raises(InputError, match=r"^key: it: unknown option 'one'; .*known: two, three$"):
        check(FACTORY, {"one": [1]}, own=["one"])
    with pytest.raises(InputError, match=r"^key: it: unknown option 'first'; known: none"):
        check("tests.test_signatures:TakesAny", {"first": 1}, own=["first"])
    with pytest.raises(
        InputError, match=r"module 'tests.test_signatures' has no 'factry'; did you"
    ):
        check("tests.test_signatures:factry", {})


def test_none_may_be_missing_where_nothing_is_added() -> None:
    check(FACTORY, {"two": 2})
    check(FACTORY, {"one": [2]}, complete=True)
    check(FACTORY, {}, own=["one"], complete=True)
    with pytest.raises(InputError, match=r"^key: it: option 'one' is missing; set it$"):
        check(FACTORY, {"two": 2}, complete=True)


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("one", 1, "a list of integers"),
        ("one", [1, "a"], "a list of integers"),
        ("two", "five", "an integer or null"),
        ("two", 4.5, "an integer or null"),
        ("two", True, "an integer or null"),
    ],
)
def test_options_are_checked_by_type(option: str, value: object, expected: str) -> None:
    with pytest.raises(InputError) as error:
        check(FACTORY, {option: value})
    assert str(error.value) == f"key.{option}: {value!r} is not {expected}, which it needs there"


def test_values_of_the_right_type_pass() -> None:
    for options in ({"one": [1, 2]}, {"one": []}, {"two": None}, {"two": -3}, {"three": ["a"]}):
        check(FACTORY, options)
