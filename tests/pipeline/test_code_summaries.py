"""Summaries of code are kept by its text, and a damaged file of them counts for nothing."""

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


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: b"",
        lambda text: text[:-40],
        lambda text: text.replace(b"near", b"neat"),
        lambda text: text.partition(b"\n")[2],
        lambda text: b"\xff" + text,
    ],
)
def test_a_damaged_file_counts_for_nothing_and_is_written_again(
    process: Callable, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "summaries.txt"
    summary = process(path, CODE)
    good = path.read_bytes()
    path.write_bytes(damage(good))
    assert process(path, CODE) == summary
    assert path.read_bytes() == good


def test_another_version_of_the_parser_takes_nothing_from_the_file(
    process: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process(tmp_path / "summaries.txt", CODE)
    monkeypatch.setattr(code_summaries, "_version", lambda: b"another")
    monkeypatch.setattr(code_summaries, "_parse", lambda code: CodeSummary("new", (), ()))
    assert process(tmp_path / "summaries.txt", CODE).digest == "new"


def test_without_its_folder_nothing_is_written(process: Callable, tmp_path: Path) -> None:
    process(tmp_path / "gone/summaries.txt", CODE)
    assert not (tmp_path / "gone").exists()


def test_the_file_does_not_grow_without_end(
    process: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_summaries, "MOST_KEPT", 2)
    path = tmp_path / "summaries.txt"
    for number in range(4):
        process(path, f"A = {number}\n")
    assert len(code_summaries._read(path)) == 2
