"""Weights of user-supplied models, from safetensors files and checkpoints."""

from __future__ import annotations

import logging
import pickle
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from upsampling_artifacts.errors import InputError, argument, one_line
from upsampling_artifacts.probes.findings import counted

logger = logging.getLogger(__name__)

MAX_DEPTH = 4
"""Nested dicts of a checkpoint, e.g. ``checkpoint["model"]["generator"]``."""


def load_weights(model: nn.Module, path: Path) -> None:
    """Load a model's weights. Code in the file is not run.

    A checkpoint may nest the state dict in other dicts (``state_dict``, ``model``, ``generator``
    ...) and its keys may have a prefix (``module.``): the dict and the prefix that fit most of the
    model's keys are taken.

    Args:
        model: The model.
        path: A safetensors file, or a checkpoint that ``torch.save`` wrote.

    Raises:
        InputError: The file cannot be read, or lacks parameters of the model. The model may then
            have some of the weights.
    """
    states = list(_state_dicts(_read(path)))
    if not states:
        raise InputError(f"{path}: contains no weights: no dict of tensors by name")
    own = set(model.state_dict())
    if not own:
        raise InputError(f"{path}: the model has no weights; omit {argument('weights')}")
    state = max((_without_prefix(state, own) for state in states), key=lambda s: len(own & set(s)))
    try:
        # Tensors that torch has renamed (those of weight normalization) fit under their old names.
        missing, unexpected = model.load_state_dict(state, strict=False)
    except Exception as error:
        raise InputError(f"{path}: does not fit the model ({one_line(error)})") from error
    parameters = dict(model.named_parameters())
    lacking = [name for name in missing if name in parameters]
    if lacking:
        raise InputError(
            f"{path}: lacks {len(lacking)} of the model's {counted(len(parameters), 'parameter')},"
            f" e.g. '{lacking[0]}'; is this the model, with the options, that it was trained with?"
        )
    for names, where in ((unexpected, "not in the model"), (missing, "not in the file")):
        if names:
            logger.info(
                f"{path}: {counted(len(names), 'tensor')} {where}, e.g. '{names[0]}'; ignored"
            )


def _read(path: Path) -> object:
    if not path.is_file():
        raise InputError(f"{path}: no such file; give a safetensors file or a checkpoint")
    try:
        if path.suffix.lower() == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = one_line(error).partition("Unsupported")[2] or "not a checkpoint"
        raise InputError(
            f"{path}: holds more than weights, or is no checkpoint ({reason.strip()}); "
            "save its state_dict() alone"
        ) from error
    except (SafetensorError, Exception) as error:
        raise InputError(f"{path}: cannot be read as weights ({one_line(error)})") from error


def _state_dicts(value: object, depth: int = 0) -> Iterator[dict[str, Tensor]]:
    """All dicts with tensors in a nested dict, the outermost first."""
    if not isinstance(value, Mapping) or depth > MAX_DEPTH:
        return
    tensors = {key: x for key, x in value.items() if isinstance(x, Tensor)}
    if tensors:
        yield {str(key): x for key, x in tensors.items()}
    for part in value.values():
        yield from _state_dicts(part, depth + 1)


def _without_prefix(state: dict[str, Tensor], own: set[str]) -> dict[str, Tensor]:
    """Remove the prefix with which most keys are those of the model."""
    # "module.up.weight" ends with "up.weight", but also with "weight", if both are in the model.
    prefixes = Counter(
        ".".join(parts[:start])
        for parts in (key.split(".") for key in state)
        for start in range(len(parts))
        if ".".join(parts[start:]) in own
    )
    if not prefixes:
        return state
    prefix = max(prefixes, key=lambda p: (prefixes[p], -len(p)))
    start = len(prefix) + 1 if prefix else 0
    return {
        key[start:]: x for key, x in state.items() if not prefix or key.startswith(f"{prefix}.")
    }
