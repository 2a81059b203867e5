"""Summaries of code are kept by its text."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from upsampling_artifacts.pipeline import code_summaries
from upsampling_artifacts.pipeline.code_summaries import CodeSummary, keep, summarize

CODE = (
    "import upsampling_artifacts as ua\nfrom . import near\nfrom ..far import x\nimport numpy\n\n\n"
    "class Mine(ua.Upsampler):\n    pass\n"
)


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, str], CodeSummary]:
    """A function that summarizes code in a process, so to speak, that keeps summaries in a file."""

    def run(path: Path, code: str) -> CodeSummary:
        at_exit: list[Callable[[], None]] = []
        monkeypatch.setattr(atexit, "register", lambda *call: at_exit.append(partial(*call)))
        monkeypatch.setattr(code_summaries, "_known", {})
        keep(path)
        summary = summarize(code)
        for call in at_exit:
            call()
        return summary

    return run


def test_a_summary_lists_what_is_imported_and_what_is_used_of_the_package() -> None:
    summary = summarize(CODE)
    assert summary.imports == (
        "upsampling_artifacts", ".", ".near", "..far", "..far.x", "numpy",
    )  # fmt: skip
    assert summary.names == ("Upsampler",)
    assert summarize(f'"""A docstring."""\n# A comment.\n{CODE}') == summary


def test_code_is_parsed_once_and_again_if_edited(
    process: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "summaries.txt"
    first = process(path, CODE)
    parse = code_summaries._parse
    monkeypatch.setattr(code_summaries, "_parse", lambda code: pytest.fail(f"parsed: {code}"))
    assert process(path, CODE) == first
    monkeypatch.setattr(code_summaries, "_parse", parse)
    edited = process(path, CODE.replace("pass", "size = 2"))
    assert edited.digest != first.digest
    monkeypatch.setattr(code_summaries, "_parse", lambda code: pytest.fail(f"parsed: {code}"))
    assert process(path, CODE) == first  # both are kept


def test_another_version_of_the_parser_takes_nothing_from_the_file(
    process: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process(tmp_path / "summaries.txt", CODE)
    monkeypatch.setattr(code_summaries, "_version", lambda: b"another")
    monkeypatch.setattr(code_summaries, "_parse", lambda code: CodeSummary("new", (), ()))
    assert process(tmp_path / "summaries.txt", CODE).digest == "new"
