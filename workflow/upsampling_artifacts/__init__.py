"""Upsampling artifacts in neural audio synthesis, measured.

The library behind the pipeline. It knows nothing of Snakemake: every result can be had
from a notebook. Importing it is cheap; torch is only loaded by the modules that need it.

``upsampling_artifacts.probe(...)`` measures the artifacts of any model or audio file; see
:func:`upsampling_artifacts.api.probe`.
"""

import importlib

__all__ = ["probe"]


def __getattr__(name: str) -> object:
    """Load what :mod:`upsampling_artifacts.api` offers when it is first asked for."""
    if name in __all__:
        return getattr(importlib.import_module("upsampling_artifacts.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
