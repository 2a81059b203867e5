"""Write config_keys.md, the reference of all configuration keys, from their schema.

Run it after editing the schema or ``config.yaml``: ``python docs/config_keys.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[1]
INTRODUCTION = """\
# Configuration keys

Written by `python docs/config_keys.py` from the [schema](../workflow/schemas/config.schema.yaml),
with which every configuration is checked; edit the schema, not this page.
[config/README.md](../config/README.md) explains how the keys work together.

A key that no file sets has its default. Every experiment builds on the demonstration, so a key that
[config.yaml](../config/config.yaml) sets has that value until your own file sets it. `<name>` is a
name of your choice, `[]` each entry of a list.
"""
COLUMNS = ("key", "values", "default", "config.yaml", "meaning")
TYPES = {"string": "text", "boolean": "`true` or `false`", "null": "`null`", "object": "mapping"}
BOUNDS = {
    "minimum": "from",
    "exclusiveMinimum": "above",
    "maximum": "to",
    "exclusiveMaximum": "below",
}
LONGEST_VALUE = 40  # characters; longer ones are not repeated here


def below(entry: dict, key: str = "") -> Iterator[tuple[str, dict]]:
    """All keys below a key, each with its entry in the schema."""
    for name, child in entry.get("properties", {}).items():
        is_required = name in entry.get("required", ())
        yield from described(child | {"is_required": is_required}, f"{key}.{name}".strip("."))
    for suffix, kind in ((".<name>", "additionalProperties"), ("[]", "items")):
        child = entry.get(kind)
        if isinstance(child, dict) and "description" in child:
            yield from described(child, key + suffix)


def described(entry: dict, key: str) -> Iterator[tuple[str, dict]]:
    """A key and all keys below it, each with its entry in the schema."""
    yield key, entry
    yield from below(entry, key)


def as_code(value: Any) -> str:
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


def values(entry: dict) -> str:
    """What a key accepts, in words."""
    if "enum" in entry:
        return ", ".join(as_code(value) for value in entry["enum"])
    if entry["type"] == "array":
        return f"list ({values(entry['items'])})"
    types = entry["type"] if isinstance(entry["type"], list) else [entry["type"]]
    bounds = [f" {word} {entry[bound]:,}" for bound, word in BOUNDS.items() if bound in entry]
    # null first: what follows a number are its bounds.
    names = sorted(types, key=lambda name: name != "null")
    return " or ".join(TYPES.get(name, name) for name in names) + "".join(bounds)


def default(entry: dict) -> str:
    if entry.get("is_required"):
        return "required"
    return as_code(entry["default"]) if entry.get("default", "") != "" else ""


def demonstration(config: Any, key: str) -> str:
    """What ``config.yaml`` sets a key to; nothing if it does not set it."""
    for name in key.split("."):
        if name not in config:
            return ""
        config = config[name]
    return as_code(config) if len(json.dumps(config)) <= LONGEST_VALUE else "set there"


def table(rows: list[tuple[str, dict]], config: dict) -> str:
    cells = [COLUMNS, ["---"] * len(COLUMNS)]
    for key, entry in rows:
        has_rows_below = any(True for _ in below(entry))
        value = "" if has_rows_below else default(entry), demonstration(config, key)
        cells.append([f"`{key}`", values(entry), *value, meaning(entry)])
    return "\n".join(f"| {' | '.join(row)} |" for row in cells) + "\n"


def meaning(entry: dict) -> str:
    return entry["description"].strip().replace("<", "&lt;")


def page(schema: dict, config: dict) -> str:
    """The whole page, from the schema and the demonstration's configuration."""
    sections = {key: list(below(entry, key)) for key, entry in schema["properties"].items()}
    single = [row for row in schema["properties"].items() if not sections[row[0]]]
    parts = [INTRODUCTION, table(single, config)]
    for key, rows in sections.items():
        if rows:
            parts += [
                f"## `{key}`\n",
                meaning(schema["properties"][key]) + "\n",
                table(rows, config),
            ]
    return "\n".join(parts)


if __name__ == "__main__":
    schema_text = (REPOSITORY / "workflow/schemas/config.schema.yaml").read_text()
    config_text = (REPOSITORY / "config/config.yaml").read_text()
    text = page(yaml.safe_load(schema_text), yaml.safe_load(config_text))
    (REPOSITORY / "docs/config_keys.md").write_text(text)
