"""Model files that say how to build the model their weights fit."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.models.build import build_model


def save_model(path: str | Path, weights: dict[str, Tensor], about: dict) -> None:
    """Write weights and, in the file's header, what they are.

    Args:
        path: Where to (``.safetensors``).
        weights: A state dict.
        about: What :func:`build_described` needs, and whatever else is worth knowing.
    """
    with atomic_write(path) as unfinished:
        save_file(weights, unfinished, {"about": json.dumps(about)})


def read_about(path: str | Path) -> dict:
    """What a model file says about itself, without reading the weights."""
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["about"])


def load_model(path: str | Path) -> tuple[nn.Module, dict]:
    """A trained model, ready to use, and what its file says about it."""
    about = read_about(path)
    model = build_described(about)
    model.load_state_dict(load_file(path))
    return model.eval(), about


def build_described(about: dict) -> nn.Module:
    """A model with the initial weights that its description leads to.

    Args:
        about: Keys architecture, options, upsampler, sources, audio_channels, seed.
    """
    return build_model(
        about["architecture"],
        about["options"],
        about["upsampler"],
        n_sources=len(about["sources"]),
        audio_channels=about["audio_channels"],
        seed=about["seed"],
    )
