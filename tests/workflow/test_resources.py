"""The memory and time that jobs request cover what they have taken."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from ..clone import REPOSITORY, Clone

COSTS = pd.read_csv(REPOSITORY / "results/reference/job_costs.csv").set_index("rule")
MIB_PER_MB = 2**20 / 1e6
UNLISTED_MB = 2000
"""What jobs without a request may take: on a laptop, cores are busy at once."""


def requests(clone: Clone, home: Path, *arguments: str) -> dict[str, dict[str, float]]:
    """What the jobs of each rule of the demonstration request in a dry run."""
    home.mkdir()
    command = ["snakemake", "--dry-run", "--quiet", "host", *arguments]
    output = clone.run(*command, "--configfile", "config/config.yaml", HOME=str(home)).stdout
    found = {}
    for block in re.split(r"^\[.+\]\n", output, flags=re.MULTILINE):
        rule = re.match(r"(?:local)?(?:rule|checkpoint) (\w+):\n", block)
        resources = re.search(r"^    resources: (.*)$", block, re.MULTILINE)
        if rule and resources:
            numbers = re.findall(r"(mem_mb|runtime)=([0-9.]+)", resources[1])
            found[rule[1]] = {name: float(number) for name, number in numbers}
    return found


def test_the_recorded_costs_are_of_many_rules(clone: Clone, tmp_path: Path) -> None:
    assert len(COSTS) > 20
    assert set(COSTS.index) <= requests(clone, tmp_path / "home", "--cores", "2").keys()


@pytest.mark.parametrize("profile", ["slurm", "workstation"])
def test_requests_of_a_profile_cover_what_jobs_took(
    clone: Clone, tmp_path: Path, profile: str
) -> None:
    requested = requests(clone, tmp_path / "home", "--profile", profile)
    for rule, cost in COSTS.iterrows():
        assert requested[rule]["mem_mb"] >= cost["peak_memory_mib"] * MIB_PER_MB, rule
        if profile == "slurm":
            assert 60 * requested[rule]["runtime"] >= cost["longest_seconds"], rule


def test_jobs_that_take_much_memory_say_so_on_every_machine(clone: Clone, tmp_path: Path) -> None:
    """`make` runs as many at once as fit into memory."""
    requested = requests(clone, tmp_path / "home", "--cores", "2")
    for rule, cost in COSTS.iterrows():
        default = requested[rule].get("mem_mb", UNLISTED_MB)
        assert default >= cost["peak_memory_mib"] * MIB_PER_MB, rule
    assert requested["probe_system"]["mem_mb"] < 8000  # what the README asks for


def test_a_benchmark_reserves_every_core(clone: Clone) -> None:
    result = clone.run("snakemake", "--dry-run", "--cores", "7", "--", "benchmark")
    for rule in ("step_speed", "switch_speed", "upsampler_speed", "loading", "checkpointing"):
        block = result.stdout.partition(f"\nrule {rule}:\n")[2].partition("\n\n")[0]
        block = block.partition("\n[")[0]
        assert "    threads: 7\n" in block and "    priority: 1\n" in block, block
    result = clone.run("snakemake", "--dry-run", "--cores", "7", "--", "train")
    assert "threads: 7" not in result.stdout
