"""Every rule, script, figure, claim and configuration key is in a document, and nothing else is.

Rules, figures and claims are rows of tables in results/README.md; keys are in docs/config_keys.md.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ..clone import REPOSITORY, Clone
from .parsing import Rule, parsed_rules

RESULTS = "results/README.md"
KEYS = "docs/config_keys.md"
CLAIMS = "config/paper_claims.csv"


def rows(page: str, column: str) -> list[dict[str, str]]:
    """The rows of all tables of a page that have this column."""
    found = []
    for table in re.findall(r"(?:^\|.*\|\n)+", page, re.MULTILINE):
        header, _, *lines = [line.strip("| ").split(" | ") for line in table.splitlines()]
        if column in header:
            found += [dict(zip(header, line, strict=True)) for line in lines]
    return found


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def documented_rules(page: str) -> list[str]:
    return [name for row in rows(page, "rule") for name in names(row["rule"])]


def documented_scripts(page: str) -> dict[str, str]:
    """The script of each rule, by the rule: of the same name, unless its row names another."""
    return {
        rule: next(iter(re.findall(r"`(\w+\.py)`", " ".join(row.values()))), f"{rule}.py")
        for row in rows(page, "rule")
        for rule in names(row["rule"])
    }


def documented_figures(page: str) -> list[str]:
    return [Path(name).name for row in rows(page, "figure") for name in names(row["figure"])]


def drawn_figures(rules: dict[str, Rule]) -> set[str]:
    """The names of all figures; a wildcard that stands for a number is replaced by each number."""
    found = set()
    for output in (Path(path) for rule in rules.values() for path in rule.outputs):
        if output.suffix == ".svg":
            stem, *constraint = re.split(r"\{number,\s*(.*)\}", output.stem)
            numbers = re.findall(r"\d", constraint[0]) if constraint else [""]
            found |= {stem + number for number in numbers}
    return {re.sub(r"\{(\w+).*?\}", r"<\1>", name) for name in found}


def documented_keys(page: str) -> list[str]:
    return [name for row in rows(page, "key") for name in names(row["key"])]


def schema_keys(node: object) -> Iterator[str]:
    """The name of every key in a schema, however deep."""
    if isinstance(node, dict):
        yield from node.get("properties", {})
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from schema_keys(child)


@pytest.fixture
def page(clone: Clone) -> str:
    return (clone.root / RESULTS).read_text()


def test_every_rule_script_and_figure_is_a_row(clone: Clone, page: str) -> None:
    rules = parsed_rules(clone)
    assert sorted(documented_rules(page)) == sorted(rules)
    scripts = {name: Path(rule.script).name for name, rule in rules.items() if rule.script}
    described = documented_scripts(page)
    assert {rule: described[rule] for rule in scripts} == scripts
    files = {path.name for path in (clone.root / "workflow/scripts").glob("*.py")}
    assert set(scripts.values()) == files
    assert sorted(documented_figures(page)) == sorted(drawn_figures(rules))


def test_every_claim_is_a_row_with_its_section(clone: Clone, page: str) -> None:
    with (clone.root / CLAIMS).open() as file:
        claims = {row["claim"]: row["section"] for row in csv.DictReader(file)}
    assert {row["claim"]: row["section"] for row in rows(page, "claim")} == claims


def test_every_key_of_the_configuration_is_a_row(clone: Clone) -> None:
    schema = yaml.safe_load((clone.root / "workflow/schemas/config.schema.yaml").read_text())
    page = (clone.root / KEYS).read_text()
    sections = re.findall(r"^## `(\w+)`", page, re.MULTILINE)
    # `<name>` and `[]` stand for what is below a key, and are no keys.
    keys = re.findall(r"(\w+)$", "\n".join([*sections, *documented_keys(page)]), re.MULTILINE)
    assert sorted(keys) == sorted(schema_keys(schema))


def test_the_page_of_keys_is_up_to_date(clone: Clone) -> None:
    result = clone.run("python", "docs/config_keys.py")
    assert result.returncode == 0, result.stdout
    written = (clone.root / KEYS).read_text()
    assert written == (REPOSITORY / KEYS).read_text(), "run: python docs/config_keys.py"
