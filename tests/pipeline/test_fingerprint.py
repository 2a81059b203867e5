"""Fingerprints: what changes a result changes them, and nothing else does."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from upsampling_artifacts import import_paths, registry
from upsampling_artifacts.pipeline import fingerprint
from upsampling_artifacts.pipeline.fingerprint import NEUTRAL, code_fingerprint, data_fingerprint

from ..clone import REPOSITORY

CONFIG = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())
PACKAGE = Path(fingerprint.__file__).parents[1]

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
    monkeypatch.setattr(import_paths, "FOLDERS", (tmp_path,))
    folder = tmp_path / "upsampling_artifacts"
    folder.mkdir()

    def write(name: str, code: str) -> None:
        (folder / f"{name}.py").write_text(code)
        forget()

    write("thing", MODULE)
    write("helpers", "def helper(x):\n    return x\n")
    yield write
    forget()


def forget() -> None:
    for cached in (fingerprint._read, import_paths.source_file):
        cached.cache_clear()


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
    seen, waiting = set(), list(modules)
    while waiting:
        module = waiting.pop()
        if module not in seen | NEUTRAL:
            seen.add(module)
            waiting += fingerprint._read(module)[1]
    return {name.removeprefix("upsampling_artifacts.") for name in seen}


TRAINING = {
    "data.cached_song", "data.segments", "models", "models.build", "models.loss", "models.saved",
    "training.loop", "training.step",
}  # fmt: skip
INTERPOLATION = {"upsamplers.base", "upsamplers.interpolation"}
FUSED = {*INTERPOLATION, "upsamplers.folding", "upsamplers.fused"}
LINEAR = {*FUSED, "upsamplers.linear", "upsamplers.smoothing"}
SUBPIXEL = {"upsamplers.base", "upsamplers.periodic_shuffle", "upsamplers.subpixel"}
# The modules that define each system of config, by name.
SYSTEMS = {
    "demucs_transposed": {"models.demucs", "upsamplers.base", "upsamplers.transposed"},
    "demucs_nearest": {"models.demucs", *FUSED, "upsamplers.nearest"},
    "demucs_linear": {"models.demucs", *LINEAR},
    "demucs_subpixel": {"models.demucs", *SUBPIXEL},
    "demucs_subpixel_icnr": {"models.demucs", *SUBPIXEL},
    "modified_transposed": {"models.demucs", "upsamplers.base", "upsamplers.transposed"},
    "modified_subpixel": {"models.demucs", *SUBPIXEL},
    "demucs_sinc": {
        "models.demucs", *INTERPOLATION, "upsamplers.periodic_shuffle", "upsamplers.sinc",
    },
    "demucs_zero_insertion": {"models.demucs", *INTERPOLATION, "upsamplers.zero_insertion"},
    "demucs_learned_interpolation": {
        "models.demucs", *INTERPOLATION, "upsamplers.learned_interpolation",
    },
    "demucs_haar": {"models.demucs", "upsamplers.base", "upsamplers.wavelet"},
    "demucs": {"models.demucs", "upsamplers.base", "upsamplers.transposed"},
    "melgan": {"models.melgan", "upsamplers.base", "upsamplers.transposed"},
    "wave_unet": {"models.wave_unet", *LINEAR},
    "open_unmix": {"models.open_unmix", "models.filterbank"},
    "sams_net": {"models.sams_net", "models.filterbank"},
}  # fmt: skip
NUMERICS = {
    f"artifacts.{name}"
    for name in (
        "boundary", "filtering", "lines", "masking", "measures", "polyphase", "spectra",
        "spectral_images",
    )
}  # fmt: skip
MODEL_PROBE = NUMERICS | {
    "models.overlap_add", "probes.layer_measures", "probes.layer_tracer",
    "probes.measures_table", "probes.model_probe",
}  # fmt: skip
BUILT = {"models", "models.build"}
SAVED = {*BUILT, "models.saved"}
SONG_FILES = {"data.cached_song", "data.checks", "data.layout", "data.musdb18"}
EXCERPT = {*SONG_FILES, "data.excerpt"}
STYLE = {"figures", "figures.style"}
PANELS = {*STYLE, "artifacts.spectra", "figures.panels"}
LINES = {"probes.line_summary", "statistics"}
# By the module that a rule names: what its jobs depend on beside the system.
STAGES = {
    "training.loop": TRAINING,
    "evaluation.separation": SAVED
    | {
        "data.cached_song", "evaluation.estimates", "evaluation.separation", "models.overlap_add",
    },
    "evaluation.baselines": {
        "data.cached_song", "evaluation.baselines", "evaluation.estimates",
    },
    "evaluation.scoring": {*SONG_FILES, "evaluation.scoring"},
    "evaluation.claims": {"evaluation.claims", "statistics"},
    "probes.variants": MODEL_PROBE
    | SAVED
    | {"data", "data.cached_song", "data.signals", "models.memory", "probes.variants"},
    "probes.systems": MODEL_PROBE
    | BUILT
    | EXCERPT
    | {"data", "data.signals", "models.memory", "probes.systems"},
    "probes.readings": MODEL_PROBE
    | BUILT
    | {"data", "data.cached_song", "data.signals", "probes.readings"},
    "probes.stacks": NUMERICS
    | BUILT
    | EXCERPT
    | {"data", "data.signals", "models.stacks", "probes.measures_table", "probes.stacks"},
    "figures.models": {*PANELS, "figures.models"},
    "figures.stacks": {*PANELS, "artifacts.lines", "figures.stacks"},
    "figures.ones": {*STYLE, "figures.ones"},
    "figures.overlap": {*STYLE, "figures.ones", "figures.overlap"},
    "figures.layers": {*STYLE, "figures.layers", "statistics"},
    "figures.line_levels": {*STYLE, *LINES, "figures.line_levels"},
    "figures.trade_offs": {*STYLE, *LINES, "figures.labels", "figures.trade_offs"},
    "figures.spectrograms": {*PANELS, "figures.spectrograms"},
    "figures.training_curves": {*STYLE, "figures.training_curves"},
    "figures.source_scores": {*STYLE, "evaluation.sdr", "figures.source_scores", "statistics"},
    "figures.step_speed": {*STYLE, "benchmarks.steps_table", "figures.step_speed"},
    "figures.layer_speed": {*STYLE, "figures.layer_speed"},
}  # fmt: skip


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_system_depends_on_its_own_network_and_upsampler(system: str) -> None:
    row = CONFIG["systems"][system]
    modules = registry.modules_of({"architecture": "demucs", **row})
    assert closure(*modules) == SYSTEMS[system]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_these_modules_alone(stage: str) -> None:
    assert closure(f"upsampling_artifacts.{stage}") == STAGES[stage]


@pytest.mark.parametrize(
    "module",
    [
        "errors", "progress", "training.out_of_memory", "training.reporter", "models.contract",
        "training.loading",
        "training.checkpoint", "training.distributed", "models.types", "training.options",
        "registry", "import_paths", "files", "interruption",
    ],
)  # fmt: skip
def test_messages_progress_loading_checkpoints_devices_and_types_decide_no_result(
    module: str,
) -> None:
    assert module not in set().union(*STAGES.values(), *SYSTEMS.values())
    assert f"upsampling_artifacts.{module}" in NEUTRAL


def test_a_cached_song_does_not_depend_on_training() -> None:
    modules = {"cache", "cached_song", "checks", "layout", "musdb18"}
    assert closure("upsampling_artifacts.data.cache") == {f"data.{module}" for module in modules}


def test_a_rendered_song_depends_on_its_composer_and_players() -> None:
    assert closure("upsampling_artifacts.data.songs") == {
        "data.songs", "data.songs.composition", "data.songs.rendering", "data.songs.styles",
    }  # fmt: skip


def test_the_neutral_modules_are_there() -> None:
    for module in NEUTRAL - {"upsampling_artifacts"}:
        path = module.removeprefix("upsampling_artifacts.").replace(".", "/")
        assert (PACKAGE / f"{path}.py").exists()


def test_the_package_imports_itself_by_full_names_which_the_fingerprint_follows() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert "from ." not in path.read_text(), path


def test_a_module_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        code_fingerprint("upsampling_artifacts.trainng")


def test_planning_loads_no_large_library() -> None:
    code = """if True:
        import sys
        from upsampling_artifacts import registry
        from upsampling_artifacts.pipeline import configuration
        from upsampling_artifacts.data import datasets
        from upsampling_artifacts.pipeline.fingerprint import code_fingerprint
        modules = "training.loop evaluation.scoring data.cache probes.variants data.songs"
        for module in modules.split():
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
