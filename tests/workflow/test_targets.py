"""The commands of the README and the named targets plan the right jobs."""

from __future__ import annotations

import re

import pytest
from upsampling_artifacts.data.out_of_distribution import out_of_distribution

from ..clone import REPOSITORY, TINY, Clone, job_counts

README_COMMANDS = re.findall(
    r"^ {4}(snakemake .+?)(?: +#.*)?$", (REPOSITORY / "README.md").read_text(), re.MULTILINE
)


def test_the_readme_lists_commands() -> None:
    assert len(README_COMMANDS) >= 5


# --report needs a finished experiment: see test_experiment.py.
@pytest.mark.parametrize("command", [c for c in README_COMMANDS if "--report" not in c])
def test_commands_of_the_readme_can_be_planned(clone: Clone, command: str) -> None:
    result = clone.run(*command.split(), "--dry-run")
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("target", "rules"),
    [
        (
            "probes",
            {"probe_system": 7, "probe_model": 1, "untrained_claims": 1, "figure_overlap": 3},
        ),
        ("train", {"manifest": 1, "train": 2}),
        ("scores", {"manifest": 1, "train": 2, "score": 4}),
        ("table_1", {"manifest": 1, "train": 2, "score": 4, "step_speed": 1, "table_1": 1}),
        ("out_of_distribution", {"out_of_distribution": 1}),
        (
            "benchmark",
            {
                "upsampler_speed": 1,
                "step_speed": 1,
                "switch_speed": 1,
                "loading": 1,
                "checkpointing": 1,
                "train": None,
                "cache": None,
            },
        ),
        ("report", {"train": 2, "score": 4, "table_1": 1, "probe": 4, "report": 1}),
    ],
)
def test_a_named_target_plans_its_jobs(clone: Clone, target: str, rules: dict[str, int]) -> None:
    plan = clone.planned(target, "--configfile", TINY)
    assert {rule: plan.get(rule) for rule in rules} == rules
    if target == "probes":
        assert "train" not in plan


def test_the_out_of_distribution_set_needs_no_songs_and_no_models(clone: Clone) -> None:
    result = clone.snakemake("out_of_distribution", "--configfile", TINY)
    assert result.returncode == 0, result.stdout
    sounds = out_of_distribution(clone.root / "results/tiny/dataset/out_of_distribution")
    assert {signal.shape for signal in sounds.values()} == {(2, 4 * 8000)}
    assert job_counts(result.stdout) == {"out_of_distribution": 1}
