"""Fingerprints change with the code that defines a result, and with nothing else."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from upsampling_artifacts import import_paths, registry
from upsampling_artifacts.pipeline import fingerprint
from upsampling_artifacts.pipeline.fingerprint import (
    NEUTRAL,
    code_fingerprint,
    contents_fingerprint,
    data_fingerprint,
    script_fingerprint,
)

from ..configs import read_config

CONFIG = read_config()
PACKAGE = Path(fingerprint.__file__).parents[1]

MODULE = '''"""A module."""

from upsampling_artifacts.helpers import helper

RATE_HZ = 8000
"""Sampling rate."""


class Thing:
    """A thing."""

    def double(self, x):
        # twice
        return 2 * helper(x)
'''


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Return a function that writes modules of a small package with the same name."""
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
    for cached in (fingerprint._read, import_paths.source_file, import_paths.local_file):
        cached.cache_clear()


def fingerprint_of(name: str = "thing") -> str:
    return code_fingerprint(f"upsampling_artifacts.{name}")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# twice", "# two times"),
        ("        # twice\n", ""),
        ("A module", "The module"),
        ('"""A module."""\n', ""),
        ('"""Sampling rate."""', '"""The sampling rate."""'),
        ('"""Sampling rate."""\n', ""),
        ('    """A thing."""\n', ""),
        ("    def double(self, x):\n", '    def double(self, x):\n        """Twice."""\n'),
        ("2 * helper(x)", "(2*helper( x ))"),
        ("\n\n\n", "\n\n\n\n\n"),
    ],
)
def test_comments_docstrings_and_formatting_do_not_change_the_fingerprint(
    write, old: str, new: str
) -> None:
    before = fingerprint_of()
    assert old in MODULE
    write("thing", MODULE.replace(old, new))
    assert fingerprint_of() == before


@pytest.mark.parametrize(
    ("old", "new"),
    [("2 *", "3 *"), ("8000", "44100"), ("double", "twice"), ("2 * helper(x)", "2 * x")],
)
def test_code_changes_the_fingerprint(write: Callable, old: str, new: str) -> None:
    before = fingerprint_of()
    write("thing", MODULE.replace(old, new))
    assert fingerprint_of() != before


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
def test_imported_modules_change_the_fingerprint(write: Callable, statement: str) -> None:
    write("thing", statement)
    before = fingerprint_of()
    write("helpers", "def helper(x):\n    return -x\n")
    assert fingerprint_of() != before


@pytest.mark.parametrize(
    "code",
    [
        "import upsampling_artifacts as ua\n\n\nclass Mine(ua.Upsampler):\n    pass\n",
        "import upsampling_artifacts\n\nBASE = upsampling_artifacts.Upsampler\n",
        "from upsampling_artifacts import Upsampler\n",
    ],
)
def test_public_names_change_the_fingerprint_of_a_plug_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    (tmp_path / "my_layer.py").write_text(code)
    monkeypatch.setattr(import_paths, "FOLDERS", (*import_paths.FOLDERS, tmp_path))
    forget()
    assert "upsampling_artifacts.upsamplers.base" in fingerprint._read("my_layer")[1]
    forget()


def test_indirect_and_circular_imports_change_the_fingerprint(write: Callable) -> None:
    write("helpers", "from upsampling_artifacts import deeper, thing\n")
    write("deeper", "A = 1\n")
    before = fingerprint_of()
    write("deeper", "A = 2\n")
    assert fingerprint_of() != before


def test_modules_that_are_not_imported_do_not_change_the_fingerprint(write: Callable) -> None:
    before = fingerprint_of()
    write("unrelated", "A = 1\n")
    assert fingerprint_of() == before
    assert fingerprint_of("unrelated") != before


@pytest.mark.parametrize("condition", ["TYPE_CHECKING", "typing.TYPE_CHECKING"])
def test_imports_for_type_checkers_do_not_change_the_fingerprint(
    write: Callable, condition: str
) -> None:
    block = f"if {condition}:\n    from upsampling_artifacts.helpers import Helper\n"
    write("thing", f"{block}A = 1\n")
    before = fingerprint_of()
    write("helpers", "class Helper:\n    size = 2\n")
    write("thing", f"{block}    from upsampling_artifacts.more import More\nA = 1\n")
    assert fingerprint_of() == before
    write("thing", f"{block}else:\n    import upsampling_artifacts.helpers\nA = 1\n")
    at_runtime = fingerprint_of()
    write("helpers", "class Helper:\n    size = 3\n")
    assert fingerprint_of() != at_runtime != before


def test_neutral_modules_do_not_change_the_fingerprint(write: Callable) -> None:
    write(
        "thing",
        "from upsampling_artifacts import registry\nfrom upsampling_artifacts.files import x",
    )
    before = fingerprint_of()
    for name in ("registry", "files"):
        write(name, "A = 1\n")
    assert fingerprint_of() == before


def test_the_order_of_modules_does_not_change_the_fingerprint(write: Callable) -> None:
    names = ["upsampling_artifacts.thing", "upsampling_artifacts.helpers"]
    assert code_fingerprint(*names) == code_fingerprint(*reversed(names))
    assert code_fingerprint(*names) == fingerprint_of()  # thing imports helpers
    assert fingerprint_of("helpers") != fingerprint_of()


def closure(*modules: str) -> set[str]:
    """Return the names of the real modules that a fingerprint depends on."""
    seen, pending = set(), list(modules)
    while pending:
        module = pending.pop()
        if module not in seen | NEUTRAL:
            seen.add(module)
            pending += fingerprint._read(module)[1]
    return {name.removeprefix("upsampling_artifacts.") for name in seen}


TRAINING = {
    "data.cached_song", "data.segments", "models", "models.build", "models.loss", "models.lstm",
    "models.saved", "models.silence_subtraction", "training.loop", "training.step",
}  # fmt: skip
INTERPOLATION = {"upsamplers.base", "upsamplers.interpolation"}
FUSED = {
    *INTERPOLATION,
    "upsamplers.folding",
    "upsamplers.fused",
    "upsamplers.fusion_plan",
    "upsamplers.rounding",
}
LINEAR = {*FUSED, "upsamplers.linear", "upsamplers.smoothing"}
SUBPIXEL = {
    "upsamplers.base", "upsamplers.low_pass", "upsamplers.periodic_shuffle", "upsamplers.subpixel",
}  # fmt: skip
TRANSPOSED = {"upsamplers.base", "upsamplers.low_pass", "upsamplers.transposed"}
DEMUCS = {"models.demucs"}
# The modules that define each system in config.
SYSTEMS = {
    "demucs_transposed": {*DEMUCS, *TRANSPOSED},
    "demucs_nearest": {*DEMUCS, *FUSED, "upsamplers.nearest"},
    "demucs_linear": {*DEMUCS, *LINEAR},
    "demucs_subpixel": {*DEMUCS, *SUBPIXEL},
    "demucs_subpixel_icnr": {*DEMUCS, *SUBPIXEL},
    "modified_transposed": {*DEMUCS, *TRANSPOSED},
    "modified_subpixel": {*DEMUCS, *SUBPIXEL},
    "demucs_sinc": {
        *DEMUCS, *INTERPOLATION, "upsamplers.periodic_shuffle", "upsamplers.sinc",
    },
    "demucs_zero_insertion": {*DEMUCS, *INTERPOLATION, "upsamplers.zero_insertion"},
    "demucs_learned_interpolation": {
        *DEMUCS, *INTERPOLATION, "upsamplers.learned_interpolation",
    },
    "demucs_haar": {*DEMUCS, "upsamplers.base", "upsamplers.wavelet"},
    "demucs": {*DEMUCS, *TRANSPOSED},
    "melgan": {"models.melgan", *TRANSPOSED},
    "wave_unet": {"models.wave_unet", *LINEAR},
    "open_unmix": {"models.open_unmix", "models.filterbank"},
    "sams_net": {"models.sams_net", "models.filterbank"},
}  # fmt: skip
NUMERICS = {
    f"artifacts.{name}"
    for name in (
        "boundary", "chance", "filtering", "hearing", "line_search", "lines", "masking", "measures",
        "polyphase", "prominence_ratio", "spectra", "spectral_images",
    )
}  # fmt: skip
MODEL_PROBE = NUMERICS | {
    "models.overlap_add", "probes.layer_measures", "probes.layer_tracer",
    "probes.measures_table", "probes.model_probe",
}  # fmt: skip
BUILT = {"models", "models.build", "models.lstm"}
SAVED = {*BUILT, "models.saved", "models.silence_subtraction"}
SONG_FILES = {"data.cached_song", "data.checks", "data.layout", "data.musdb18"}
EXCERPT = {*SONG_FILES, "data.excerpt"}
STYLE = {"figures", "figures.drawn_values", "figures.style", "figures.systems"}
PANELS = {*STYLE, "artifacts.spectra", "figures.panels"}
LINES = {"artifacts.chance", "probes.line_summary", "probes.measures_table", "statistics"}
OVER_TRAINING = {*LINES, "probes.over_training"}
VARIANTS = MODEL_PROBE | SAVED | {
    "data", "data.cached_song", "data.signals", "data.sound_set", "models.memory",
    "models.precision", "probes.arithmetic", "probes.variants", "upsamplers.rounding",
}  # fmt: skip
# For each module named in a rule: the modules that its jobs depend on, apart from the system.
STAGES = {
    "training.loop": TRAINING,
    "evaluation.separation": SAVED
    | {
        "data.cached_song", "evaluation.estimates", "evaluation.separation", "models.overlap_add",
    },
    "evaluation.baselines": {
        "data.cached_song", "evaluation.baselines",
    },
    "evaluation.scoring": {
        *SONG_FILES, "evaluation.block_toeplitz", "evaluation.bss_eval",
        "evaluation.estimate_checks", "evaluation.scoring",
    },
    "evaluation.sdr_differences": {"evaluation.sdr", "evaluation.sdr_differences", "statistics"},
    "evaluation.unscored_frames": {
        *SONG_FILES, "artifacts.hearing", "artifacts.lines", "artifacts.masking",
        "artifacts.spectra", "evaluation.block_toeplitz", "evaluation.bss_eval",
        "evaluation.estimate_checks",
        "evaluation.scoring", "evaluation.unscored_frames", "statistics",
    },
    "evaluation.claims": {*LINES, "evaluation.claims"},
    "probes.variants": VARIANTS,
    "probes.snapshots": {*VARIANTS, "probes.snapshots"},
    "probes.tone_seconds": {*VARIANTS, "artifacts.seconds", "probes.tone_seconds"},
    "probes.over_training": OVER_TRAINING,
    "probes.after_training": {*LINES, "probes.after_training"},
    "data.out_of_distribution": EXCERPT
    | {"data.out_of_distribution", "data.signals", "data.sound_set", "data.speech"},
    "probes.systems": MODEL_PROBE
    | BUILT
    | EXCERPT
    | {"data", "data.signals", "models.memory", "probes.systems"},
    "probes.readings": MODEL_PROBE
    | BUILT
    | {"data", "data.cached_song", "data.signals", "probes.readings"},
    "probes.loss_gradients": BUILT
    | {
        "artifacts.chance", "artifacts.ensembles", "artifacts.lines", "artifacts.spectra",
        "probes.loss_gradients", "probes.loss_summary", "probes.measures_table", "statistics",
    },
    "probes.loss_study": TRAINING
    | MODEL_PROBE
    | {"data", "data.signals", "probes.loss_study"},
    "evaluation.remedies": SAVED
    | FUSED
    | LINES
    | SONG_FILES
    | {
        "data.segments", "evaluation.block_toeplitz", "evaluation.bss_eval",
        "evaluation.estimate_checks", "evaluation.remedies",
        "evaluation.remedy_summary", "evaluation.scoring",
        "evaluation.sdr",
        "evaluation.table_1", "models.flops", "models.loss", "models.network_size",
        "models.overlap_add",
    },
    "figures.remedies": {*STYLE, "figures.labels", "figures.remedies"},
    "probes.stacks": NUMERICS
    | BUILT
    | EXCERPT
    | FUSED
    | {"data", "data.signals", "models.stacks", "probes.measures_table", "probes.stacks"},
    "figures.models": {*PANELS, "artifacts.contrast", "figures.models"},
    "figures.stacks": {*PANELS, "artifacts.lines", "figures.stacks"},
    "figures.ones": {*STYLE, "figures.ones"},
    "figures.overlap": {*STYLE, "figures.ones", "figures.overlap"},
    "figures.layers": {
        *STYLE, "figures.layers", "probes.layer_summary", "probes.measures_table", "statistics",
    },
    "figures.loss_gradients": {
        *STYLE, "figures.loss_gradients", "probes.loss_summary", "statistics",
    },
    "figures.after_training": {*STYLE, "figures.signal_names", "figures.after_training"},
    "figures.line_levels": {*STYLE, *LINES, "figures.signal_names", "figures.line_levels"},
    "figures.over_training": {
        *STYLE, *OVER_TRAINING, "figures.signal_names", "figures.over_training",
    },
    "figures.trade_offs": {
        *STYLE, *LINES, "evaluation.trade_offs", "figures.labels", "figures.trade_offs",
    },
    "figures.spectrograms": {*PANELS, "figures.spectrograms"},
    "figures.training_curves": {*STYLE, "figures.training_curves"},
    "figures.source_scores": {*STYLE, "evaluation.sdr", "figures.source_scores", "statistics"},
    "figures.sdr_differences": {
        *STYLE, "evaluation.sdr", "figures.sdr_differences", "statistics",
    },
    "figures.step_speed": {*STYLE, "benchmarks.steps_table", "figures.step_speed"},
    "figures.layer_speed": {*STYLE, "benchmarks.upsamplers_table", "figures.layer_speed"},
}  # fmt: skip


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_system_depends_only_on_its_network_and_upsampler(system: str) -> None:
    row = CONFIG["systems"][system]
    modules = registry.modules_of({"architecture": "demucs", **row})
    assert closure(*modules) == SYSTEMS[system]


# The modules that define each loss.
LOSSES = {
    "l1": {"models.distances"},
    "l2": {"models.distances"},
    "multi_resolution_stft": {"models.multi_resolution_stft"},
    "deep_features": {"models.deep_features"},
    "deep_features_pooling": {"models.deep_features"},
    "adversarial": {"models.adversarial"},
    "adversarial_phase_shuffle": {"models.adversarial"},
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_depends_only_on_its_module(loss: str) -> None:
    known = registry.LOSSES | registry.ADVERSARIAL_LOSSES
    assert set(known) == set(LOSSES)
    # Every module imports its package.
    assert closure(registry.module_of("loss", loss, known)) - {"models"} == LOSSES[loss]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_only_on_these_modules(stage: str) -> None:
    assert closure(f"upsampling_artifacts.{stage}") == STAGES[stage]


@pytest.mark.parametrize(
    "module",
    [
        "errors", "progress", "training.out_of_memory", "training.reporter", "models.contract",
        "training.loading", "training.snapshots", "training.cuda_graphs",
        "training.checkpoint", "training.distributed", "models.types", "training.options",
        "registry", "import_paths", "files", "integrity", "interruption",
    ],
)  # fmt: skip
def test_messages_progress_loading_checkpoints_devices_and_types_affect_no_result(
    module: str,
) -> None:
    assert module not in set().union(*STAGES.values(), *SYSTEMS.values())
    assert f"upsampling_artifacts.{module}" in NEUTRAL


def test_a_cached_song_does_not_depend_on_training() -> None:
    modules = {"cache", "cached_song", "checks", "layout", "musdb18"}
    assert closure("upsampling_artifacts.data.cache") == {f"data.{module}" for module in modules}


def test_a_synthetic_song_depends_only_on_its_package() -> None:
    package = "data.synthetic_songs"
    modules = {f"{package}.{name}" for name in ("composition", "rendering", "styles")}
    assert closure(f"upsampling_artifacts.{package}") == {package, *modules}


def test_the_neutral_modules_exist() -> None:
    for module in NEUTRAL - {"upsampling_artifacts"}:
        path = module.removeprefix("upsampling_artifacts.").replace(".", "/")
        assert (PACKAGE / f"{path}.py").exists()


def test_the_package_uses_absolute_imports() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert "from ." not in path.read_text(), path


def test_a_missing_module_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        code_fingerprint("upsampling_artifacts.trainng")


def test_planning_imports_no_large_library() -> None:
    code = """if True:
        import sys
        from upsampling_artifacts import registry
        from upsampling_artifacts.pipeline import configuration
        from upsampling_artifacts.data import datasets
        from upsampling_artifacts.pipeline.fingerprint import code_fingerprint
        modules = "training.loop evaluation.scoring data.cache probes.variants data.synthetic_songs"
        for module in modules.split():
            code_fingerprint(f"upsampling_artifacts.{module}")
        print(*sorted({"torch", "pandas", "scipy", "musdb"} & set(sys.modules)))
    """
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == ""


def test_a_script_counts_by_its_code_alone(tmp_path: Path) -> None:
    def written(name: str, text: str) -> str:
        (tmp_path / name).write_text(text)
        return script_fingerprint(tmp_path / name)

    code = "import numpy\nprint(1)\n"
    plain = written("a.py", f'"""A script."""\n{code}')
    assert len(plain) == 16
    assert written("b.py", f'"""Another text."""\n# A comment.\n{code}') == plain
    assert written("c.py", code.replace("1", "2")) != plain
    with pytest.raises(FileNotFoundError):
        script_fingerprint(tmp_path / "missing.py")


def test_files_count_by_their_names_and_contents(tmp_path: Path) -> None:
    for folder, text in (("a", "1"), ("b", "1"), ("c", "2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "table.csv").write_text(text)
    a, b, c = (tmp_path / name / "table.csv" for name in "abc")
    assert contents_fingerprint(a) == contents_fingerprint(b) != contents_fingerprint(c)
    (tmp_path / "a/other.csv").write_text("1")
    assert contents_fingerprint(tmp_path / "a/other.csv") != contents_fingerprint(a)
    assert contents_fingerprint(a, c) != contents_fingerprint(c, a)


def test_the_fingerprint_of_data_does_not_depend_on_the_order_of_keys() -> None:
    value = {"a": [1, 2.5, None], "b": {"c": "d", "e": True}}
    again = {"b": {"e": True, "c": "d"}, "a": [1, 2.5, None]}
    assert data_fingerprint(value) == data_fingerprint(again)
    for other in ({"a": [2.5, 1, None]}, {**value, "b": {}}, {}, None):
        assert data_fingerprint(other) != data_fingerprint(value)
