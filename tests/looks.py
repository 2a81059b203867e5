"""Looks of systems for tests: those of config, completed by the schema's defaults."""

from __future__ import annotations

from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.pipeline.configuration import resolve

from .configs import SCHEMA, read_config

KEYS = ("label", "prose_name", "color", "marker", "modified_from", "reference")


def make_looks(*systems: str) -> dict[str, Look]:
    """Return the looks of systems; names that config lacks become user-supplied systems."""
    config, variants = read_config(), list(dict.fromkeys(systems))
    for name in variants:
        config["systems"].setdefault(name, {"upsampler": {"name": "nearest", "length": 9}})
    # Looks do not depend on the size.
    config |= {"variants": variants, "size": "figures"}
    rows = resolve(config, SCHEMA)["systems"]
    return {name: {key: rows[name][key] for key in KEYS} for name in variants}
