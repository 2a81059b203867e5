"""The same checks run by hand, before a commit or push, and in continuous integration."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[1]


def lint_tools() -> set[str]:
    """The programs that ``make lint`` runs."""
    recipe = re.search(
        r"^lint: install\n((?:\t.+\n)+)", (REPOSITORY / "Makefile").read_text(), re.M
    )
    return set(re.findall(r"&& (\S+)", recipe[1]))


def test_make_lint_checks_style_types_structure_and_workflow() -> None:
    assert lint_tools() == {"ruff", "snakefmt", "lint-imports", "snakemake", "mypy"}


def test_every_tool_of_make_lint_has_a_commit_hook() -> None:
    config = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())
    entries = [hook["entry"] for repo in config["repos"] for hook in repo["hooks"]]
    assert all(entry.startswith(".venv/bin/") for entry in entries)
    assert {entry.split()[0].removeprefix(".venv/bin/") for entry in entries} == lint_tools()


def test_ci_run_lints_before_it_tests() -> None:
    commands = (REPOSITORY / ".ci/run").read_text()
    assert commands.index("make lint") < commands.index("make test")


def test_github_runs_ci_run() -> None:
    workflow = yaml.safe_load((REPOSITORY / ".github/workflows/ci.yml").read_text())
    (job,) = workflow["jobs"].values()
    assert job["timeout-minutes"] == 90
    assert any(".ci/run" in step.get("run", "") for step in job["steps"])


def test_the_supported_pythons_are_the_same_everywhere() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    pythons = [
        classifier.rpartition(" ")[2]
        for classifier in project["classifiers"]
        if classifier.startswith("Programming Language")
    ]
    assert project["requires-python"] == f">={pythons[0]}"
    assert f"\nPYTHONS = {' '.join(pythons)}\n" in (REPOSITORY / "Makefile").read_text()
    workflow = yaml.safe_load((REPOSITORY / ".github/workflows/ci.yml").read_text())
    assert workflow["jobs"]["ci"]["strategy"]["matrix"]["python"] == pythons
    *first, last = pythons
    assert f"Python {', '.join(first)} or {last}." in (REPOSITORY / "README.md").read_text()


def test_every_file_that_the_documents_link_exists() -> None:
    documents = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("*/*.md")]
    for document in documents:
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text()):
            if "://" not in link:
                assert (document.parent / link).exists(), f"{document.name}: {link}"
