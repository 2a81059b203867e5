"""Looks of systems for tests: as config has them, and as the schema completes them."""

from __future__ import annotations

from upsampling_artifacts.figures.style import Look
from upsampling_artifacts.pipeline.configuration import resolve

from .configs import SCHEMA, read_config

KEYS = ("label", "prose_name", "color", "modified_from", "reference")


def make_looks(*systems: str) -> dict[str, Look]:
    """The looks of an experiment's variants; names that config lacks are a user's own systems."""
    config, variants = read_config(), list(dict.fromkeys(systems))
    for name in variants:
        config["systems"].setdefault(name, {"upsampler": "nearest"})
    # The architectures' sizes are of no interest here.
    config |= {"variants": variants, "size": "figures"}
    rows = resolve(config, SCHEMA)["systems"]
    return {name: {key: rows[name][key] for key in KEYS} for name in variants}
