"""Records the calls of torch functions in one run of a model.

Each call is recorded with its place in the model's code, and with the calls that made its
arguments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

from upsampling_artifacts.probes.layer_tracer import (
    RESAMPLING,
    STRIDED,
    interpolation_mode,
    stride_argument,
)

FOREIGN = "forward"
"""Stands for the function that made a module's output, if it is none of torch's."""

SPATIAL_AXES = {
    **dict.fromkeys([F.conv2d, F.conv_transpose2d, F.avg_pool2d, F.max_pool2d], 2),
    **dict.fromkeys([F.conv3d, F.conv_transpose3d], 3),
}
"""Number of last axes that a strided function moves along; one, if not listed."""

WRITES = {"__setitem__", "index_copy_", "index_add_", "scatter_", "scatter_add_", "index_put_",
          "copy_", "masked_scatter_"}  # fmt: skip
"""Functions that write their last tensor argument into their first."""

KINDS = {
    **dict.fromkeys(["reshape", "view", "flatten", "unflatten", "ravel", "view_as"], "reshape"),
    **dict.fromkeys(
        [*WRITES, "__getitem__", "index_select", "gather", "scatter", "scatter_add", "index_add",
         "index_copy", "index_put", "take", "as_strided"],
        "indexing",
    ),
    "unfold": "unfold",
    **dict.fromkeys(["fft_irfft", "fft_ifft", "fft_hfft"], "fourier"),
    **dict.fromkeys(["matmul", "__matmul__", "einsum", "bmm", "linear", "tensordot"], "product"),
}  # fmt: skip
"""Kinds of layers whose functions have no stride; ``other``, if not listed."""


@dataclass(frozen=True)
class Place:
    """A call's place in the code of a model: the same in every run.

    Attributes:
        module: Name of the innermost module, as in ``named_modules()``.
        function: Name of the function.
        index: Position among the calls of this function in one run of the module.
    """

    module: str
    function: str
    index: int


@dataclass
class Call:
    """One tensor that a call of a torch function returned.

    Attributes:
        key: Matches the call with that of the other run: module, function, position among the calls
            of this function by this module in the whole run, and position in the output.
        place: Where in the model.
        function: What was called.
        shape: Of the output.
        parents: Indices of the calls that made the arguments, in their order.
        written: Index of the call that made what a function of :data:`WRITES` writes.
        stride: The strides of a strided function, by axis, last axis last.
        mode: Of an interpolation.
        step: The ratio of an index with steps, e.g. ``[..., ::4]``; None if any other ratio may
            come out.
        weight: Identity of a parameter, which tells apart layers in one module.
        is_expanded: Whether the input repeats samples (``expand``).
        kernel: Length of the chunks that ``F.unfold`` cuts.
        decimates: Whether the function discards samples of each channel.
        foreign: Shapes of arguments of unknown origin, by position.
        n_outputs: Number of tensors that the call returned.
    """

    key: tuple[str, str, int, int]
    place: Place
    function: Callable | None
    shape: tuple[int, ...]
    parents: list[int]
    written: int | None = None
    stride: tuple[int, ...] = ()
    mode: str = ""
    step: Fraction | None = None
    weight: int | None = None
    is_expanded: bool = False
    kernel: int = 0
    decimates: bool = False
    foreign: tuple[tuple[int, ...], ...] = ()
    n_outputs: int = 1


@dataclass
class Running:
    """A module whose ``forward`` is running."""

    name: str
    inputs: list[Tensor]
    counts: Counter[str] = field(default_factory=Counter)


class Watcher(TorchFunctionMode):
    """Intercepts all calls of torch functions; hooks keep track of the modules that make them."""

    def __init__(self) -> None:
        super().__init__()
        self.running: list[Running] = []
        self.outside = Running("(outside)", [])

    @contextmanager
    def watching(self, model: nn.Module) -> Iterator[None]:
        with ExitStack() as stack:
            for name, module in model.named_modules():
                if "parametrizations" not in name.split("."):  # these process weights
                    stack.callback(self._enter(name, module).remove)
                    stack.callback(module.register_forward_hook(self._leave).remove)
            stack.enter_context(self)
            yield

    def _enter(self, name: str, module: nn.Module) -> torch.utils.hooks.RemovableHandle:
        def enter(_module: nn.Module, args: tuple, kwargs: dict) -> None:
            self.running.append(Running(name, list(tensors([args, kwargs]))))

        return module.register_forward_pre_hook(enter, with_kwargs=True)

    def _leave(self, _module: nn.Module, _args: tuple, output: object) -> None:
        with torch._C.DisableTorchFunction():
            self.on_leave(self.running.pop(), output)

    def on_leave(self, finished: Running, output: object) -> None:
        """Called after each module, without interception."""

    def place(self, function: str, finished: Running | None = None) -> Place:
        """The place of the next call of a function."""
        running = finished or (self.running[-1] if self.running else self.outside)
        index = running.counts[function]
        running.counts[function] += 1
        return Place(running.name, function, index)


class Recorder(Watcher):
    """Records all calls of torch functions in one run of a model."""

    def __init__(self, model: nn.Module, example: Tensor):
        super().__init__()
        self.own = {id(x) for x in [*model.parameters(), *model.buffers()]}
        self.calls: list[Call] = []
        self.counts: Counter[tuple[str, str]] = Counter()
        self.made = WeakIdKeyDictionary()  # the call that made a tensor, or last wrote into it
        self.writes: dict[int, int] = {}  # the last call that wrote into a part of a storage
        self._add(None, self.place("input"), [example], [], [])

    def run(self, model: nn.Module, example: Tensor) -> Tensor:
        with self.watching(model):
            output = model(example)
        return max(tensors(output), key=lambda x: x.shape[-1] if x.dim() else 0)

    def on_leave(self, finished: Running, output: object) -> None:
        place = self.place(FOREIGN, finished)
        unknown = [x for x in tensors(output) if x not in self.made]
        if unknown:  # made by something else than torch's functions
            parents = [self.made[x] for x in finished.inputs if x in self.made]
            self._add(None, place, unknown, parents, [tuple(x.shape) for x in unknown])

    def __torch_function__(
        self, function: Callable, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        kwargs = kwargs or {}
        output = function(*args, **kwargs)
        name = getattr(function, "__name__", "")
        outputs = list(tensors(args[0] if name == "__setitem__" else output))
        if outputs:
            inputs = list(tensors([args, kwargs]))
            parents, foreign = self._origins(inputs)
            self._add(function, self.place(name), outputs, parents, foreign)
            for call in self.calls[-len(outputs) :]:
                self._describe(call, args, kwargs, inputs)
        return output

    def _origins(self, inputs: list[Tensor]) -> tuple[list[int], list[tuple[int, ...]]]:
        """The calls that made the arguments, and the shapes of those that no call made."""
        parents, foreign = [], []
        for x in inputs:
            if x in self.made:
                parents.append(self.made[x])
                written = self.writes.get(_storage(x), -1)
                if written > parents[-1]:
                    parents.append(written)
            elif id(x) not in self.own:
                foreign.append(tuple(x.shape))
        return parents, foreign

    def _add(
        self,
        function: Callable | None,
        place: Place,
        outputs: Sequence[Tensor],
        parents: list[int],
        foreign: Sequence[tuple[int, ...]],
    ) -> None:
        position = self.counts[place.module, place.function]
        self.counts[place.module, place.function] += 1
        for index, x in enumerate(outputs):
            key = (place.module, place.function, position, index)
            call = Call(
                key, place, function, tuple(x.shape), parents, foreign=tuple(foreign),
                n_outputs=len(outputs),
            )  # fmt: skip
            self.made[x] = len(self.calls)
            if place.function in WRITES and _is_part(x):
                self.writes[_storage(x)] = len(self.calls)
            self.calls.append(call)

    def _describe(self, call: Call, args: tuple, kwargs: dict, inputs: list[Tensor]) -> None:
        """Note what the analysis needs to know about a call."""
        function, name = call.function, call.place.function
        if function in STRIDED:
            n_axes = SPATIAL_AXES.get(function, 1)
            stride = stride_argument(function, args, kwargs)
            strides = tuple(stride) if isinstance(stride, tuple | list) else (stride,)
            n_axes = max(n_axes, len(strides))
            call.stride = strides * (n_axes // len(strides)) if len(strides) < n_axes else strides
            if function is F.unfold:
                kernel = args[1] if len(args) > 1 else kwargs["kernel_size"]
                call.kernel = max(kernel) if isinstance(kernel, tuple | list) else kernel
        elif function in RESAMPLING:
            call.mode = interpolation_mode(function, args, kwargs)
        elif name in ("__getitem__", "__setitem__"):
            call.step = _step(args[1], down=name == "__getitem__")
        if name in WRITES and len(inputs) > 1 and inputs[-1] in self.made:
            call.written = call.parents[-1]
        kind = STRIDED[function][0] if function in STRIDED else ""
        if kind in ("convolution", "transposed") and len(inputs) > 1:
            weight = inputs[1]
            call.weight = id(weight) if id(weight) in self.own else None
            groups = args[6] if len(args) > 6 else kwargs.get("groups", 1)
            call.decimates = kind == "convolution" and weight.shape[0] == groups
        call.decimates |= kind == "pooling" or function in RESAMPLING or call.step is not None
        if inputs and inputs[0].dim() > 1 and KINDS.get(name) == "reshape":
            x = inputs[0]
            call.is_expanded = any(
                size > 1 and stride == 0 for size, stride in zip(x.shape, x.stride(), strict=True)
            )


def tensors(value: object) -> Iterator[Tensor]:
    """All tensors in nested lists, tuples and dictionaries."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from tensors(list(value.values()))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from tensors(item)


def _step(index: object, down: bool) -> Fraction | None:
    """The ratio of an index that consists of slices; None if it has a tensor or a list."""
    items = index if isinstance(index, tuple) else (index,)
    if any(isinstance(item, Tensor | list) for item in items):
        return None
    steps = [item.step or 1 for item in items if isinstance(item, slice)]
    return Fraction(1, prod(steps)) if down else Fraction(prod(steps))


def _storage(x: Tensor) -> int:
    return x.untyped_storage()._cdata


def _is_part(x: Tensor) -> bool:
    """Whether a tensor is a view of a part of its storage."""
    return x.numel() * x.element_size() < x.untyped_storage().nbytes()
