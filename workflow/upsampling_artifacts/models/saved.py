"""Model files (safetensors) whose header describes how to build the model.

The header also states checksums of the description and of the weights, and of which training run
they are (:mod:`upsampling_artifacts.integrity`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from upsampling_artifacts.errors import InputError, first_line, one_line
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.integrity import (
    check_checksum,
    check_run,
    checksum,
    description_part,
    run_of,
)
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.models.silence_subtraction import SilenceSubtraction

REMEDY = "delete it, and it will be made again"

RUN, WEIGHTS, DESCRIPTION = "run", "weights_crc32", "crc32"
"""Keys of the header beside the description. The last checksum covers the description, the run and
the checksum of the weights."""


def save_model(path: str | Path, weights: dict[str, Tensor], about: dict) -> None:
    """Write weights and their description, atomically.

    Args:
        path: The file, ``.safetensors``.
        weights: A state dict.
        about: The description: the keys that :func:`build_described` needs, and any others.

    Raises:
        InputError: A weight is infinite or not a number.
    """
    _check_finite(path, weights, "training has diverged; lower training.learning_rate")
    # One entry: safetensors writes several in random order.
    header = {**about, RUN: run_of(path), WEIGHTS: _weights_checksum(weights)}
    header[DESCRIPTION] = _description_checksum(header)
    with atomic_write(path) as unfinished:
        unfinished.touch()
        mode = unfinished.stat().st_mode
        save_file(weights, unfinished, {"about": json.dumps(header)})
        unfinished.chmod(mode)  # safetensors replaces the file by one that only its owner can read


def read_about(path: str | Path) -> dict:
    """Read the description in a model file without reading the weights.

    Args:
        path: A file that :func:`save_model` wrote.

    Returns:
        The ``about`` of :func:`save_model`.

    Raises:
        InputError: The file is not one of this program, damaged, or of another run than that whose
            folder it is in.
    """
    return _about(_read_header(path))


def load_model(path: str | Path) -> tuple[nn.Module, dict]:
    """Load a trained model and its description.

    Args:
        path: A file that :func:`save_model` wrote.

    Returns:
        ``(model, about)``, the model in evaluation mode on the CPU.

    Raises:
        InputError: As for :func:`read_about`; or the weights are damaged, not finite, or do not fit
            the description.
    """
    header = _read_header(path)
    weights = load_file(path)
    check_checksum(path, header[WEIGHTS], _weights_checksum(weights), REMEDY)
    _check_finite(path, weights, "train the system again")
    about = _about(header)
    model = build_described(about)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise InputError(
            f"{path}: the weights do not fit the description ({one_line(error)}); {REMEDY}"
        ) from error
    return model.eval(), about


def _read_header(path: str | Path) -> dict[str, Any]:
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads(file.metadata()["about"])
        stated, actual = header[DESCRIPTION], _description_checksum(header)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: damaged, or not a model file of this version ({first_line(error)}); {REMEDY}"
        ) from error
    check_checksum(path, stated, actual, REMEDY)
    check_run(path, header[RUN], REMEDY)
    return header


def _about(header: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in header.items() if key not in (RUN, WEIGHTS, DESCRIPTION)}


def _description_checksum(header: dict[str, Any]) -> str:
    covered = {key: value for key, value in header.items() if key != DESCRIPTION}
    return checksum([description_part(covered)])


def _weights_checksum(weights: dict[str, Tensor]) -> str:
    """Of names, types, shapes and elements, in the order of names: that of files differs."""
    return checksum(
        part
        for name, tensor in sorted(weights.items())
        for part in (f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), _elements(tensor))
    )


def _elements(tensor: Tensor) -> memoryview:
    elements = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    return elements.numpy().data


def _check_finite(path: str | Path, weights: dict[str, Tensor], remedy: str) -> None:
    for name, tensor in weights.items():
        if not torch.isfinite(tensor).all():
            raise InputError(f"{path}: weights of '{name}' are infinite or not a number; {remedy}")


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
