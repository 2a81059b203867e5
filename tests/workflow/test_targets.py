"""The commands that the README and people's fingers know, planned on the real Snakefile."""

from __future__ import annotations

import re

import pytest
from upsampling_artifacts.data.out_of_distribution import out_of_distribution

from ..clone import REPOSITORY, TINY, Clone, job_counts

README_COMMANDS = re.findall(
    r"^ {4}(snakemake .+?)(?: +#.*)?$", (REPOSITORY / "README.md").read_text(), re.MULTILINE
)


def test_the_readme_names_commands() -> None:
    assert len(README_COMMANDS) >= 5


# A report is made of a finished experiment: test_experiment.py does.
@pytest.mark.parametrize("command", [c for c in README_COMMANDS if "--report" not in c])
def test_commands_of_the_readme_can_be_planned(clone: Clone, command: str) -> None:
    result = clone.run(*command.split(), "--dry-run")
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("target", "rules"),
    [
        ("probes", {"probe_system": 7, "probe_model": 1, "claims": 1, "figure_overlap": 3}),
        ("train", {"train": 2}),
        ("scores", {"train": 2, "score": 4}),
        ("table_1", {"train": 2, "score": 4, "step_speed": 1, "table_1": 1}),
        ("out_of_distribution", {"out_of_distribution": 1}),
        (
            "benchmark",
            {
                "upsampler_speed": 1,
                "step_speed": 1,
                "switch_speed": 1,
                "train": None,
                "cache": None,
            },
        ),
        ("report", {"train": 2, "score": 4, "table_1": 1, "probe": 4, "report": 1}),
    ],
)
def test_named_targets_plan_what_they_name(
    clone: Clone, target: str, rules: dict[str, int]
) -> None:
    plan = clone.planned(target, "--configfile", TINY)
    assert {rule: plan.get(rule) for rule in rules} == rules
    if target == "probes":
        assert "train" not in plan


def test_the_out_of_distribution_set_comes_without_songs_or_models(clone: Clone) -> None:
    result = clone.snakemake("out_of_distribution", "--configfile", TINY)
    assert result.returncode == 0, result.stdout
    sounds = out_of_distribution(clone.root / "results/tiny/dataset/out_of_distribution")
    assert {signal.shape for signal in sounds.values()} == {(2, 6 * 8000)}
    assert job_counts(result.stdout) == {"out_of_distribution": 1}


def test_the_workflow_is_linted_and_formatted(clone: Clone) -> None:
    lint = clone.snakemake("--lint")
    assert lint.returncode == 0, lint.stdout
    for command in ("snakefmt --check Snakefile workflow", "ruff check .", "ruff format --check ."):
        result = clone.run(*command.split())
        assert result.returncode == 0, result.stdout
