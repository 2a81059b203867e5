"""The pinned environment is complete, consistent, hashed, and names no package index."""

import ast
import contextlib
import re
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[1]
ENVS = REPOSITORY / "envs"
LIBRARY = REPOSITORY / "workflow" / "upsampling_artifacts"


def canonical(requirement: str) -> str:
    """The normalized name of a requirement, as package indices compare names (PEP 503)."""
    name = re.match(r"[A-Za-z0-9._-]+", requirement)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lines: list[str]) -> dict[str, set[str]]:
    """Pinned versions by name. A lock may pin a name twice, for different Pythons."""
    found: dict[str, set[str]] = {}
    for line in lines:
        requirement = re.split(r"[#;\\]", line)[0].strip()
        if "==" in requirement:
            name, version = requirement.split("==")
            found.setdefault(canonical(name), set()).add(version)
    return found


LOCK = pins((ENVS / "lock.txt").read_text().splitlines())
UV = pins((ENVS / "uv.txt").read_text().splitlines())
MODELS = pins((ENVS / "models.txt").read_text().splitlines())


def conda_pins(path: Path) -> dict[str, set[str]]:
    environment = yaml.safe_load(path.read_text())
    (pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    return pins(pip)


conda_files = pytest.mark.parametrize(
    "path", sorted(ENVS.glob("*.yaml")), ids=lambda path: path.name
)


@conda_files
def test_conda_files_pin_the_versions_of_the_lock(path: Path) -> None:
    assert len(conda_pins(path)) > 5
    for name, versions in conda_pins(path).items():
        assert versions == LOCK[name], name


@conda_files
def test_conda_files_pin_every_pip_package(path: Path) -> None:
    environment = yaml.safe_load(path.read_text())
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert all("==" in requirement for requirement in pip)


@pytest.mark.parametrize(
    ("file", "lock"), [("lock.txt", LOCK), ("models.txt", MODELS), ("uv.txt", UV)]
)
def test_a_lock_is_a_list_of_pins_with_hashes(file, lock) -> None:
    entries = re.split(r"\n(?! )", (ENVS / file).read_text().strip())
    assert len(entries) == sum(map(len, lock.values()))
    for entry in entries:
        pin, *hashes = entry.split(" \\\n    ")
        assert re.fullmatch(r"[a-z0-9-]+==[^ ]+( ; .+)?", pin), pin
        assert hashes, f"{pin} has no hash"
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", value) for value in hashes), pin


@pytest.mark.parametrize("file", ["lock.txt", "models.txt", "uv.txt"])
def test_make_installs_exactly_the_hashed_files(file) -> None:
    install = (REPOSITORY / "Makefile").read_text().replace("\\\n\t  ", "")
    assert f"--require-hashes --requirement envs/{file}" in install


def test_published_models_run_with_the_versions_of_the_lock() -> None:
    """Their environment lies on top of the project's, so it must not replace a package."""
    assert not MODELS.keys() & LOCK.keys()


def test_the_lock_of_the_models_pins_what_they_need() -> None:
    lines = (ENVS / "models.in").read_text().splitlines()
    names = {canonical(line) for line in lines if line and not line.startswith("#")}
    assert names == MODELS.keys()


def test_the_lock_pins_every_requirement_of_the_project() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    required = [*project["dependencies"], *(ENVS / "requirements.in").read_text().splitlines()]
    names = {canonical(line) for line in required if line.strip() and not line.startswith("#")}
    assert len(names) > 20
    assert names <= LOCK.keys()


def test_the_lock_keeps_exact_requirements() -> None:
    exact = pins((ENVS / "requirements.in").read_text().splitlines())
    assert "torch" in exact
    for name, versions in exact.items():
        assert LOCK[name] == versions, name


def test_torch_and_torchaudio_have_the_same_version() -> None:
    assert LOCK["torch"] == LOCK["torchaudio"]
    assert len(LOCK["torch"]) == 1


@pytest.mark.parametrize("path", sorted(ENVS.iterdir()), ids=lambda path: path.name)
def test_no_file_names_a_url_or_a_package_index(path: Path) -> None:
    text = path.read_text()
    assert "://" not in text
    option = r"^\s*(-i|--(extra-)?index-url|--find-links|-f|--trusted-host)\b"
    assert not re.search(option, text, re.MULTILINE)


def imports(path: Path, seen: set[Path]) -> set[str]:
    """Top-level names that a module needs to be imported, its own library's modules included.

    Imports of this library inside functions are followed, because the script may call those
    functions. Third-party imports inside functions are not: only the scoring environment has
    museval, for example.
    """
    if path in seen:
        return set()
    seen.add(path)
    tree = ast.parse(path.read_text())
    # Type checkers alone execute the body of "if TYPE_CHECKING:".
    tree.body = [node for node in tree.body if not ast.unparse(node).startswith("if TYPE_CHECKING")]
    names = set()
    for node in ast.walk(tree):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for module in modules:
            first, *rest = module.split(".")
            if first != LIBRARY.name:
                names |= {first} if node in tree.body else set()
                continue
            for file in (LIBRARY.joinpath(*rest) / "__init__.py",
                         LIBRARY.joinpath(*rest).with_suffix(".py")):  # fmt: skip
                if file.exists():
                    names |= imports(file, seen)
    return names


def with_requirements(names: set[str]) -> set[str]:
    """Distributions and all their dependencies."""
    found, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            with contextlib.suppress(PackageNotFoundError):
                waiting += [canonical(r) for r in requires(name) or [] if "extra ==" not in r]
    return found


def jobs() -> list[tuple[str, Path, Path]]:
    """``(rule, conda file, script)`` of every rule that runs a script."""
    found = []
    for path in sorted((REPOSITORY / "workflow" / "rules").glob("*.smk")):
        for rule in re.split(r"^(?=rule )", path.read_text(), flags=re.MULTILINE)[1:]:
            name = re.match(r"rule (\w+)", rule)[1]
            conda = re.search(r'conda:\s+"(.+)"', rule)
            script = re.search(r'script:\s+"(.+)"', rule)
            if conda and script:
                found.append((name, path.parent / conda[1], path.parent / script[1]))
    return found


@pytest.mark.parametrize(("rule", "conda", "script"), jobs(), ids=[job[0] for job in jobs()])
def test_a_rules_environment_has_every_package_its_script_imports(rule, conda, script) -> None:
    distributions = packages_distributions()
    needed = {
        canonical(distribution)
        for name in imports(script, set())
        for distribution in distributions.get(name, [])
    }
    installed = with_requirements(set(conda_pins(conda.resolve())))
    assert needed - {"upsampling-artifacts"} <= installed
