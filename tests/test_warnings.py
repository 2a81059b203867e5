"""A call of something deprecated is an error if this library, a script of it or a test makes it."""

import subprocess
import sys
import warnings

import pytest

from .clone import plain_environment

OURS = "upsampling_artifacts.models.demucs"

CALL = """
import warnings
for category in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
    try:
        warnings.warn_explicit("old", category, "file.py", 1, module={module!r})
    except category:
        print(category.__name__)
"""


@pytest.mark.parametrize("category", [DeprecationWarning, PendingDeprecationWarning, FutureWarning])
def test_deprecated_calls_are_errors_in_tests(category: type[Warning]) -> None:
    for module in (OURS, __name__):
        with pytest.raises(category):
            warnings.warn_explicit("old", category, "file.py", 1, module=module)
    with pytest.warns(category):
        warnings.warn_explicit("old", category, "file.py", 1, module="torch.nn")


@pytest.mark.parametrize(("module", "errors"), [(OURS, 3), ("__main__", 3), ("torch.nn", 0)])
def test_and_in_the_processes_that_tests_start(module: str, errors: int) -> None:
    result = subprocess.run(
        [sys.executable, "-c", CALL.format(module=module)],
        env=plain_environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert len(result.stdout.split()) == errors
