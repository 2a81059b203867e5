"""Other people's models: found, built, run once and checked before anything is measured."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from upsampling_artifacts import import_paths
from upsampling_artifacts.errors import InputError, one_line

logger = logging.getLogger(__name__)

AXES = {"audio": "(batch, channels, time)", "features": "(batch, bins, frames)"}
"""The kinds of input, and what the axes of each are."""

# Powers of two: a model that pads or cuts to whole frames grows by whole frames between them.
TRIAL_SAMPLES = (2**14, 2**15)
TRIAL_FRAMES = (32, 64)

LEAST_RATIO = {"audio": 0.1, "features": 2.0}
"""Samples per sample, or per frame, in; what gives less is no audio but codes, scores, features."""

NEAR_WHOLE = 0.05
"""Frames of up to 800 samples, which a model may cut to, change the ratio by no more."""

USUAL_CHANNELS = (1, 2)


def target_name(target: nn.Module | str) -> str:
    """What a model is called in tables and messages: its address, or the name of its class."""
    return type(target).__name__ if isinstance(target, nn.Module) else target


def load_model(target: nn.Module | str, options: dict, seed: int) -> nn.Module:
    """Build the model that a target stands for; a module is itself.

    Args:
        target: A module, or the address ``package.module:factory`` of something that makes one
            (a class, a function) or is one.
        options: Keyword arguments of the factory.
        seed: Seeds torch's random numbers for the initial weights.

    Raises:
        InputError: The address leads nowhere, or to something that makes no module.
    """
    if isinstance(target, nn.Module):
        return target
    factory = import_paths.find(target)
    if isinstance(factory, nn.Module):
        return factory
    if not callable(factory):
        raise InputError(
            f"{target}: is of type {type(factory).__name__}; "
            "a class or function that makes a torch.nn.Module is needed"
        )
    torch.manual_seed(seed)
    try:
        model = factory(**options)
    except Exception as error:  # whatever it is, it is the factory's, and its user wants one line
        given = ", ".join(f"{key}={value!r}" for key, value in options.items())
        raise InputError(f"{target}: called with ({given}), raised {one_line(error)}") from error
    if not isinstance(model, nn.Module):
        raise InputError(
            f"{target}: made a {type(model).__name__} where a torch.nn.Module is needed"
        )
    return model


class CheckedModel(nn.Module):
    """A model whose output is certain to be audio.

    Shape:
        - Input: ``(batch, channels, time)`` or ``(batch, bins, frames)``, float32
        - Output: ``(batch, channels, time)``, float32. All axes between the first and the last
          become channels. Of a dict, tuple or list all tensors that are as long as the longest
          are taken, one after the other: every source is kept, and what is no audio (a loss, a
          latent at a lower rate) is left out, which the log says.

    Args:
        model: Anyone's.
        name: How messages call it.
        input_kind: A key of :data:`AXES`.

    Raises:
        InputError: When called: the model raises, or its output is no audio.
    """

    def __init__(self, model: nn.Module, name: str, input_kind: str = "audio"):
        super().__init__()
        self.model = model
        self.name = name
        self.input_kind = input_kind
        self.left_out: set[str] = set()

    def forward(self, x: Tensor) -> Tensor:
        try:
            output = self.model(x.to(self._like()))
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"{self.name}: given {tuple(x.shape)} {AXES[self.input_kind]}, "
                f"the model raised {one_line(error)}"
            ) from error
        parts = [self._audio(part, len(x)) for part in self._tensors(output)]
        return torch.cat(parts, dim=1)

    def named_modules(self, *args, **kwargs) -> Iterator[tuple[str, nn.Module]]:
        """Those of the model, under the names that its user knows."""
        return self.model.named_modules(*args, **kwargs)

    def _like(self) -> Tensor:
        """A tensor of the type, and on the device, that the model's weights have."""
        floating = (p for p in self.model.parameters() if p.is_floating_point())
        return next(floating, torch.empty(0))

    def _tensors(self, output: object) -> list[Tensor]:
        """The tensors of an output that are as long as its longest."""
        if isinstance(output, Tensor):
            return [output]
        if isinstance(output, Mapping):
            named = {str(key): value for key, value in output.items()}
        elif isinstance(output, tuple | list):
            named = {str(index): value for index, value in enumerate(output)}
        else:
            raise InputError(
                f"{self.name}: gives a {type(output).__name__}; "
                "a tensor, or a dict, tuple or list of tensors, is needed"
            )
        lengths = {
            key: value.shape[-1]
            for key, value in named.items()
            if isinstance(value, Tensor) and value.ndim >= 2
        }
        longest = max(lengths.values(), default=0)
        audio = [key for key, length in lengths.items() if length == longest]
        for key in named.keys() - set(audio) - self.left_out:
            self.left_out.add(key)
            logger.info(f"{self.name}: part '{key}' of the output is no audio, left out")
        if not audio:
            raise InputError(
                f"{self.name}: its {type(output).__name__} holds no tensor (batch, ..., time)"
            )
        return [named[key] for key in audio]

    def _audio(self, part: Tensor, batch: int) -> Tensor:
        shape = tuple(part.shape)
        if part.is_complex():
            raise InputError(
                f"{self.name}: its output is complex ({str(part.dtype).removeprefix('torch.')}); "
                "audio is real: let the model return waveforms, not spectra"
            )
        if not part.is_floating_point():
            raise InputError(
                f"{self.name}: its output is {str(part.dtype).removeprefix('torch.')}; "
                "audio is floating point: let the model return waveforms"
            )
        if part.ndim < 2 or shape[0] != batch:
            raise InputError(
                f"{self.name}: its output {shape} is not audio-like; "
                f"(batch, ..., time) with a batch of {batch} is needed"
            )
        if part.numel() == 0:
            raise InputError(f"{self.name}: its output {shape} is empty")
        if not part.isfinite().all():
            what = "NaN" if part.isnan().any() else "infinite values"
            raise InputError(f"{self.name}: its output {shape} holds {what}")
        return part.float().reshape(batch, -1, shape[-1]).cpu()


def output_ratio(model: CheckedModel, channels: int) -> float:
    """Samples that come out for each sample, or frame, that goes in.

    Two trial runs of different length, for the ends of a signal may be cut or padded. A ratio
    near a whole number (1 for most models, the hop for a vocoder) is that number.

    Args:
        model: What to run.
        channels: Audio channels, or bins, of its input.

    Raises:
        InputError: The model cannot be run, or its output's length is not that of audio.
    """
    lengths = TRIAL_SAMPLES if model.input_kind == "audio" else TRIAL_FRAMES
    shapes = [tuple(_trial(model, channels, length).shape) for length in lengths]
    grown = (shapes[1][-1] - shapes[0][-1]) / (lengths[1] - lengths[0])
    if grown < LEAST_RATIO[model.input_kind]:
        axis = "samples" if model.input_kind == "audio" else "frames"
        raise InputError(
            f"{model.name}: its output is not audio-like: its last axis has {shapes[0][-1]} and "
            f"{shapes[1][-1]} values for {lengths[0]} and {lengths[1]} {axis} in; "
            "(batch, ..., time) is needed"
        )
    whole = round(grown)
    return float(whole) if whole and abs(grown / whole - 1) < NEAR_WHOLE else grown


def _trial(model: CheckedModel, channels: int, length: int) -> Tensor:
    """One run on noise; if the model raises, say with how many channels it would not."""

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
                raise InputError(f"{error}; it runs with channels={other}") from error.__cause__
        raise


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Switch a model, and each of its parts, to evaluation, and back as it was at the end."""
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for module, was_training in training.items():
            module.training = was_training
