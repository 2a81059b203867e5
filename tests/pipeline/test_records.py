"""Records come back as they were written; a damaged one counts for nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from upsampling_artifacts.pipeline import records

KNOWN = {"a": [1, 2.5, "text"], "near": None}


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    records.write(tmp_path / "record.txt", KNOWN)
    assert records.read(tmp_path / "record.txt") == KNOWN


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: b"",
        lambda text: text[:-10],
        lambda text: text.replace(b"near", b"neat"),
        lambda text: text.partition(b"\n")[2],
        lambda text: b"\xff" + text,
    ],
)
def test_a_damaged_record_counts_for_nothing(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "record.txt"
    records.write(path, KNOWN)
    path.write_bytes(damage(path.read_bytes()))
    assert records.read(path) == {}


def test_its_folder_is_made_but_not_in_a_clone_that_has_gone(tmp_path: Path) -> None:
    records.write(tmp_path / "folder/record.txt", KNOWN)
    assert records.read(tmp_path / "folder/record.txt") == KNOWN
    records.write(tmp_path / "gone/folder/record.txt", KNOWN)
    assert not (tmp_path / "gone").exists()
    assert records.read(tmp_path / "gone/folder/record.txt") == {}


def test_a_record_does_not_grow_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "MOST_KEPT", 2)
    records.write(tmp_path / "record.txt", dict.fromkeys("abcd"))
    assert list(records.read(tmp_path / "record.txt")) == ["c", "d"]
