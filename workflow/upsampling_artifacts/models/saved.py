"""Model files (safetensors) whose header describes how to build the model."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.models.build import build_model


def save_model(path: str | Path, weights: dict[str, Tensor], about: dict) -> None:
    """Write weights and their description, atomically.

    Args:
        path: The file, ``.safetensors``.
        weights: A state dict.
        about: The description: the keys that :func:`build_described` needs, and any others.
    """
    with atomic_write(path) as unfinished:
        save_file(weights, unfinished, {"about": json.dumps(about)})


def read_about(path: str | Path) -> dict:
    """Read the description in a model file without reading the weights.

    Args:
        path: A file that :func:`save_model` wrote.

    Returns:
        The ``about`` of :func:`save_model`.
    """
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["about"])


def load_model(path: str | Path) -> tuple[nn.Module, dict]:
    """Load a trained model and its description.

    Args:
        path: A file that :func:`save_model` wrote.

    Returns:
        ``(model, about)``, the model in evaluation mode on the CPU.

    Raises:
        RuntimeError: The weights do not fit the description.
    """
    about = read_about(path)
    model = build_described(about)
    model.load_state_dict(load_file(path))
    return model.eval(), about


def build_described(about: dict) -> nn.Module:
    """Build a model with its initial weights from a description.

    Args:
        about: A dict with the keys ``architecture``, ``options``, ``upsampler``, ``sources``,
            ``audio_channels`` and ``seed``.

    Returns:
        The model, in training mode.

    Raises:
        InputError: As for :func:`models.build.build_model`.
    """
    return build_model(
        about["architecture"],
        about["options"],
        about["upsampler"],
        n_sources=len(about["sources"]),
        audio_channels=about["audio_channels"],
        seed=about["seed"],
    )
