"""Where user-supplied models come from: factories, their config objects, and files."""

from __future__ import annotations

import dataclasses
import inspect
import logging
import sys
import zipfile
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import nn
from torch.export import ExportedProgram

from upsampling_artifacts import import_paths
from upsampling_artifacts.errors import InputError, argument, one_line
from upsampling_artifacts.models.saved import load_model
from upsampling_artifacts.probes.user_model_weights import load_weights

logger = logging.getLogger(__name__)

Target = nn.Module | ExportedProgram | str | Path

MODEL_SUFFIXES = (".safetensors", ".pt2", ".pt", ".pth", ".jit", ".ts", ".ckpt", ".bin", ".onnx")

NO_DEFAULT = inspect.Parameter.empty
KEYWORDS = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclasses.dataclass(frozen=True)
class LoadedModel:
    """A user-supplied model, and what its file says of it.

    Attributes:
        module: The model.
        rate_hz: Sampling rate of its output; None if that is not known.
        channels: Channels of its input; None if that is not known.
        example_length: Length of the input with which it was exported.
        is_trained: Whether it has trained weights, as far as is known.
    """

    module: nn.Module
    rate_hz: float | None = None
    channels: int | None = None
    example_length: int | None = None
    is_trained: bool = False


def is_factory(target: object) -> bool:
    """Whether a target is an import path, not the path of a file."""
    return isinstance(target, str) and ":" in target and not Path(target).exists()


def is_model(target: object) -> bool:
    """Whether a target is a model or names one, by its type, form or suffix."""
    if isinstance(target, nn.Module | ExportedProgram):
        return True
    return is_factory(target) or Path(str(target)).suffix.lower() in MODEL_SUFFIXES


def target_name(target: Target) -> str:
    """Name of a model in tables and messages: its import path or file, or its class."""
    if isinstance(target, str | Path):
        return str(target)
    module = _uncompiled(target) if isinstance(target, nn.Module) else target
    return type(module).__name__


def load_user_model(
    target: Target,
    options: dict[str, Any],
    seed: int,
    weights: str | Path | None = None,
) -> LoadedModel:
    """Import and build a user-supplied model, or read it from a file.

    Args:
        target: A module or an exported program, which are returned as they are; the import path
            ``package.module:factory`` or ``file.py:factory`` of a module, a class or a function
            that returns a module; or a file: a trained model of this pipeline (safetensors),
            TorchScript or an exported program.
        options: Keyword arguments of the factory. Those that the factory does not take become
            arguments of its config object, if it needs one.
        seed: Seeds torch's generator, which draws the initial weights.
        weights: A file with the model's weights, as for :func:`user_model_weights.load_weights`.

    Returns:
        The model.

    Raises:
        InputError: The import fails, the factory fails or returns no module, the file cannot be
            read, or the weights do not fit.
    """
    name = target_name(target)
    if isinstance(target, nn.Module):
        loaded = LoadedModel(_uncompiled(target))
    elif isinstance(target, ExportedProgram):
        loaded = _exported(target)
    elif is_factory(target):
        loaded = LoadedModel(_build(str(target), options, seed))
    else:
        loaded = _read(Path(target))
    if weights is not None:
        load_weights(loaded.module, Path(weights))
        loaded = dataclasses.replace(loaded, is_trained=True)
    tensors = chain(loaded.module.parameters(), loaded.module.buffers())
    if any(tensor.is_meta for tensor in tensors):
        raise InputError(
            f"{name}: its weights are on the meta device: they have no values; build it on the CPU"
        )
    return loaded


def _uncompiled(model: nn.Module) -> nn.Module:
    """The module that ``torch.compile`` has wrapped: its layers can be seen."""
    original: nn.Module = getattr(model, "_orig_mod", model)
    return original


def _build(target: str, options: dict[str, Any], seed: int) -> nn.Module:
    if "://" in target:
        raise InputError(f"{target}: is a URL; download the file, and give its path")
    factory = import_paths.import_object(target)
    if isinstance(factory, nn.Module):
        return _uncompiled(factory)
    if not callable(factory):
        raise InputError(
            f"{target}: is of type {type(factory).__name__}; "
            "give a class or function that returns a torch.nn.Module"
        )
    torch.manual_seed(seed)
    arguments = _with_config(target, factory, options)
    try:
        model = factory(**arguments)
    except (Exception, SystemExit) as error:  # the user sees any bug of the factory as one line
        shown = ", ".join(f"{key}={value!r}" for key, value in options.items())
        raise InputError(
            f"{target}: called with ({shown}), the factory raised {one_line(error)}"
        ) from error
    if not isinstance(model, nn.Module):
        raise InputError(
            f"{target}: returned an object of type {type(model).__name__}; "
            "a torch.nn.Module is needed"
        )
    return _uncompiled(model)


def _with_config(target: str, factory: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Add the config object that a factory requires, built from its defaults.

    A required argument is one if its annotation is a dataclass or a class called config. Without
    annotation, an argument called config is an instance of the factory's ``config_class`` or of
    the class in its module that is called like the factory, with ``Config`` appended.
    """
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return options
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    for name, parameter in parameters.items():
        is_required = parameter.kind in KEYWORDS and parameter.default is NO_DEFAULT
        config_class = _config_class(factory, name) if is_required and name not in options else None
        if config_class is None:
            continue
        own = {} if takes_any else {k: v for k, v in options.items() if k not in parameters}
        try:
            config = config_class(**own)
        except (Exception, SystemExit) as error:
            raise InputError(
                f"{target}: needs a {config_class.__name__}, which cannot be built from its "
                f"defaults ({one_line(error)}); give a function that builds the model"
            ) from error
        changed = ", ".join(f"{key}={value!r}" for key, value in own.items())
        logger.info(
            f"{target}: '{name}' is a {config_class.__name__} with default values"
            + (f", except {changed}" if changed else "")
        )
        return {**{k: v for k, v in options.items() if k not in own}, name: config}
    return options


def _config_class(factory: Any, name: str) -> type | None:
    try:
        annotation = inspect.signature(factory, eval_str=True).parameters[name].annotation
    except Exception:  # an annotation may name what only a type checker imports
        annotation = inspect.Parameter.empty
    if annotation is inspect.Parameter.empty and name in ("config", "cfg"):
        module = sys.modules.get(factory.__module__)
        beside = getattr(module, f"{factory.__name__}Config", None)
        annotation = getattr(factory, "config_class", None) or beside
    if not isinstance(annotation, type):
        return None
    is_config = dataclasses.is_dataclass(annotation) or "config" in annotation.__name__.lower()
    return annotation if is_config else None


def _read(path: Path) -> LoadedModel:
    if not path.is_file():
        raise InputError(f"{path}: no such file; give a model as package.module:factory")
    read = _read_saved if path.suffix.lower() == ".safetensors" else _read_program
    try:
        loaded = read(path)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: cannot be read as a model ({one_line(error)})") from error
    if loaded is None:
        raise InputError(
            f"{path}: describes no model; if it holds weights, give their model as "
            f"package.module:factory, and this file as {argument('weights')}"
        )
    return loaded


def _read_saved(path: Path) -> LoadedModel | None:
    """A trained model of this pipeline, which its file describes."""
    with safe_open(path, framework="pt") as file:
        if "about" not in (file.metadata() or {}):
            return None
    module, about = load_model(path)
    return LoadedModel(module, float(about["rate_hz"]), about["audio_channels"], is_trained=True)


def _read_program(path: Path) -> LoadedModel | None:
    """TorchScript or an exported program: both are archives, but a checkpoint may be one, too."""
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if any("/code/" in name for name in names):
        return LoadedModel(torch.jit.load(path, map_location="cpu"), is_trained=True)
    if any("archive_format" in name or "exported_program" in name for name in names):
        return dataclasses.replace(_exported(torch.export.load(path)), is_trained=True)
    return None


def _exported(program: ExportedProgram) -> LoadedModel:
    inputs = program.example_inputs[0] if program.example_inputs else ()
    example = next((x for x in inputs if isinstance(x, torch.Tensor) and x.ndim), None)
    length = None if example is None else max(example.shape)
    return LoadedModel(program.module(), example_length=length)
