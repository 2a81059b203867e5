"""Every command in the documents is run, or planned or parsed where running it would take long.

Test modules that run some as they stand: test_main (probes), test_library (docs/api.md), test_looks
(Snakemake's report), test_plug_in (docs/plug_in.md).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from upsampling_artifacts.__main__ import _parser

from ..clone import REPOSITORY, Clone

DOCUMENTS = [
    *sorted(REPOSITORY.glob("*.md")),
    *(
        path
        for folder in ("config", "docs", "envs", "results", "results/reference")
        for path in sorted((REPOSITORY / folder).glob("*.md"))
    ),
]
CONFIGS = sorted((REPOSITORY / "config").glob("*.yaml"))

PROBE = ("upsampling-artifacts", "python -m upsampling_artifacts")
PROGRAMS = ("snakemake", "make", *PROBE, "python -m pytest", "source", "pre-commit")
"""What commands start with. Each has a test below."""

SHOWN = (
    "@inproceedings", "Experiment paper:", "config/ -->", "__main__, api", "sqrt(",
    "whistle.wav: 44100 Hz", "Yes: the only line", "jobs  ", "and a few more", "system  ",
    "demucs_transposed  ", "GPU time:", "storage", "cache: ",
)  # fmt: skip
"""How blocks begin that show something else: a file, a table, a drawing, what a command prints."""


def blocks(path: Path) -> Iterator[list[str]]:
    """The indented blocks of a document, as lines; those in fences are Python or YAML."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    for block in re.findall(r"(?:^ {4}[^ \n].*\n(?: {4}.*\n)*)+", text, re.MULTILINE):
        yield [line[4:] for line in block.splitlines()]


def is_command(line: str) -> bool:
    return line.split("  #")[0].strip() == "make" or line.startswith(
        tuple(f"{program} " for program in PROGRAMS)
    )


def words(line: str) -> list[str]:
    return shlex.split(line, comments=True)


BLOCKS = [(block, path) for path in DOCUMENTS for block in blocks(path)]
LINES = [line for block, _ in BLOCKS for line in block if is_command(line)]
# In the comments of a config file, and in running text if it says what to run with which options.
LINES += [
    line
    for path in CONFIGS
    for line in re.findall(r"^#     (snakemake .*)$", path.read_text(), re.MULTILINE)
]
LINES += [
    line
    for path in DOCUMENTS
    if path.name != "CHANGELOG.md"
    for line in re.findall(r"`(snakemake [^`]* [^`]*)`", path.read_text())
    if "..." not in line
]
NOT_A_DRY_RUN = ("--report", "--sdm")
"""Options that do something else than run jobs (tested in test_looks.py), or need conda to plan."""


def commands(*programs: str) -> list[str]:
    """The distinct commands of these programs, without comments."""
    found = {shlex.join(words(line)) for line in LINES if line.startswith(programs)}
    return sorted(found)


def kind_of(block: list[str]) -> str:
    """What a block is: "commands", "configuration", "Python", "shown"; or "unknown"."""
    if all(is_command(line) for line in block if line):
        return "commands"
    if block[0].startswith(SHOWN):
        return "shown"
    if block[0].startswith(("import ", "from ", "sounds = ")):
        return "Python"
    try:
        is_mapping = isinstance(yaml.safe_load("\n".join(block)), dict)
    except yaml.YAMLError:
        is_mapping = False
    return "configuration" if is_mapping else "unknown"


def test_no_block_of_a_document_is_without_a_test() -> None:
    unknown = [(str(path), block[0]) for block, path in BLOCKS if kind_of(block) == "unknown"]
    assert not unknown, "add the program to PROGRAMS, with a test, or to SHOWN"
    assert len([block for block, _ in BLOCKS if kind_of(block) == "commands"]) > 15


def test_an_unknown_command_is_found() -> None:
    assert kind_of(["git clone https://example.org/x"]) == "unknown"
    assert kind_of(["snakemake -n", "sbatch job.sh"]) == "unknown"
    assert kind_of(["conda activate x"]) == "unknown"


SNAKEMAKE = [
    command for command in commands("snakemake") if not set(NOT_A_DRY_RUN) & set(words(command))
]


def test_the_documents_have_commands_of_snakemake() -> None:
    assert len(SNAKEMAKE) > 15
    assert "snakemake --cores 2 --configfile config/mine.yaml" in SNAKEMAKE


@pytest.mark.parametrize("command", SNAKEMAKE)
def test_a_command_plans_its_jobs(clone: Clone, command: str) -> None:
    page = (REPOSITORY / "docs/plug_in.md").read_text()
    for name, language in (("my_upsampler.py", "python"), ("config/mine.yaml", "yaml")):
        first = re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)
        assert first and f"`{name}`" in page
        (clone.root / name).write_text(first[1])
    result = clone.run(*words(command), "--dry-run", "--quiet")
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("command", commands("make"))
def test_a_command_of_make_has_a_target(clone: Clone, command: str) -> None:
    result = clone.run(*words(command), "--dry-run")
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("command", commands("python -m pytest"))
def test_a_command_of_pytest_selects_tests(clone: Clone, command: str) -> None:
    result = clone.run(*words(command), "--collect-only", "--quiet", PYTHONPATH="workflow")
    assert result.returncode == 0 and "::test_" in result.stdout, result.stdout


@pytest.mark.parametrize("command", commands(*PROBE))
def test_a_probe_is_accepted_by_its_parser(command: str) -> None:
    arguments = words(command)
    arguments = arguments[arguments.index("probe") :]
    assert _parser().parse_args(arguments).target == arguments[1]


@pytest.mark.parametrize("command", commands("source", "pre-commit"))
def test_a_command_of_the_shell_finds_its_files(command: str) -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    assert {
        "source .venv/bin/activate": "\nVENV = .venv\n" in makefile,
        "pre-commit install": (REPOSITORY / ".pre-commit-config.yaml").is_file(),
    }[command]


def test_the_example_of_the_readme_probes_a_model() -> None:
    from torch import nn

    (example,) = re.findall(
        r"^```python\n(.*?)^```", (REPOSITORY / "README.md").read_text(), re.DOTALL | re.MULTILINE
    )
    model = nn.Sequential(
        nn.Conv1d(2, 4, 8, 4, padding=2), nn.ConvTranspose1d(4, 2, 8, 4, padding=2)
    )
    names = {"model": model}
    *first, last = example.strip().splitlines()
    exec("\n".join(first), names)
    assert "11025" in str(eval(last, names))  # which a notebook prints


def test_examples_of_sounds_run_after_their_command(clone: Clone) -> None:
    """config/README.md: the command makes the sounds, the example reads them."""
    page = (REPOSITORY / "config/README.md").read_text()
    (example,) = re.findall(
        r"^    (from upsampling_artifacts.*?)\n\n(?! {4})", page, re.DOTALL | re.MULTILINE
    )
    result = clone.snakemake("out_of_distribution")
    assert result.returncode == 0, result.stdout
    code = example.replace("\n    ", "\n") + "\nassert len(sounds) > 3"
    result = clone.run("python", "-c", code, PYTHONPATH=str(clone.root / "workflow"))
    assert result.returncode == 0, result.stdout


def test_examples_of_python_are_those_with_a_test() -> None:
    """The others: plug_in.md in test_plug_in.py, api.md in test_library.py."""
    in_fences = {path.name for path in DOCUMENTS if "```python" in path.read_text()}
    assert in_fences == {"README.md", "api.md", "plug_in.md"}
    in_blocks = [block[0] for block, _ in BLOCKS if kind_of(block) == "Python"]
    assert in_blocks == [
        "from upsampling_artifacts.data.out_of_distribution import out_of_distribution",
        'sounds = out_of_distribution("results/demo/dataset/out_of_distribution")  '
        "# (channels, time) by name",
        "import upsampling_artifacts as ua",
    ]
