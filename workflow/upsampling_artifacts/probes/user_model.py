"""A user-supplied model as the prober sees it: one signal in, checked audio out."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.fx import GraphModule
from torch.jit import ScriptModule
from torch.nn.parameter import is_lazy

from upsampling_artifacts.errors import InputError, one_line


class OutputError(InputError):
    """A model ran, but its output is not audio."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """Axes of a model's input.

    Attributes:
        axes: Their names.
        arrange: From ``(1, channels, time)`` or ``(1, bins, frames)`` to these axes.
        has_batch: Whether there is a batch axis.
        has_channels: Whether there is an axis of channels or bins.
        is_transposed: Whether the axis of channels or bins comes last.
    """

    axes: str
    arrange: Callable[[Tensor], Tensor]
    has_batch: bool = True
    has_channels: bool = True
    is_transposed: bool = False


LAYOUTS = {
    "audio": (
        Layout("(batch, channels, time)", lambda x: x),
        Layout("(batch, time)", lambda x: x[:, 0], has_channels=False),
        Layout("(batch, time, channels)", lambda x: x.mT, is_transposed=True),
        Layout("(channels, time)", lambda x: x[0], has_batch=False),
        Layout("(time,)", lambda x: x[0, 0], has_batch=False, has_channels=False),
    ),
    "features": (
        Layout("(batch, bins, frames)", lambda x: x),
        Layout("(batch, frames, bins)", lambda x: x.mT, is_transposed=True),
        Layout("(bins, frames)", lambda x: x[0], has_batch=False),
        Layout("(frames, bins)", lambda x: x[0].mT, has_batch=False, is_transposed=True),
        Layout("(batch, 1, bins, frames)", lambda x: x[:, None]),
    ),
}
"""Layouts by the kind of input, the usual one first."""

TIME_AXES = (-1, -2)
"""Where the time axis of an output may be: ``(batch, ..., time)`` or ``(batch, time, channels)``.
An output with a single axis is one channel."""


class CheckedModel(nn.Module):
    """Wraps a user-supplied model and checks that its output is audio.

    Shape:
        - Input: ``(1, channels, time)`` or ``(1, bins, frames)``, float32
        - Output: ``(1, channels, time)``, float32. All axes except the first and that of time
          become channels. Of a dict, tuple, list or dataclass, the tensors with the longest time
          axis are concatenated: every source is kept; anything else (a loss, a latent at a lower
          rate) is dropped.

    Args:
        model: The user-supplied model.
        name: Its name, for messages.
        input_kind: A key of :data:`LAYOUTS`.

    Attributes:
        layout: The axes of the model's input (:func:`user_model_forms.find_form`).
        time_axis: The time axis of its output, one of :data:`TIME_AXES`.
        dropped: The names of outputs that were dropped.

    Raises:
        InputError: On a call: the model raises.
        OutputError: On a call: its output is not finite audio.
    """

    def __init__(self, model: nn.Module, name: str, input_kind: str = "audio"):
        super().__init__()
        self.model = model
        self.name = name
        self.input_kind = input_kind
        self.layout = LAYOUTS[input_kind][0]
        self.time_axis = TIME_AXES[0]
        self.dropped: set[str] = set()

    def forward(self, x: Tensor) -> Tensor:
        # A copy, because some models work in place.
        arranged = self.layout.arrange(x).contiguous().to(self._reference_weight(), copy=True)
        shape = tuple(arranged.shape)
        try:
            output = self.model(arranged)
        except (Exception, SystemExit) as error:
            raise InputError(
                f"{self.name}: with an input {self.layout.axes} of shape {shape}, "
                f"the model raised {one_line(error)}"
            ) from error
        return torch.cat([self._checked(part) for part in self._audio(output)], dim=1)

    def named_modules(self, *args: Any, **kwargs: Any) -> Iterator[tuple[str, nn.Module]]:
        """The modules that can be traced, without the prefix of this wrapper."""
        for name, module in self.model.named_modules(*args, **kwargs):
            if not isinstance(module, ScriptModule):
                yield name, module

    def black_boxes(self) -> list[str]:
        """Names of modules whose layers cannot be seen; "" for the whole model.

        TorchScript runs outside Python. An exported program calls operators, not layers.
        """
        names = [name for name, module in self.model.named_modules() if _is_black_box(module)]
        return [name for name in names if not any(_is_inside(name, other) for other in names)]

    def _reference_weight(self) -> Tensor:
        """A tensor with the dtype and device of the model's weights."""
        tensors = chain(self.model.parameters(), self.model.buffers())
        floating = (x for x in tensors if x.is_floating_point() and not is_lazy(x))
        return next(floating, torch.empty(0))

    def _audio(self, output: object) -> list[Tensor]:
        """The floating-point tensors with the longest time axis in a model's output."""
        if isinstance(output, Tensor):
            return [output]
        if not _has_parts(output):
            raise OutputError(
                f"{self.name}: its output is of type {type(output).__name__}; "
                "return a tensor, or a dict, tuple or list of tensors"
            )
        parts = dict(_parts(output))
        tensors = {key: x for key, x in parts.items() if isinstance(x, Tensor)}
        candidates = {key: x for key, x in tensors.items() if x.ndim}
        real = {key: x for key, x in candidates.items() if x.is_floating_point()}
        lengths = {
            key: x.shape[self.time_axis if x.ndim > 1 else -1]
            for key, x in (real or candidates).items()
        }
        longest = max(lengths.values(), default=0)
        audio = {key: candidates[key] for key, length in lengths.items() if length == longest}
        if not audio:
            raise OutputError(
                f"{self.name}: its {type(output).__name__} contains no tensor (batch, ..., time)"
            )
        self.dropped |= parts.keys() - audio.keys()
        return list(audio.values())

    def _checked(self, part: Tensor) -> Tensor:
        """Check one tensor of the output; return it as ``(1, channels, time)`` float32."""
        shape = tuple(part.shape)
        if part.is_complex():
            raise OutputError(
                f"{self.name}: its output is complex ({str(part.dtype).removeprefix('torch.')}); "
                "return waveforms, not spectra"
            )
        if not part.is_floating_point():
            raise OutputError(
                f"{self.name}: its output is {str(part.dtype).removeprefix('torch.')}; "
                "return floating-point waveforms"
            )
        if part.is_meta:
            raise OutputError(f"{self.name}: its output is on the meta device: it has no values")
        # With a single leading axis before or after time, that may be channels.
        has_batch = self.layout.has_batch and part.ndim >= 1 - self.time_axis
        if not part.ndim or (has_batch and shape[0] != 1):
            raise OutputError(
                f"{self.name}: its output has shape {shape}; "
                "(batch, ..., time) with a batch of 1 is needed"
            )
        if part.layout is not torch.strided:
            raise OutputError(f"{self.name}: its output is {part.layout}; return a dense tensor")
        if part.numel() == 0:
            raise OutputError(f"{self.name}: its output, of shape {shape}, is empty")
        if not part.isfinite().all():
            values = "NaN" if part.isnan().any() else "infinite values"
            raise OutputError(f"{self.name}: its output, of shape {shape}, contains {values}")
        if part.ndim > 1:
            part = part.movedim(self.time_axis, -1)
        return part.detach().float().reshape(1, -1, part.shape[-1]).cpu()


def _is_black_box(module: nn.Module) -> bool:
    if isinstance(module, GraphModule):
        return any(isinstance(node.target, torch._ops.OpOverload) for node in module.graph.nodes)
    return isinstance(module, ScriptModule)


def _is_inside(name: str, other: str) -> bool:
    return name != other and (not other or name.startswith(f"{other}."))


def _has_parts(value: object) -> bool:
    is_instance = dataclasses.is_dataclass(value) and not isinstance(value, type)
    return isinstance(value, Mapping | tuple | list | np.ndarray) or is_instance


def _parts(value: Any, prefix: str = "") -> Iterator[tuple[str, object]]:
    """The parts of nested dicts, tuples, lists and dataclasses, by name; arrays as tensors."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        yield prefix or "0", torch.from_numpy(value)
        return
    if not _has_parts(value) or isinstance(value, np.ndarray):
        yield prefix, value
        return
    if isinstance(value, Mapping):
        named = {str(key): part for key, part in value.items()}
    elif isinstance(value, tuple | list):
        named = {str(index): part for index, part in enumerate(value)}
    else:
        named = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    for name, part in named.items():
        yield from _parts(part, f"{prefix}.{name}" if prefix else name)


@contextmanager
def evaluation_mode(model: CheckedModel) -> Iterator[None]:
    """Context manager: evaluation mode without gradients; each module's mode is restored.

    Compiled models run uncompiled: only so can their layers be seen, and nothing is compiled anew
    for each length.

    Raises:
        InputError: The model cannot be put into evaluation mode.
    """
    training = {module: module.training for module in model.model.modules()}
    with ExitStack() as stack:
        try:
            model.model.eval()
        except NotImplementedError:  # the mode of an exported program is fixed
            pass
        except (Exception, SystemExit) as error:
            raise InputError(f"{model.name}: eval() raised {one_line(error)}") from error
        if "torch._dynamo" in sys.modules:
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        stack.enter_context(torch.inference_mode())
        try:
            yield
        finally:
            for module, was_training in training.items():
                module.training = was_training
