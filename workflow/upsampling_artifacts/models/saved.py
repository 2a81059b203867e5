"""Model files (safetensors) whose header describes how to build the model."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.models.silence_subtraction import SilenceSubtraction


def save_model(path: str | Path, weights: dict[str, Tensor], about: dict) -> None:
    """Write weights and their description, atomically.

    Args:
        path: The file, ``.safetensors``.
        weights: A state dict.
        about: The description: the keys that :func:`build_described` needs, and any others.
    """
    with atomic_write(path) as unfinished:
        unfinished.touch()
        mode = unfinished.stat().st_mode
        save_file(weights, unfinished, {"about": json.dumps(about)})
        unfinished.chmod(mode)  # safetensors replaces the file by one that only its owner can read


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


def save_without_silence(path: str | Path, trained_path: str | Path) -> None:
    """Derive a model from a trained one: its output minus its response to silence.

    Args:
        path: The file to write.
        trained_path: The trained model, a file that :func:`save_model` wrote.
    """
    model, about = load_model(trained_path)
    save_model(path, SilenceSubtraction(model).state_dict(), {**about, "subtract_silence": True})


def build_described(about: dict) -> nn.Module:
    """Build a model with its initial weights from a description.

    Args:
        about: A dict with the keys ``architecture``, ``options``, ``upsampler``, ``sources``,
            ``audio_channels`` and ``seed``. If ``subtract_silence`` is true, the model's response
            to silence is subtracted from its output
            (:class:`models.silence_subtraction.SilenceSubtraction`).

    Returns:
        The model, in training mode.

    Raises:
        InputError: As for :func:`models.build.build_model`.
    """
    model = build_model(
        about["architecture"],
        about["options"],
        about["upsampler"],
        n_sources=len(about["sources"]),
        audio_channels=about["audio_channels"],
        seed=about["seed"],
    )
    return SilenceSubtraction(model) if about.get("subtract_silence") else model
