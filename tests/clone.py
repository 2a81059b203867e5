"""A copy of the repository in which the real Snakefile runs."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
TINY = "tests/workflow/tiny.yaml"
SECONDS = 600  # a test that hangs is a failure, not a wait


@dataclass
class Clone:
    """A working copy without results."""

    root: Path

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the clone; its output is text, standard error included."""
        return subprocess.run(
            command,
            cwd=self.root,
            env={**plain_environment(), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )

    def snakemake(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run snakemake on two cores."""
        return self.run("snakemake", "--cores", "2", *arguments, **environment)

    def planned(self, *arguments: str) -> dict[str, int]:
        """How often each rule would run: the table that ``snakemake -n`` prints."""
        result = self.snakemake("--dry-run", *arguments)
        assert result.returncode == 0, result.stdout
        return job_counts(result.stdout)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace text that must be there in a file."""
        file = self.root / path
        text = file.read_text()
        assert old in text, f"{path} has no {old!r}"
        file.write_text(text.replace(old, new))


def job_counts(output: str) -> dict[str, int]:
    """The number of jobs by rule, from the table that a dry run prints; empty without jobs."""
    table = output.partition("Job stats:")[2].partition("total")[0]
    rows = [line.split() for line in table.splitlines()]
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}


def plain_environment() -> dict[str, str]:
    """This process's, without what would show jobs another copy of the library."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


def copy_repository(to: Path) -> Clone:
    """Copy what git tracks, and what it does not know yet."""
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, files):
        if (REPOSITORY / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, to / name)
    return Clone(to)
