"""Atomic writes: a file is complete or absent."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.files import atomic_write, check_writable, explained_write_errors


class LibsndfileError(RuntimeError):
    """As soundfile's, which has no error number."""


LibsndfileError.__module__ = "soundfile"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_missing_folders_are_created_and_the_file_appears_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "table.csv"
    with atomic_write(path) as unfinished:
        unfinished.write_text("complete")
        assert not path.exists()
    assert path.read_text() == "complete"
    assert names(path.parent) == ["table.csv"]


def test_the_temporary_name_keeps_folder_and_suffix(tmp_path: Path) -> None:
    with atomic_write(str(tmp_path / "feat. Somebody.npy")) as unfinished:
        assert unfinished.parent == tmp_path
        assert unfinished.suffix == ".npy"
        assert unfinished.name.startswith(".")
        unfinished.touch()
    assert names(tmp_path) == ["feat. Somebody.npy"]


def test_two_writers_of_a_file_share_no_temporary_name(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    with atomic_write(path) as first, atomic_write(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
    assert names(tmp_path) == ["checkpoint.pt"]


def test_the_next_writer_removes_what_a_killed_one_has_left(tmp_path: Path) -> None:
    code = """if True:
        import os, sys
        from upsampling_artifacts.files import atomic_write
        with atomic_write(sys.argv[1]) as unfinished:
            unfinished.touch()
            os.kill(os.getpid(), 9)
    """
    for name in ("table.csv", "other.csv"):
        subprocess.run([sys.executable, "-c", code, str(tmp_path / name)], check=False)
    assert len(names(tmp_path)) == 2
    with atomic_write(tmp_path / "table.csv") as unfinished:
        unfinished.touch()
    other, table = names(tmp_path)
    assert other.startswith(".other.") and table == "table.csv"


@pytest.mark.parametrize("error", [ValueError("a fault"), KeyboardInterrupt(), SystemExit(1)])
def test_a_failure_leaves_the_old_file_and_no_temporary_file(
    tmp_path: Path, error: BaseException
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(type(error)), atomic_write(path) as unfinished:
        unfinished.write_text("new, but not all of i")
        raise error
    assert path.read_text() == "old"
    assert names(tmp_path) == ["table.csv"]


def test_the_error_of_a_full_disk_names_the_path(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    refusal = pytest.raises(OSError, match=r"table\.csv could not be written: No space left")
    with refusal as error, atomic_write(path) as unfinished:
        unfinished.write_text("ne")
        raise full
    assert error.value.errno == errno.ENOSPC
    assert str(path) in str(error.value)
    assert error.value.__cause__ is full
    assert path.read_text() == "old"
    assert names(tmp_path) == ["table.csv"]


def test_numpys_error_on_a_full_disk_gains_the_path_and_a_cause(tmp_path: Path) -> None:
    """numpy raises an OSError without a number: "8192 requested and 100 written"."""
    code = """if True:
        import resource, sys
        import numpy as np
        from upsampling_artifacts.files import atomic_write, explained_write_errors
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        try:
            with atomic_write(sys.argv[1]) as unfinished:
                np.save(unfinished, np.zeros(100_000))
        except OSError as error:
            print(error)
    """
    path = tmp_path / "song.npy"
    command = [sys.executable, "-c", code, str(path)]
    message = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"{path} could not be written: " in message
    assert "None" not in message
    assert names(tmp_path) == []


def test_writing_no_file_is_an_error(tmp_path: Path) -> None:
    refusal = pytest.raises(OSError, match=r"table\.csv could not be written")
    with refusal, atomic_write(tmp_path / "table.csv"):
        pass
    assert names(tmp_path) == []


def test_an_error_of_libsndfile_names_the_file_and_the_free_space(tmp_path: Path) -> None:
    path = tmp_path / "drums.wav"
    with (
        pytest.raises(
            OSError, match=r"drums\.wav could not be written: System error\. \(\d+ MB free"
        ),
        explained_write_errors(path),
    ):
        raise LibsndfileError("System error.")
    with pytest.raises(RuntimeError, match=r"^mine$"), explained_write_errors(path):
        raise RuntimeError("mine")


def test_a_folder_that_has_gone_hides_no_error(tmp_path: Path) -> None:
    path = tmp_path / "gone/table.csv"
    refusal = pytest.raises(OSError, match=r"table\.csv could not be written: ")
    with refusal, atomic_write(path) as unfinished:
        unfinished.parent.rmdir()
        unfinished.write_text("text")


def test_a_folder_that_cannot_be_written_to_is_named_with_a_remedy(tmp_path: Path) -> None:
    check_writable(tmp_path / "new/results")
    assert not names(tmp_path)
    file = tmp_path / "results"
    file.touch()
    for folder in (file, file / "demo", Path("/proc/results")):
        refusal = pytest.raises(
            InputError, match=r"^(.*): nothing can be written there \(.+: /.+\)"
        )
        with refusal as error:
            check_writable(folder)
        assert str(error.value).startswith(f"{folder}: ")
