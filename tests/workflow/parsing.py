"""The rules of the real Snakefile, as Snakemake parses them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from ..clone import Clone

# Parse the Snakefile as `snakemake --executor slurm` does. A dry run shows neither local rules, nor
# those without a job.
PRINT_RULES = """
import json
from pathlib import Path
from snakemake import api
from snakemake.settings import types

executor = api.ExecutorPluginRegistry().get_plugin("slurm")
with api.SnakemakeApi(types.OutputSettings(quiet={types.Quietness.ALL})) as snakemake:
    workflow = snakemake.workflow(
        resource_settings=types.ResourceSettings(),
        config_settings=types.ConfigSettings(),
        storage_settings=types.StorageSettings(),
        snakefile=Path("Snakefile"),
    )._workflow
    workflow._executor_plugin = executor
    rules = {
        rule.name: [workflow.is_local(rule), rule.script, list(map(str, rule.output))]
        for rule in workflow.rules
    }
    print("rules:" + json.dumps(rules))
"""


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        is_local: Whether it runs on the login node of a cluster.
        script: Path of its script, relative to the folder of the rules; None without one.
        outputs: Its outputs, with their wildcards.
    """

    is_local: bool
    script: str | None
    outputs: list[str]


def parsed_rules(clone: Clone) -> dict[str, Rule]:
    """All rules, by name."""
    output = clone.run("python", "-c", PRINT_RULES).stdout
    found = re.search(r"^rules:(.*)$", output, re.MULTILINE)
    assert found, output
    return {name: Rule(*values) for name, values in json.loads(found[1]).items()}
