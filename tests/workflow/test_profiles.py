"""`snakemake --profile slurm` and `--profile workstation` plan the right jobs and resources."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ..clone import REPOSITORY, TINY, Clone, job_counts


def planned(clone: Clone, home: Path, *arguments: str) -> str:
    home.mkdir(exist_ok=True)
    return clone.run("snakemake", "--dry-run", *arguments, HOME=str(home)).stdout


@pytest.mark.parametrize("profile", ["slurm", "workstation"])
def test_a_profile_selects_the_papers_experiment(
    clone: Clone, tmp_path: Path, profile: str
) -> None:
    output = planned(clone, tmp_path / "home", "--profile", profile)
    assert f"Using profile {profile}" in output
    assert "Warning" not in output
    jobs = job_counts(output)
    assert jobs["train"] == 30
    assert jobs["fetch"] == 1 and jobs["cache"] == 150  # planned without data


def test_the_summary_of_a_cluster_run_fits_a_screen(clone: Clone, tmp_path: Path) -> None:
    lines = planned(clone, tmp_path / "home", "--profile", "slurm").splitlines()
    assert len(lines) < 40 and max(map(len, lines)) < 150, "\n".join(lines)
    counts = [line for line in lines if re.match(r" +\d+  \w", line)]
    assert max(map(len, counts)) <= 90


@pytest.mark.parametrize("profile", ["slurm", "workstation"])
def test_a_config_file_on_the_command_line_replaces_that_of_the_profile(
    clone: Clone, tmp_path: Path, profile: str
) -> None:
    # The profile for SLURM does not print the jobs.
    arguments = ("--profile", profile, "--quiet", "host", "--configfile", TINY, "--", "train")
    output = planned(clone, tmp_path / "home", *arguments)
    assert "This was a dry-run" in output, output
    train = output.partition("\nrule train:")[2].partition("\n\n")[0]
    assert "mem_mb=32000" in train and "gpu=1" in train, train


def test_memory_and_time_grow_with_each_attempt_and_only_the_profile_sets_retries() -> None:
    profile = yaml.safe_load((REPOSITORY / "slurm/config.yaml").read_text())
    requests = [profile["default-resources"], *profile["set-resources"].values()]
    for key in ("mem_mb", "runtime"):
        assert all("attempt" in resources[key] for resources in requests if key in resources)
    assert profile["retries"] > 0
    for rules in (REPOSITORY / "workflow/rules").glob("*.smk"):
        assert not re.search("retries: [^0]", rules.read_text()), rules


@pytest.mark.parametrize("profile", ["slurm", "workstation"])
def test_every_key_of_a_profile_is_explained(profile: str) -> None:
    """A comment is beside each key or on one of the four lines above it."""
    lines = (REPOSITORY / profile / "config.yaml").read_text().splitlines()
    for number, line in enumerate(lines):
        if line and line[0] not in "# ":
            near = [line, *lines[max(0, number - 4) : number]]
            assert any("#" in text for text in near), line
