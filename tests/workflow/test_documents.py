"""Every Snakemake command in the documents is accepted as it stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from ..clone import REPOSITORY, Clone

DOCUMENTS = [
    *sorted(REPOSITORY.glob("*.md")),
    *(
        path
        for folder in ("config", "docs", "envs", "results")
        for path in sorted((REPOSITORY / folder).glob("*.md"))
    ),
    REPOSITORY / "results/reference/README.md",
    *sorted((REPOSITORY / "config").glob("*.yaml")),
]
NOT_A_DRY_RUN = ("--report",)
"""Options that do something else than run jobs. Their tests are in test_looks.py."""


def commands(path: Path) -> list[str]:
    """The Snakemake commands on lines of their own, indented or commented out."""
    lines = re.findall(r"^(?:#     |    )(snakemake .*)$", path.read_text(), re.MULTILINE)
    return [line.split("  #")[0].strip() for line in lines]


EVERY = sorted({(command, path) for path in DOCUMENTS for command in commands(path)})
COMMANDS = [command for command, _ in EVERY if not set(NOT_A_DRY_RUN) & set(shlex.split(command))]


def test_the_documents_have_commands() -> None:
    assert len(COMMANDS) > 15
    assert "snakemake --cores 2 --configfile config/mine.yaml" in COMMANDS


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_a_command_plans_its_jobs(clone: Clone, command: str) -> None:
    page = (REPOSITORY / "docs/plug_in.md").read_text()
    for name, language in (("my_upsampler.py", "python"), ("config/mine.yaml", "yaml")):
        first = re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)
        assert first and f"`{name}`" in page
        (clone.root / name).write_text(first[1])
    result = clone.run(*shlex.split(command), "--dry-run", "--quiet")
    assert result.returncode == 0, result.stdout
