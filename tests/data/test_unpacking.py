"""Archives that cannot be unpacked get one line."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from upsampling_artifacts.data.unpacking import unpack
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.interruption import Interruption


def archive(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        for name in names:
            opened.writestr(zipfile.ZipInfo(name), "content")
    return file.getvalue()


def with_flag(content: bytes, flag: int) -> bytes:
    """Set a bit of the flags in both headers of each file."""
    changed = bytearray(content)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        position = content.find(mark)
        while position >= 0:
            changed[position + offset + flag // 8] |= 1 << flag % 8
            position = content.find(mark, position + 4)
    return bytes(changed)


def test_an_archive_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "data.zip").write_bytes(archive("top/train/a", "top/test/b"))
    folder = unpack(tmp_path / "data.zip", tmp_path / "data", Interruption())
    assert folder == tmp_path / "data/top"
    assert (folder / "train/a").read_text() == "content"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (with_flag(archive("train/a"), 0), "RuntimeError: .*encrypted"),
        (with_flag(archive("train/a\xff").replace(b"\xc3\xbf", b"\xff\xfe"), 11), "UnicodeDecode"),
        (archive("train/a", "train/a/b"), "NotADirectoryError|FileExistsError"),
        (archive("train/" + 300 * "a"), "OSError: .*File name too long"),
        (archive("train/a")[:-30], "BadZipFile"),
        (b"", "BadZipFile"),
    ],
    ids=str,
)
def test_a_fault_is_one_line(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "data.zip").write_bytes(content)
    message = rf"data\.zip: is damaged, encrypted or not a zip archive \(({reason}).*; remove it"
    with pytest.raises(InputError, match=message) as error:
        unpack(tmp_path / "data.zip", tmp_path / "data", Interruption())
    assert len(str(error.value).splitlines()) == 1
