"""Says how many damaged inputs of each kind were fed."""

from __future__ import annotations

import pytest

from . import CASES, FED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if CASES and FED:
        terminalreporter.section("damaged inputs")
        for name in sorted({name for name, _ in FED}):
            n_refused, n_worked = FED[name, True], FED[name, False]
            terminalreporter.line(f"{n_refused + n_worked:6} {name}: {n_refused} refused")
        terminalreporter.line(f"{FED.total():6} in all")
