"""Fingerprints: what changes a result changes them, and nothing else does."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from upsampling_artifacts import fingerprint
from upsampling_artifacts.fingerprint import NEUTRAL, code_fingerprint, data_fingerprint

PACKAGE = Path(fingerprint.__file__).parent

MODULE = '''"""What it is."""

from upsampling_artifacts.helpers import helper

RATE_HZ = 8000
"""Of everything."""


class Thing:
    """A thing."""

    def double(self, x):
        # twice
        return 2 * helper(x)
'''


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """A function that writes a module of a small package of the same name."""
    monkeypatch.setattr(fingerprint, "ROOT", tmp_path)
    folder = tmp_path / "upsampling_artifacts"
    folder.mkdir()

    def write(name: str, code: str) -> None:
        (folder / f"{name}.py").write_text(code)
        fingerprint._read.cache_clear()

    write("thing", MODULE)
    write("helpers", "def helper(x):\n    return x\n")
    yield write
    fingerprint._read.cache_clear()


def of(name: str = "thing") -> str:
    return code_fingerprint(f"upsampling_artifacts.{name}")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# twice", "# two times"),
        ("        # twice\n", ""),
        ("What it is", "What it does"),
        ('"""What it is."""\n', ""),
        ('"""Of everything."""', '"""Of all there is."""'),
        ('"""Of everything."""\n', ""),
        ('    """A thing."""\n', ""),
        ("    def double(self, x):\n", '    def double(self, x):\n        """Twice."""\n'),
        ("2 * helper(x)", "(2*helper( x ))"),
        ("\n\n\n", "\n\n\n\n\n"),
    ],
)
def test_comments_docstrings_and_layout_change_nothing(write, old: str, new: str) -> None:
    before = of()
    assert old in MODULE
    write("thing", MODULE.replace(old, new))
    assert of() == before


@pytest.mark.parametrize(
    ("old", "new"),
    [("2 *", "3 *"), ("8000", "44100"), ("double", "twice"), ("2 * helper(x)", "2 * x")],
)
def test_code_does(write: Callable, old: str, new: str) -> None:
    before = of()
    write("thing", MODULE.replace(old, new))
    assert of() != before


@pytest.mark.parametrize(
    "statement",
    [
        "from upsampling_artifacts.helpers import helper",
        "from upsampling_artifacts import helpers",
        "import upsampling_artifacts.helpers",
        "import numpy, upsampling_artifacts.helpers as h",
        "def late():\n    from upsampling_artifacts.helpers import helper",
    ],
)
def test_imported_modules_of_the_package_count_too(write: Callable, statement: str) -> None:
    write("thing", statement)
    before = of()
    write("helpers", "def helper(x):\n    return -x\n")
    assert of() != before


def test_so_do_those_that_they_import_and_circles_end(write: Callable) -> None:
    write("helpers", "from upsampling_artifacts import deeper, thing\n")
    write("deeper", "A = 1\n")
    before = of()
    write("deeper", "A = 2\n")
    assert of() != before


def test_other_modules_do_not_count(write: Callable) -> None:
    before = of()
    write("stranger", "A = 1\n")
    assert of() == before
    assert of("stranger") != before


def test_neutral_modules_do_not_count(write: Callable) -> None:
    write(
        "thing",
        "from upsampling_artifacts import registry\nfrom upsampling_artifacts.files import x",
    )
    before = of()
    for name in ("registry", "files"):
        write(name, "A = 1\n")
    assert of() == before


def test_several_modules_count_in_any_order(write: Callable) -> None:
    names = ["upsampling_artifacts.thing", "upsampling_artifacts.helpers"]
    assert code_fingerprint(*names) == code_fingerprint(*reversed(names))
    assert code_fingerprint(*names) == of()  # the one imports the other
    assert of("helpers") != of()


def closure(*modules: str) -> set[str]:
    """Names of the modules of the real package that a fingerprint depends on."""
    seen, waiting = set(), [f"upsampling_artifacts.{module}" for module in modules]
    while waiting:
        module = waiting.pop()
        if module not in seen | NEUTRAL:
            seen.add(module)
            waiting += fingerprint._read(module)[1]
    return {name.removeprefix("upsampling_artifacts.") for name in seen}


def test_one_upsampler_does_not_depend_on_another() -> None:
    assert closure("upsamplers.transposed") == {"upsamplers.transposed", "upsamplers.base"}
    training = closure("training", "models.demucs", "upsamplers.transposed")
    assert {"data.segments", "data.cached_song", "models", "models.saved"} < training
    assert not training & {"upsamplers.nearest", "upsamplers.linear", "upsamplers.subpixel"}
    assert not training & {"registry", "progress", "files", "errors", "scoring", "table_1"}


def test_a_cached_song_does_not_depend_on_training() -> None:
    modules = {"cache", "cached_song", "checks", "layout", "musdb18"}
    assert closure("data.cache") == {f"data.{module}" for module in modules}


def test_a_rendered_song_depends_on_its_composer_and_players() -> None:
    assert closure("data.songs") == {
        "data.songs", "data.songs.composition", "data.songs.rendering", "data.songs.styles",
    }  # fmt: skip


def test_the_neutral_modules_are_there() -> None:
    for module in NEUTRAL:
        assert (PACKAGE / f"{module.rpartition('.')[2]}.py").exists()


def test_the_package_imports_itself_by_full_names_which_the_fingerprint_follows() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert "from ." not in path.read_text(), path


def test_a_module_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        code_fingerprint("upsampling_artifacts.trainng")


def test_planning_loads_no_large_library() -> None:
    code = """if True:
        import sys
        from upsampling_artifacts import configuration, registry
        from upsampling_artifacts.data import datasets
        from upsampling_artifacts.fingerprint import code_fingerprint
        for module in ("training", "scoring", "data.cache", "artifacts.probing", "data.songs"):
            code_fingerprint(f"upsampling_artifacts.{module}")
        print(*sorted({"torch", "pandas", "scipy", "musdb"} & set(sys.modules)))
    """
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == ""


def test_data_has_a_fingerprint_whatever_the_order_of_its_keys() -> None:
    value = {"a": [1, 2.5, None], "b": {"c": "d", "e": True}}
    again = {"b": {"e": True, "c": "d"}, "a": [1, 2.5, None]}
    assert data_fingerprint(value) == data_fingerprint(again)
    for other in ({"a": [2.5, 1, None]}, {**value, "b": {}}, {}, None):
        assert data_fingerprint(other) != data_fingerprint(value)
