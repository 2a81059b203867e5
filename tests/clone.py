"""A copy of the repository in which tests run the real Snakefile."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from upsampling_artifacts.pipeline import records

from .fork_server import run_in_fork

REPOSITORY = Path(__file__).parents[1]
TINY = "tests/workflow/tiny.yaml"
PAGE_LIBRARIES = "workflow/upsampling_artifacts/report/node_modules"
TIMEOUT_SECONDS = 600  # a command that hangs fails its test
RECORDS = ("networks.txt", "code_summaries.txt")
"""What holds in any clone, and takes a second or more to find out (pipeline/records.py)."""

BRIEFER = {
    "upsampler_speed": ("output[0])", "output[0], 1, [(128, 128, 250, 4), (16, 8, 2000, 4)])"),
    "loading": ("output.memory)", "output.memory, songs=3, repeats=1, memory_segments=400)"),
    "step_speed": ("params.rate_hz,", "params.rate_hz, seconds_per_run=0.05,"),
}
"""By script of a benchmark, what to replace: all jobs wait for half a minute while it measures.
Its numbers are tested in tests/benchmarks."""


@dataclass
class Clone:
    """A working copy of the repository.

    Attributes:
        root: Folder of the working copy.
    """

    root: Path

    shared_records: ClassVar[Path] = Path("no/such/folder")
    """Where all test processes keep records; `conftest` sets it. Elsewhere, none are kept."""

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the clone. ``stdout`` of the result includes standard error."""
        variables = {**plain_environment(), **environment}
        with self._shared_records():
            if command[0] == "snakemake" and not environment:  # Python reads some when it starts
                return run_in_fork(list(command), self.root, variables, TIMEOUT_SECONDS)
            return subprocess.run(
                command,
                cwd=self.root,
                env=variables,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=TIMEOUT_SECONDS,
            )

    def snakemake(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake on two cores."""
        return self.run("snakemake", "--cores", "2", *arguments, **environment)

    @contextmanager
    def _shared_records(self) -> Iterator[None]:
        """Let this command know what commands in other clones have found out, and the next ones."""
        for name in RECORDS:
            shared, own = self.shared_records / name, self.root / ".snakemake" / name
            if shared.exists() and not own.exists():
                own.parent.mkdir(exist_ok=True)
                shutil.copy(shared, own)
        yield
        for name in RECORDS:
            shared, own = self.shared_records / name, self.root / ".snakemake" / name
            known, found = records.read(shared), records.read(own)
            if found.keys() - known.keys():
                records.write(shared, known | found)

    def planned(self, *arguments: str) -> dict[str, int]:
        """The number of jobs per rule that ``snakemake -n`` plans."""
        result = self.snakemake("--dry-run", *arguments)
        assert result.returncode == 0, result.stdout
        return job_counts(result.stdout)

    def refused(self, text: str, *arguments: str, **environment: str) -> str:
        """The line with ``text`` in the output of a run that fails without a traceback."""
        result = self.snakemake(*arguments, **environment)
        assert result.returncode != 0, result.stdout
        assert "Traceback" not in result.stdout
        return line_with(result.stdout, text)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace text in a file; fail if the file does not contain it."""
        file = self.root / path
        text = file.read_text()
        assert old in text, f"{path} has no {old!r}"
        file.write_text(text.replace(old, new))

    def append(self, path: str, code: str) -> None:
        """Append code to a file; fail if the file does not exist."""
        file = self.root / path
        file.write_text(file.read_text() + code)


def line_with(output: str, text: str) -> str:
    """The first line of the output that contains ``text``."""
    lines = [line for line in output.splitlines() if text in line]
    assert lines, output
    return lines[0]


def job_counts(output: str) -> dict[str, int]:
    """The number of jobs per rule, from the table that a dry run prints; empty if nothing runs."""
    table = output.partition("Job stats:")[2].partition("total")[0]
    rows = [line.split() for line in table.splitlines()]
    counts = {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}
    # With `--quiet rules`: in columns.
    columns = re.search(r"\nJobs:\n((?: +\d+  .*\n)+)", output)
    cells = re.findall(r"(\d+)  (\w+)", columns[1]) if columns else []
    return counts | {rule: int(number) for number, rule in cells if rule != "total"}


def job_systems(output: str) -> dict[str, set[str]]:
    """The systems of the jobs of each rule, from the output of a dry run."""
    systems: dict[str, set[str]] = {}
    for block in re.split(r"^\[.+\]\n", output, flags=re.MULTILINE):
        rule = re.match(r"(?:local)?rule (\w+):\n", block)
        system = re.search(r"^    wildcards: .*\bsystem=(\w+)", block, re.MULTILINE)
        if rule and system:
            systems.setdefault(rule[1], set()).add(system[1])
    return systems


def plain_environment() -> dict[str, str]:
    """The environment of jobs, which import their clone's package and call nothing deprecated."""
    return os.environ | {"PYTHONPATH": str(REPOSITORY / "tests/warnings_of_jobs")}


def copy_repository(to: Path) -> Clone:
    """Copy the files that git tracks, and untracked ones that it does not ignore."""
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, files):
        if (REPOSITORY / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, to / name)
    # Valid as long as the sources keep their times. Else each clone would compile the library.
    modules = [name for name in files if name.startswith("workflow/") and name.endswith(".py")]
    for folder in {Path(name).parent / "__pycache__" for name in modules}:
        for compiled in (REPOSITORY / folder).glob("*.pyc"):
            (to / folder).mkdir(exist_ok=True)
            shutil.copy(compiled, to / folder)
    (to / PAGE_LIBRARIES).symlink_to(REPOSITORY / PAGE_LIBRARIES)
    clone = Clone(to)
    for script, (old, new) in BRIEFER.items():
        clone.edit(f"workflow/scripts/{script}.py", old, new)
    return clone
