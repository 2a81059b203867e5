"""Damaged input of every kind: it works, or it is refused in one line. Never a traceback.

`make test` runs a few cases of each kind, the same ones each time. The long form draws others:

    FUZZ_CASES=1500 python -m pytest tests/fuzzing
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from upsampling_artifacts.errors import MAX_LINE_LENGTH, InputError, Interrupted

CASES = int(os.getenv("FUZZ_CASES", "0"))
"""Cases of each kind in the long form; 0 for the short form."""


FED: Counter[tuple[str, bool]] = Counter()
"""How often each function was called, by its name, and whether it refused its input."""


def cases(short: int, share: float = 1.0) -> settings:
    """How many cases a test takes.

    Args:
        short: In the short form.
        share: In the long form, as a share of ``FUZZ_CASES``.
    """
    return settings(
        max_examples=round(CASES * share) or short,
        derandomize=not CASES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, Phase.shrink] if CASES else [Phase.generate],
    )


def refused(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> str | None:
    """Call a function; return the line with which it refuses its input, or None.

    Whatever a job does not turn into one line (:func:`progress.job_log`) is raised.
    """
    line = _refused(function, *arguments, **keywords)
    FED[function.__name__, line is not None] += 1
    return line


def _refused(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> str | None:
    try:
        function(*arguments, **keywords)
    except (InputError, Interrupted) as error:
        line = str(error)
        assert line and len(line.splitlines()) == 1 and len(line) <= MAX_LINE_LENGTH, line
        return line
    except OSError as error:
        assert error.filename or "could not be" in str(error), repr(error)
        return str(error)
    return None
