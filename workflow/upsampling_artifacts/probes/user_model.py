"""User-supplied models: import, build, and check that the output is audio."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from upsampling_artifacts import import_paths
from upsampling_artifacts.errors import InputError, one_line

logger = logging.getLogger(__name__)

AXES = {"audio": "(batch, channels, time)", "features": "(batch, bins, frames)"}
"""Axes of the input, by kind."""

# Powers of two: from one to the other, the output of a model that works in frames grows by an
# integer number of frames.
TRIAL_SAMPLES = (2**14, 2**15)
TRIAL_FRAMES = (32, 64)

MIN_RATIO = {"audio": 0.1, "features": 2.0}
"""Output samples per input sample or frame. At a lower ratio, the output is codes, scores or
features."""

INTEGER_TOLERANCE = 0.05
"""Trimming to frames of up to 800 samples changes the ratio by no more than this."""

USUAL_CHANNELS = (1, 2)


def target_name(target: nn.Module | str) -> str:
    """Name of a model in tables and messages: its import path, or its class."""
    return type(target).__name__ if isinstance(target, nn.Module) else target


def load_user_model(target: nn.Module | str, options: dict[str, Any], seed: int) -> nn.Module:
    """Import and build a user-supplied model; a module is returned as it is.

    Args:
        target: A module, or the import path ``package.module:factory`` of a module, a class or a
            function that returns a module.
        options: Keyword arguments of the factory.
        seed: Seeds torch's generator, which draws the initial weights.

    Returns:
        The model.

    Raises:
        InputError: The import fails, or the factory fails or returns no module.
    """
    if isinstance(target, nn.Module):
        return target
    factory = import_paths.import_object(target)
    if isinstance(factory, nn.Module):
        return factory
    if not callable(factory):
        raise InputError(
            f"{target}: is of type {type(factory).__name__}; "
            "give a class or function that returns a torch.nn.Module"
        )
    torch.manual_seed(seed)
    try:
        model = factory(**options)
    except Exception as error:  # the user sees any bug of the factory as one line
        arguments = ", ".join(f"{key}={value!r}" for key, value in options.items())
        raise InputError(
            f"{target}: called with ({arguments}), the factory raised {one_line(error)}"
        ) from error
    if not isinstance(model, nn.Module):
        raise InputError(
            f"{target}: returned an object of type {type(model).__name__}; "
            "a torch.nn.Module is needed"
        )
    return model


class CheckedModel(nn.Module):
    """Wraps a user-supplied model and checks that its output is audio.

    Shape:
        - Input: ``(batch, channels, time)`` or ``(batch, bins, frames)``, float32
        - Output: ``(batch, channels, time)``, float32. All axes between the first and the last
          become channels. If the model returns a dict, tuple or list, the tensors with the longest
          last axis are concatenated: every source is kept; anything else (a loss, a latent at a
          lower rate) is dropped, and the log names it.

    Args:
        model: The user-supplied model.
        name: Name of the model in messages.
        input_kind: A key of :data:`AXES`.

    Raises:
        InputError: In ``forward``: the model raises, or its output is not audio.
    """

    def __init__(self, model: nn.Module, name: str, input_kind: str = "audio"):
        super().__init__()
        self.model = model
        self.name = name
        self.input_kind = input_kind
        self.dropped: set[str] = set()

    def forward(self, x: Tensor) -> Tensor:
        try:
            output = self.model(x.to(self._reference_weight()))
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"{self.name}: with an input {AXES[self.input_kind]} of shape {tuple(x.shape)}, "
                f"the model raised {one_line(error)}"
            ) from error
        parts = [self._checked(part, len(x)) for part in self._longest_tensors(output)]
        return torch.cat(parts, dim=1)

    def named_modules(self, *args: Any, **kwargs: Any) -> Iterator[tuple[str, nn.Module]]:
        """The user-supplied model's modules, without the prefix of this wrapper."""
        return self.model.named_modules(*args, **kwargs)

    def _reference_weight(self) -> Tensor:
        """A tensor with the dtype and device of the model's weights."""
        floating = (p for p in self.model.parameters() if p.is_floating_point())
        return next(floating, torch.empty(0))

    def _longest_tensors(self, output: object) -> list[Tensor]:
        """The tensors with the longest last axis in a model's output."""
        if isinstance(output, Tensor):
            return [output]
        if isinstance(output, Mapping):
            named = {str(key): value for key, value in output.items()}
        elif isinstance(output, tuple | list):
            named = {str(index): value for index, value in enumerate(output)}
        else:
            raise InputError(
                f"{self.name}: its output is of type {type(output).__name__}; "
                "return a tensor, or a dict, tuple or list of tensors"
            )
        lengths = {
            key: value.shape[-1]
            for key, value in named.items()
            if isinstance(value, Tensor) and value.ndim >= 2
        }
        longest = max(lengths.values(), default=0)
        audio = [key for key, length in lengths.items() if length == longest]
        for key in named.keys() - set(audio) - self.dropped:
            self.dropped.add(key)
            logger.info(f"{self.name}: output '{key}' is not audio; dropped")
        if not audio:
            raise InputError(
                f"{self.name}: its {type(output).__name__} contains no tensor (batch, ..., time)"
            )
        return [named[key] for key in audio]

    def _checked(self, part: Tensor, batch: int) -> Tensor:
        """Check one tensor of the output; return it as ``(batch, channels, time)`` float32."""
        shape = tuple(part.shape)
        if part.is_complex():
            raise InputError(
                f"{self.name}: its output is complex ({str(part.dtype).removeprefix('torch.')}); "
                "return waveforms, not spectra"
            )
        if not part.is_floating_point():
            raise InputError(
                f"{self.name}: its output is {str(part.dtype).removeprefix('torch.')}; "
                "return floating-point waveforms"
            )
        if part.ndim < 2 or shape[0] != batch:
            raise InputError(
                f"{self.name}: its output has shape {shape}; "
                f"(batch, ..., time) with a batch of {batch} is needed"
            )
        if part.numel() == 0:
            raise InputError(f"{self.name}: its output, of shape {shape}, is empty")
        if not part.isfinite().all():
            values = "NaN" if part.isnan().any() else "infinite values"
            raise InputError(f"{self.name}: its output, of shape {shape}, contains {values}")
        return part.float().reshape(batch, -1, shape[-1]).cpu()


def output_ratio(model: CheckedModel, channels: int) -> float:
    """Measure the output samples per input sample or frame.

    Two trial runs differ in length, because a model may trim or pad the ends. A ratio
    near an integer (1 for most models, the hop for a vocoder) is rounded.

    Args:
        model: The model to run.
        channels: Audio channels or feature bins of its input.

    Returns:
        The ratio.

    Raises:
        InputError: The model cannot be run, or its output is too short to be audio.
    """
    lengths = TRIAL_SAMPLES if model.input_kind == "audio" else TRIAL_FRAMES
    shapes = [tuple(_trial(model, channels, length).shape) for length in lengths]
    ratio = (shapes[1][-1] - shapes[0][-1]) / (lengths[1] - lengths[0])
    if ratio < MIN_RATIO[model.input_kind]:
        axis = "samples" if model.input_kind == "audio" else "frames"
        raise InputError(
            f"{model.name}: its output is not audio: its last axis has {shapes[0][-1]} and "
            f"{shapes[1][-1]} values for inputs of {lengths[0]} and {lengths[1]} {axis}; "
            "(batch, ..., time) is needed"
        )
    integer = round(ratio)
    return float(integer) if integer and abs(ratio / integer - 1) < INTEGER_TOLERANCE else ratio


def _trial(model: CheckedModel, channels: int, length: int) -> Tensor:
    """Run the model once on noise; if it raises, try other channel counts and suggest one."""

    def run(count: int) -> Tensor:
        rng = np.random.default_rng(0)
        return model(torch.from_numpy(rng.standard_normal((1, count, length), np.float32)))

    try:
        return run(channels)
    except InputError as error:
        if error.__cause__ is None or model.input_kind != "audio":
            raise
        for other in USUAL_CHANNELS:
            if other != channels:
                try:
                    run(other)
                except InputError:
                    continue
                raise InputError(f"{error}; use channels={other}") from error.__cause__
        raise


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Context manager: evaluation mode without gradients; each module's mode is restored."""
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for module, was_training in training.items():
            module.training = was_training
