"""Import paths: the file of a module is found without importing it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from upsampling_artifacts import import_paths, registry
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.pipeline.fingerprint import _read, code_fingerprint

LAYER = """from my_helpers import gain
from my_package.deep import x
from upsampling_artifacts.upsamplers.base import Upsampler


class Layer(Upsampler):
    pass
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a clone: the folder of the Snakefile."""
    monkeypatch.setattr(import_paths, "FOLDERS", (import_paths.WORKFLOW, tmp_path))
    (tmp_path / "my_package/deep").mkdir(parents=True)
    (tmp_path / "my_layer.py").write_text(LAYER)
    (tmp_path / "my_helpers.py").write_text("gain = 1\n")
    (tmp_path / "my_package/deep/__init__.py").write_text("from ..beside import y\nx = y\n")
    (tmp_path / "my_package/beside.py").write_text("y = 1\n")
    (tmp_path / "stranger.py").write_text("z = 1\n")
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    for cached in (_read, import_paths.source_file, import_paths.local_file):
        cached.cache_clear()


def test_modules_are_found_in_the_clone_and_on_pythons_path(folder: Path) -> None:
    assert import_paths.source_file("my_layer") == folder / "my_layer.py"
    assert import_paths.source_file("my_package.deep") == folder / "my_package/deep/__init__.py"
    base = import_paths.source_file("upsampling_artifacts.upsamplers.base")
    assert base == import_paths.WORKFLOW / "upsampling_artifacts/upsamplers/base.py"
    assert import_paths.source_file("torchaudio.models").parts[-3:] == (
        "torchaudio", "models", "__init__.py",
    )  # fmt: skip
    assert import_paths.source_file("json.decoder").name == "decoder.py"
    for missing in ("my_layr", "my_package.shallow", "torchaudio.modles", "json.decoder.deeper"):
        assert import_paths.source_file(missing) is None


def test_finding_a_file_does_not_import_torch() -> None:
    code = """if True:
        import sys
        from upsampling_artifacts import import_paths
        assert import_paths.source_file("torchaudio.models._hdemucs") and not "torch" in sys.modules
    """
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "path", ["my_layer.py", "my_helpers.py", "my_package/deep/__init__.py", "my_package/beside.py"]
)
def test_a_fingerprint_follows_the_users_modules_beside_the_snakefile(
    folder: Path, path: str
) -> None:
    before = code_fingerprint("my_layer")
    (folder / "stranger.py").write_text("z = 2\n")
    forget()
    assert code_fingerprint("my_layer") == before
    (folder / path).write_text((folder / path).read_text() + "more = 1\n")
    forget()
    assert code_fingerprint("my_layer") != before
    assert "upsampling_artifacts.upsamplers.base" in _read("my_layer")[1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("my_layr:Layer", r"there is no module 'my_layr'; put it beside the Snakefile, install it"),
        ("my_layer:", r"is not an import path; write my_package.my_module:MyClass$"),
        (":Layer", r"is not an import path"),
        ("layer", r"known: linear, nearest; or give your own class as my_module:MyClass$"),
    ],
)
def test_planning_refuses_a_missing_module_in_one_line(folder, name, message) -> None:
    known = {"nearest": "a:B", "linear": "c:D"}
    assert registry.module_of("upsampler", "my_layer:Layer", known) == "my_layer"
    with pytest.raises(InputError, match=message) as error:
        registry.module_of("upsampler", name, known)
    assert "\n" not in str(error.value)


def test_a_failing_import_raises_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(folder)
    assert import_paths.import_object("my_helpers:gain") == 1
    with pytest.raises(InputError, match=r"module 'my_helpers' has no 'gian'; did you mean 'gain'"):
        import_paths.import_object("my_helpers:gian")
    (folder / "half.py").write_text("def broken(:\n")
    with pytest.raises(InputError, match=r"'half' cannot be imported \(SyntaxError: .*\); ") as e:
        import_paths.import_object("half:broken")
    assert "\n" not in str(e.value)


def test_an_object_of_a_python_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone, it finds the files beside it; in a package, its relative imports work."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    (folder / "lone").mkdir()
    (folder / "lone/beside_lone.py").write_text("gain = 2\n")
    (folder / "lone/torch.py").write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "from beside_lone import gain\n\n\n"
        "@dataclass\nclass Options:\n    gain: int = gain\n"
    )
    assert import_paths.import_object(f"{folder}/lone/torch.py:Options").gain == 2
    assert not hasattr(sys.modules.get("torch"), "Options")
    (folder / "my_package/__init__.py").touch()
    deep = folder / "my_package/deep/__init__.py"
    assert import_paths.import_object(f"{folder}/my_package/deep/__init__.py:x") == 1
    assert import_paths.source_file(str(deep)) == deep
    for missing in ("gone.py:Model", f"{folder}/lone/torch.py:Optoins"):
        with pytest.raises(InputError, match=r"no file 'gone\.py'|did you mean 'Options'"):
            import_paths.import_object(missing)


def test_a_module_that_exits_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "exits.py").write_text("raise SystemExit(3)\n")
    with pytest.raises(InputError, match=r"cannot be imported \(SystemExit: 3\); mend it"):
        import_paths.import_object(f"{folder}/exits.py:Model")
