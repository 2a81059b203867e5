"""Rates along the paths of a network: which layers change them, and which tones reach the output.

The model runs twice, with a shorter and a longer input. In each run, every call of a torch function
is recorded, with the calls that made its arguments. An axis that is longer in the second run is
time, wherever it is in the shape; how much longer, compared with the input, is its rate. This
*growth rule* finds each change of rate, whatever function makes it, and nothing else: the hidden
size of an LSTM, the frequencies of a spectrum and the window of a transform do not grow.

The rate of a call's output is the rate of its input times a ratio: the stride, if the function has
one, else the growth of the output over the growth of the input. So periods are exact even if the
input does not consist of whole frames, and they hold for chunks, which do not grow:

- Chunks in a loop: more calls in the longer run, each of the same shape, at the rate of the signal
  from which they were cut.
- Chunks folded into another axis: the axis of the chunks grows, and time within a chunk has the
  rate of the signal. If a layer mixes the samples of a chunk as if they were channels (the squeeze
  of a normalizing flow), they are channels from then on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.probes.layer_tracer import (
    RESAMPLING,
    STRIDED,
    Layer,
    OnLayer,
    interpolation_mode,
    stride_argument,
)

ROUNDING = 0.04
"""Relative difference of growths that padding and trimming explain, at most: two frames in 50."""

ROUNDING_SAMPLES = 2
"""The same in samples, for short signals."""

FOREIGN = "forward"
"""Stands for the function that made a module's output, if it is none of torch's."""

SPATIAL_AXES = {
    **dict.fromkeys([F.conv2d, F.conv_transpose2d, F.avg_pool2d, F.max_pool2d], 2),
    **dict.fromkeys([F.conv3d, F.conv_transpose3d], 3),
}
"""Number of last axes that a strided function moves along; one, if not listed."""

# Functions that cut, join, pad or transform a signal without changing its rate, although they
# change its length.
KEEP_RATE = {
    "cat", "concat", "concatenate", "pad", "split", "chunk", "tensor_split", "split_with_sizes",
    "narrow", "repeat", "tile", "roll", "flip", "select", "unbind",
}  # fmt: skip

TRANSFORMS = {"fft_rfft", "fft_ihfft"}
"""Transforms whose output has another length than their input."""

INVERSE_TRANSFORMS = {"fft_irfft", "fft_ifft", "fft_hfft"}

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

MIXES_CHANNELS = {"linear", "matmul", "__matmul__", "einsum", "bmm", "lstm", "gru", "rnn_tanh",
                  "rnn_relu"}  # fmt: skip
"""Functions without a stride that mix channels."""


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


@dataclass(frozen=True)
class LayerPaths:
    """The rate-changing layers of a model and what reaches its output.

    Attributes:
        layers: The layers, in the order they first run, with their periods.
        places: The layer at each place, and the axis of time in its output, counted from the end.
        unseen: Changes of rate that no call explains, on the way to the output: the module in which
            the rate is known again, or an empty string, and the ratio.
    """

    layers: list[Layer]
    places: dict[Place, tuple[Layer, int]]
    unseen: list[tuple[str, Fraction]]

    @contextmanager
    def trace(self, model: nn.Module, on_layer: OnLayer) -> Iterator[None]:
        """Context manager: report these layers as the model runs.

        Args:
            model: The model whose paths these are.
            on_layer: As for :func:`layer_tracer.trace_layers`.
        """
        with _Reporter(self.places, on_layer).watching(model):
            yield


@torch.no_grad()
def measure_paths(model: nn.Module, shorter: Tensor, longer: Tensor) -> LayerPaths:
    """Run a model with two lengths and measure the period of each rate-changing layer.

    Args:
        model: Any module. It runs in its current mode: call ``eval()`` first.
        shorter: An input for it, e.g. ``(batch, channels, time)``, with a batch of one.
        longer: The same with more samples, preferably by a number of whole frames. The values do
            not matter.

    Returns:
        The layers. ``period`` is the growth of the output over the growth of the layer's input. Of
        several outputs, the longest counts.

    Raises:
        InputError: The inputs are equally long.

    >>> model = nn.Sequential(
    ...     nn.ConvTranspose1d(1, 8, 8, 4, 2), nn.ReLU(), nn.ConvTranspose1d(8, 1, 4, 2, 1)
    ... )
    >>> paths = measure_paths(model, torch.zeros(1, 1, 64), torch.zeros(1, 1, 128))
    >>> [(layer.name, layer.stride, layer.period) for layer in paths.layers]
    [('0', 4, 8), ('2', 2, 2)]
    """
    runs = []
    for example in (shorter, longer):
        recorder = _Recorder(model, example)
        output = recorder.run(model, example)
        runs.append((recorder, output))
    (recorder, output), (other, other_output) = runs
    return _Analysis(recorder, other, output, other_output).paths()


@dataclass
class _Call:
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
class _Running:
    """A module whose ``forward`` is running."""

    name: str
    inputs: list[Tensor]
    counts: Counter[str] = field(default_factory=Counter)


class _Watcher(TorchFunctionMode):
    """Intercepts all calls of torch functions; hooks keep track of the modules that make them."""

    def __init__(self) -> None:
        super().__init__()
        self.running: list[_Running] = []
        self.outside = _Running("(outside)", [])

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
            self.running.append(_Running(name, list(_tensors([args, kwargs]))))

        return module.register_forward_pre_hook(enter, with_kwargs=True)

    def _leave(self, _module: nn.Module, _args: tuple, output: object) -> None:
        with torch._C.DisableTorchFunction():
            self.on_leave(self.running.pop(), output)

    def on_leave(self, finished: _Running, output: object) -> None:
        """Called after each module, without interception."""

    def place(self, function: str, finished: _Running | None = None) -> Place:
        """The place of the next call of a function."""
        running = finished or (self.running[-1] if self.running else self.outside)
        index = running.counts[function]
        running.counts[function] += 1
        return Place(running.name, function, index)


class _Reporter(_Watcher):
    """Reports the calls at given places."""

    def __init__(self, places: Mapping[Place, tuple[Layer, int]], on_layer: OnLayer):
        super().__init__()
        self.places = places
        self.on_layer = on_layer

    def __torch_function__(
        self, function: Callable, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        output = function(*args, **kwargs or {})
        name = getattr(function, "__name__", "")
        outputs = list(_tensors(args[0] if name == "__setitem__" else output))
        if outputs:
            place = self.place(name)
            if place in self.places:
                layer, axis = self.places[place]
                x = next(_tensors([args, kwargs]))
                self.on_layer(layer, _signal(x, -1), _signal(outputs[0], axis))
        return output

    def on_leave(self, finished: _Running, output: object) -> None:
        place = self.place(FOREIGN, finished)
        if place in self.places and finished.inputs:
            layer, axis = self.places[place]
            self.on_layer(
                layer, _signal(finished.inputs[0], -1), _signal(next(_tensors(output)), axis)
            )


class _Recorder(_Watcher):
    """Records all calls of torch functions in one run of a model."""

    def __init__(self, model: nn.Module, example: Tensor):
        super().__init__()
        self.own = {id(x) for x in [*model.parameters(), *model.buffers()]}
        self.calls: list[_Call] = []
        self.counts: Counter[tuple[str, str]] = Counter()
        self.made = WeakIdKeyDictionary()  # the call that made a tensor, or last wrote into it
        self.writes: dict[int, int] = {}  # the last call that wrote into a part of a storage
        self._add(None, self.place("input"), [example], [], [])

    def run(self, model: nn.Module, example: Tensor) -> Tensor:
        with self.watching(model):
            output = model(example)
        return max(_tensors(output), key=lambda x: x.shape[-1] if x.dim() else 0)

    def on_leave(self, finished: _Running, output: object) -> None:
        place = self.place(FOREIGN, finished)
        unknown = [x for x in _tensors(output) if x not in self.made]
        if unknown:  # made by something else than torch's functions
            parents = [self.made[x] for x in finished.inputs if x in self.made]
            self._add(None, place, unknown, parents, [tuple(x.shape) for x in unknown])

    def __torch_function__(
        self, function: Callable, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        kwargs = kwargs or {}
        output = function(*args, **kwargs)
        name = getattr(function, "__name__", "")
        outputs = list(_tensors(args[0] if name == "__setitem__" else output))
        if outputs:
            inputs = list(_tensors([args, kwargs]))
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
            call = _Call(
                key, place, function, tuple(x.shape), parents, foreign=tuple(foreign),
                n_outputs=len(outputs),
            )  # fmt: skip
            self.made[x] = len(self.calls)
            if place.function in WRITES and _is_part(x):
                self.writes[_storage(x)] = len(self.calls)
            self.calls.append(call)

    def _describe(self, call: _Call, args: tuple, kwargs: dict, inputs: list[Tensor]) -> None:
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


@dataclass
class _State:
    """What is known of a call's output.

    Attributes:
        rate: Samples per sample of the model's input, along the axis that grows.
        axis: The axis that grows, counted from the end; None for a chunk, which does not.
        growth: How many samples longer it is in the longer run.
        inner: Rate of the samples within the chunks that are folded into another axis.
        inner_size: Length of the chunks.
        folded: The call that folded them.
        transformed: In a spectrum along time, how much its signal grew.
    """

    rate: Fraction
    axis: int | None
    growth: int
    inner: Fraction | None = None
    inner_size: int = 0
    folded: int = -1
    transformed: int = 0


@dataclass
class _Change:
    """A change of rate by one call."""

    call: int
    kind: str
    stride: int
    direction: str
    mode: str
    rate_in: Fraction


class _Analysis:
    """Compares two runs. Indices are those of the calls in the shorter run."""

    def __init__(self, recorder: _Recorder, other: _Recorder, output: Tensor, other_output: Tensor):
        self.calls = recorder.calls
        self.matches = {call.key: call for call in other.calls}
        self.counts, self.other_counts = recorder.counts, other.counts
        self.input_growth = _growth(self.calls[0].shape, other.calls[0].shape)[1]
        self.output_call = recorder.made.get(output)
        self.output_growth = _growth(tuple(output.shape), tuple(other_output.shape))[1]
        self.states: dict[int, _State] = {}
        self.changes: list[_Change] = []
        self.is_opaque: set[int] = set()
        self.unseen: list[tuple[int, Fraction]] = []

    def paths(self) -> LayerPaths:
        if not self.input_growth:
            raise InputError("longer: is as long as shorter; give an input with more samples")
        for index, call in enumerate(self.calls):
            self._visit(index, call)
        rate = self._output_rate()
        children = self._children()
        layers: dict[tuple, Layer] = {}
        places: dict[tuple, list[tuple[Place, int]]] = {}
        names: Counter[str] = Counter()
        for change in self.changes:
            call = self.calls[change.call]
            reaches = self._reaches_output(change.call, children, change)
            if not reaches and call.function not in STRIDED and call.function not in RESAMPLING:
                continue  # a reshape for a mean, say
            same = (call.place.module, change.kind, change.stride, change.direction, change.mode,
                    change.rate_in, call.weight)  # fmt: skip
            if same in layers:
                layer = layers[same]
                layers[same] = replace(
                    layer,
                    calls=layer.calls + 1,
                    reaches_output=layer.reaches_output or reaches,
                )
            else:
                name = call.place.module or change.kind
                names[name] += 1
                name += f" ({names[name]})" if names[name] > 1 else ""
                period = rate / change.rate_in if rate else Fraction(1, 2)
                layers[same] = Layer(
                    name, change.kind, change.stride, change.direction, change.mode,
                    reaches_output=reaches, period=int(period) if period.denominator == 1 else None,
                )  # fmt: skip
            axis = self.states[change.call].axis
            places.setdefault(same, []).append((call.place, -1 if axis is None else axis))
        return LayerPaths(
            list(layers.values()),
            {
                place: (layer, axis)
                for same, layer in layers.items()
                for place, axis in places[same]
            },
            [
                (self.calls[index].place.module, ratio)
                for index, ratio in self.unseen
                if self._reaches_output(index, children)
            ],
        )

    def _match(self, call: _Call) -> tuple[int | None, int]:
        """The axis of a call's output that grows and its growth; None if there is no such axis."""
        other = self.matches.get(call.key)
        if self._is_repeated(call) or other is None:
            return None, 0
        return _growth(call.shape, other.shape)

    def _is_repeated(self, call: _Call) -> bool:
        """Whether the number of calls grows, as of a loop over chunks, or that of their outputs."""
        key = (call.place.module, call.place.function)
        other = self.matches.get(call.key)
        return self.counts[key] != self.other_counts[key] or (
            other is not None and call.n_outputs != other.n_outputs
        )

    def _visit(self, index: int, call: _Call) -> None:
        axis, growth = self._match(call)
        other = self.matches.get(call.key)
        if other and any(
            _growth(*shapes)[0] is not None
            for shapes in zip(call.foreign, other.foreign, strict=False)
        ):
            self.is_opaque.add(index)
        source = self._source(call)
        if source is None:
            if growth:
                rate = self._absolute(growth)
                if index in self.is_opaque and (before := self._before(index)):
                    self._note_unseen(index, rate / before)
                self.states[index] = _State(rate, axis, growth)
        elif axis is not None or self._is_repeated(call) or self._grows_in_two_axes(call):
            self.states[index] = self._changed(index, call, self.states[source], axis, growth)

    def _before(self, index: int) -> Fraction | None:
        """The rate of the latest signal before a call."""
        return next(
            (self.states[i].rate for i in range(index - 1, -1, -1) if i in self.states), None
        )

    def _note_unseen(self, index: int, ratio: Fraction) -> None:
        if ratio != 1:
            self.unseen.append((index, ratio))

    def _source(self, call: _Call) -> int | None:
        """The call whose output is the signal that goes in."""
        if call.place.function.startswith("new_") or call.place.function.endswith("_like"):
            return None
        if call.written is not None:
            return call.written if call.written in self.states else None
        known = [parent for parent in call.parents if parent in self.states]
        growing = [parent for parent in known if self.states[parent].axis is not None]
        return next(iter([*growing, *known]), None)

    def _grows_in_two_axes(self, call: _Call) -> bool:
        other = self.matches.get(call.key)
        return other is not None and call.shape != other.shape

    def _absolute(self, growth: int) -> Fraction:
        """A rate from its growth alone: one that is known already, if it is close."""
        rate = Fraction(growth, self.input_growth)
        known = {state.rate for state in self.states.values()}
        return min(
            (other for other in known if _close(rate, other, growth)),
            key=lambda other: abs(rate - other),
            default=_simple(rate, growth),
        )

    def _changed(
        self, index: int, call: _Call, source: _State, axis: int | None, growth: int
    ) -> _State:
        """The state after a call."""
        if call.stride or call.mode:
            return self._after_layer(index, call, source, axis, growth)
        state = replace(source, axis=axis, growth=growth)
        if axis is None:
            return self._stepped(index, call.step or Fraction(1), source, state)
        if source.axis is None:  # chunks are joined, or stacked along a new axis
            if call.place.function not in KEEP_RATE and call.written is None:
                state.rate, state.inner = self._absolute(growth), source.rate
                state.inner_size, state.folded = round(source.rate / state.rate), -1
            return state
        if call.step is not None:
            return self._stepped(index, call.step, source, state)
        if call.place.function in KEEP_RATE:
            return state
        if call.place.function in TRANSFORMS and growth != source.growth:
            state.transformed = source.growth
            return state
        if call.place.function in INVERSE_TRANSFORMS and source.transformed:
            source = replace(source, growth=source.transformed)
            state.transformed = 0
        ratio = self._ratio(call, source, axis, growth)
        if ratio == 1:
            if source.inner and self._mixes(call, source):
                self._mix(source, state)
            return state
        state.rate = source.rate * ratio
        if source.inner and _close(state.rate, source.inner, growth):
            state.rate, state.inner = source.inner, None
            return state
        if ratio < 1 and KINDS.get(call.place.function) in ("reshape", "unfold"):
            # A fold: if chunks are processed as such and joined again, the rate has not changed.
            state.inner, state.folded = source.rate, index
            state.inner_size = (
                call.shape[-1] if call.place.function == "unfold" else round(1 / ratio)
            )
            return state
        kind, mode = KINDS.get(call.place.function, "other"), ""
        if call.is_expanded:
            kind, mode = "interpolation", "nearest"
        self._note(index, kind, ratio, mode, source.rate)
        return state

    def _ratio(self, call: _Call, source: _State, axis: int, growth: int) -> Fraction:
        """The ratio of the rates of output and input, of a function without a stride."""
        if KINDS.get(call.place.function) != "reshape":
            return _simple(Fraction(growth, source.growth), growth)
        # Samples are interleaved with the axes behind time: (time, 2) becomes (2 time). Signals are
        # put one after the other if axes before time are merged with it.
        assert source.axis is not None
        shape = self.calls[self._parent(call, source)].shape
        return Fraction(prod(shape[source.axis :][1:]), prod(call.shape[axis:][1:]))

    def _parent(self, call: _Call, source: _State) -> int:
        """Index of the call that has a state."""
        return next(p for p in call.parents if self.states.get(p) is source)

    def _stepped(self, index: int, step: Fraction, source: _State, state: _State) -> _State:
        state.rate = source.rate * step
        if step != 1:
            self._note(index, "indexing", step, "", source.rate)
        return state

    def _mixes(self, call: _Call, source: _State) -> bool:
        """Whether a product or a convolution uses the samples of a chunk as channels."""
        shape, size = self.calls[self._parent(call, source)].shape, source.inner_size
        if call.stride:
            spatial = shape[-len(call.stride) :]
            return size not in spatial and shape[-len(call.stride) - 1] % size == 0
        if call.place.function not in MIXES_CHANNELS or call.key[-1]:  # not the state of an LSTM
            return False
        channels = -2 if source.axis == -1 else -1
        return size not in call.shape or shape[channels] == size

    def _mix(self, source: _State, state: _State) -> None:
        """From here on, the samples of a chunk are channels: the fold was a change of rate."""
        if source.folded >= 0 and source.inner is not None:
            folded = self.states[source.folded]
            kind = KINDS.get(self.calls[source.folded].place.function, "reshape")
            ratio = folded.rate / source.inner
            if all(change.call != source.folded for change in self.changes):
                self._note(source.folded, kind, ratio, "", source.inner)
        state.inner = None

    def _after_layer(
        self, index: int, call: _Call, source: _State, axis: int | None, growth: int
    ) -> _State:
        """The state after a function with a stride, or an interpolation."""
        state = replace(source, axis=axis, growth=growth)
        kind, direction = _kind(call)
        along = source.axis if source.axis is not None else -1
        n_axes = len(call.stride) or max(1, len(call.shape) - 2)
        spectral = kind in ("stft", "istft")
        is_time = along >= -n_axes or spectral
        in_chunks = source.axis is None or (not is_time and source.inner is not None)
        if not is_time and not in_chunks:
            return state
        position = -1 if in_chunks or spectral else along
        if kind == "fold" and axis is not None:
            position = axis
        if call.mode:
            ratio = self._resampling_ratio(index, call, source, growth, in_chunks)
        else:
            stride = call.stride[position] if -position <= len(call.stride) else 1
            ratio = Fraction(stride) if direction == "up" else Fraction(1, stride)
        folds_chunks = in_chunks and source.inner is not None
        rate = source.inner if folds_chunks else source.rate
        assert rate is not None
        if kind == "unfold" and ratio < 1 and not in_chunks:
            state.inner, state.folded = source.rate, index
            state.inner_size = call.kernel
        elif kind == "fold" and source.inner and _close(source.rate * ratio, source.inner, growth):
            state.rate, state.inner = source.inner, None
            return state
        elif ratio != 1:
            self._note(index, kind, ratio, call.mode, rate)
        if folds_chunks:
            state.inner, state.inner_size = rate * ratio, call.shape[-1]
        else:
            if source.inner and self._mixes(call, source):
                self._mix(source, state)
            state.rate = source.rate * ratio
        return state

    def _resampling_ratio(
        self, index: int, call: _Call, source: _State, growth: int, in_chunks: bool
    ) -> Fraction:
        if growth and source.growth and not in_chunks:
            return _simple(Fraction(growth, source.growth), growth)
        length = self.calls[self._parent(call, source)].shape[-1]
        return _simple(Fraction(call.shape[-1], length), length)

    def _note(self, index: int, kind: str, ratio: Fraction, mode: str, rate_in: Fraction) -> None:
        """Note a change of rate by an integer factor."""
        if ratio.denominator == 1:
            self.changes.append(_Change(index, kind, int(ratio), "up", mode, rate_in))
        elif ratio.numerator == 1:
            self.changes.append(_Change(index, kind, ratio.denominator, "down", mode, rate_in))

    def _output_rate(self) -> Fraction | None:
        """The rate of the output; notes what in it the calls do not explain."""
        if not self.output_growth:
            return None
        state = self.states.get(self.output_call) if self.output_call is not None else None
        measured = Fraction(self.output_growth, self.input_growth)
        if state is None:
            return self._absolute(self.output_growth)
        if _close(measured, state.rate, self.output_growth):
            return state.rate
        rate = _simple(measured, self.output_growth)
        assert self.output_call is not None
        self._note_unseen(self.output_call, rate / state.rate)
        return rate

    def _children(self) -> dict[int, list[int]]:
        children: dict[int, list[int]] = {}
        for index, call in enumerate(self.calls):
            if index in self.states:
                for parent in call.parents:
                    children.setdefault(parent, []).append(index)
        return children

    def _reaches_output(
        self, start: int, children: dict[int, list[int]], change: _Change | None = None
    ) -> bool:
        """Whether the output of a call, or the tones of a layer, can reach the model's output.

        Tones are at multiples of the rate of the layer's input. A decimation to this rate, or to an
        integer part of it, turns them into an offset: so an activation that is oversampled and
        decimated makes none.
        """
        if self.output_call is None:
            return True
        seen, waiting = {start}, [start]
        while waiting:
            index = waiting.pop()
            if index == self.output_call:
                return True
            opaque = [other for other in self.is_opaque if other > index]
            for child in [*children.get(index, []), *opaque]:
                if child not in seen and not (change and self._folds_down(child, change)):
                    seen.add(child)
                    waiting.append(child)
        return False

    def _folds_down(self, index: int, change: _Change) -> bool:
        if change.direction == "down" or not self.calls[index].decimates:
            return False
        source = self._source(self.calls[index])
        rate = self.states[index].rate
        slows_down = source is not None and rate < self.states[source].rate
        return slows_down and (change.rate_in / rate).denominator == 1


def _tensors(value: object) -> Iterator[Tensor]:
    """All tensors in nested lists, tuples and dictionaries."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _tensors(item)


def _signal(x: Tensor, axis: int) -> Tensor:
    """Any tensor as ``(batch, channels, time)``; its axis of time is counted from the end."""
    x = x.movedim(axis, -1) if x.dim() else x.view(1)
    return x[None, None] if x.dim() == 1 else x.unsqueeze(1).flatten(1, -2)


def _growth(shape: tuple[int, ...], longer: tuple[int, ...]) -> tuple[int | None, int]:
    """The axis that grows, counted from the end, and by how much; None if it is not exactly one."""
    if len(shape) != len(longer):
        return None, 0
    axes = [axis for axis in range(-len(shape), 0) if shape[axis] != longer[axis]]
    if len(axes) != 1 or longer[axes[0]] < shape[axes[0]]:
        return None, 0
    return axes[0], longer[axes[0]] - shape[axes[0]]


def _close(rate: Fraction, other: Fraction, growth: int) -> bool:
    tolerance = max(ROUNDING, ROUNDING_SAMPLES / growth if growth else 0.0)
    return abs(float(rate / other) - 1) <= tolerance


def _simple(ratio: Fraction, growth: int) -> Fraction:
    """The integer, or the inverse of one, that a measured ratio is close to."""
    nearest = Fraction(round(ratio)) if ratio >= 1 else Fraction(1, round(1 / ratio))
    return nearest if _close(ratio, nearest, growth) else ratio


def _step(index: object, down: bool) -> Fraction | None:
    """The ratio of an index that consists of slices; None if it has a tensor or a list."""
    items = index if isinstance(index, tuple) else (index,)
    if any(isinstance(item, Tensor | list) for item in items):
        return None
    steps = [item.step or 1 for item in items if isinstance(item, slice)]
    return Fraction(1, prod(steps)) if down else Fraction(prod(steps))


def _kind(call: _Call) -> tuple[str, str]:
    """Kind and direction of a strided function or an interpolation."""
    if call.function in STRIDED:
        kind, direction, *_ = STRIDED[call.function]
        return kind, direction
    assert call.function in RESAMPLING
    return RESAMPLING[call.function], ""


def _storage(x: Tensor) -> int:
    return x.untyped_storage()._cdata


def _is_part(x: Tensor) -> bool:
    """Whether a tensor is a view of a part of its storage."""
    return x.numel() * x.element_size() < x.untyped_storage().nbytes()
