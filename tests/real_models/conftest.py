"""Nothing is downloaded, and one core is used; the summary lists what was measured."""

import socket

import pytest
import torch


@pytest.fixture(autouse=True)
def offline(monkeypatch) -> None:
    """Weights are random and configurations are the packages' own: no hub is needed."""

    def refuse(*_: object) -> None:
        raise OSError("tests of published models are offline")

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(autouse=True)
def one_core() -> None:
    torch.set_num_threads(1)


def pytest_terminal_summary(terminalreporter) -> None:
    """List the properties recorded by passed and failed tests: seconds, layers, lines."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    rows = [report.user_properties for report in reports if report.user_properties]
    if rows:
        terminalreporter.section("published models")
    for row in rows:
        terminalreporter.write_line(", ".join(f"{name} {value}" for name, value in row))
