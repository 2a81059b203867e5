"""The configuration files of the repository, as Snakemake merges them."""

from __future__ import annotations

from pathlib import Path

import yaml
from snakemake.utils import update_config

REPOSITORY = Path(__file__).parents[1]
SCHEMA = yaml.safe_load((REPOSITORY / "workflow/schemas/config.schema.yaml").read_text())


def read_config(*experiments: str) -> dict:
    """The demonstration's configuration, overridden by further files of ``config/``."""
    config: dict = {}
    for name in ("systems.yaml", "datasets.yaml", "config.yaml", *experiments):
        update_config(config, yaml.safe_load((REPOSITORY / "config" / name).read_text()))
    return config
