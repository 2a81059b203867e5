"""Values from config fit the types that a class annotates, or do not."""

from __future__ import annotations

import pytest
from upsampling_artifacts.option_types import describe, fits

VALUES = [None, True, 0, -3, 4.5, "a", "1", [], [1], [1, 2], ["a"], [1.5], [None], {}, {"a": 1}]


@pytest.mark.parametrize(
    ("annotation", "fitting", "description"),
    [
        ("int", [0, -3], "an integer"),
        ("float", [0, -3, 4.5], "a number"),
        ("bool", [True], "true or false"),
        ("str", ["a", "1"], "text"),
        ("None", [None], "null"),
        ("int | None", [None, 0, -3], "an integer or null"),
        ("Optional[int]", [None, 0, -3], "an integer or null"),
        ("typing.Union[str, bool]", [True, "a", "1"], "text or true or false"),
        ("int | float | str", [0, -3, 4.5, "a", "1"], "an integer or a number or text"),
        ("Sequence[int]", [[], [1], [1, 2]], "a list of integers"),
        ("list[str]", [[], ["a"]], "a list of texts"),
        ("tuple[int, ...]", [[], [1], [1, 2]], "a list of integers"),
        ("tuple[int, int]", [[1, 2]], "a list of integers"),
        ("List[float]", [[], [1], [1, 2], [1.5]], "a list of numbers"),
        ("list", [[], [1], [1, 2], ["a"], [1.5], [None]], "a list"),
        ("dict[str, int]", [{}, {"a": 1}], "a table of keys and values"),
        ("Literal['a', 'b']", ["a"], "one of 'a', 'b'"),
        ("Literal[1, 2] | None", [None], "one of 1, 2 or null"),
    ],
)  # fmt: skip
def test_values_of_a_type(annotation: str, fitting: list, description: str) -> None:
    found = [value for value in VALUES if fits(value, annotation)]
    assert [repr(value) for value in found] == [repr(value) for value in fitting]
    assert describe(annotation) == description


@pytest.mark.parametrize(
    "annotation", ["Tensor", "int | Tensor", "Callable[[int], str]", "MyEnum.A", "not a type", "3"]
)
def test_a_type_that_config_cannot_hold_refuses_nothing(annotation: str) -> None:
    assert all(fits(value, annotation) for value in VALUES)
