"""Which layers of a network change the rate along time, and what goes through them.

They are found by running the network: any ``torch.nn.Module`` will do, whether it calls layers
or functions. The last axis of a tensor is taken for time, as in all of torch's audio layers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode


@dataclass(frozen=True)
class Layer:
    """A layer that changes the rate.

    Attributes:
        name: Of the innermost module it lies in, as in ``named_modules()``; the kind, if that is
            the model itself. The second of one name in a run is called ``name (2)``, and so on.
        kind: ``convolution``, ``transposed``, ``interpolation``, ``subpixel`` (pixel shuffle),
            ``reshape``, ``pooling``, ``stft``, ``istft``, ``fold`` or ``unfold``.
        stride: Factor between the rates.
        direction: ``"up"`` or ``"down"``.
    """

    name: str
    kind: str
    stride: int
    direction: str


OnLayer = Callable[[Layer, Tensor, Tensor], None]

# Functions with an argument that says the stride: kind, direction, its position and its name.
STRIDED = {
    **dict.fromkeys([F.conv1d, F.conv2d, F.conv3d], ("convolution", "down", 3, "stride")),
    **dict.fromkeys(
        [F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d],
        ("transposed", "up", 3, "stride"),
    ),
    **dict.fromkeys(
        [F.avg_pool1d, F.avg_pool2d, F.max_pool1d, F.max_pool2d], ("pooling", "down", 2, "stride")
    ),
    **dict.fromkeys([torch.stft, Tensor.stft], ("stft", "down", 2, "hop_length")),
    **dict.fromkeys([torch.istft, Tensor.istft], ("istft", "up", 2, "hop_length")),
    F.fold: ("fold", "up", 5, "stride"),
    F.unfold: ("unfold", "down", 4, "stride"),
}

# Functions whose factor shows in the lengths alone.
RESAMPLING = {
    **dict.fromkeys([F.interpolate, F.upsample], "interpolation"),
    **dict.fromkeys([torch.repeat_interleave, Tensor.repeat_interleave], "interpolation"),
    **dict.fromkeys([F.pixel_shuffle, F.pixel_unshuffle], "subpixel"),
}

# Functions whose input has features, not time, along its last axis.
FEATURES_LAST = {"linear", "lstm", "gru", "rnn_tanh", "rnn_relu", "matmul", "__matmul__"}


@contextmanager
def trace_layers(model: nn.Module, on_layer: OnLayer) -> Iterator[None]:
    """While open, each layer of the model that changes the rate along time is reported.

    - A function with a stride (convolutions, pooling, short-time Fourier transforms) counts
      where its stride along the last axis exceeds one; a two-dimensional convolution that
      strides along frequency only does not.
    - Interpolation, repetition and pixel shuffles count where they make the signal a whole
      number of times longer or shorter.
    - Reshapes have no function of their own. A module whose output is a whole number of times
      longer than its input, though nothing within it counted, is one of kind ``reshape``; so a
      reshape beside other such layers in one module's ``forward`` is not seen.

    Args:
        model: Any module; call it as often as you like.
        on_layer: Called with each layer, its input and its output as it runs. Both tensors are
            ``(batch, channels, time)``: axes between the first and the last are made one.
            Spectra of ``stft`` and ``istft`` are complex.
    """
    tracer = _Tracer(on_layer)
    with ExitStack() as stack:
        for name, module in model.named_modules():
            if "parametrizations" not in name.split("."):  # these run on weights, not on signals
                for hook in tracer.hooks(name, module):
                    stack.callback(hook.remove)
        stack.enter_context(tracer)
        yield


@torch.no_grad()
def find_layers(model: nn.Module, example: Tensor) -> list[Layer]:
    """The layers that change the rate along time, in the order they run.

    Args:
        model: Any module, run as it is: put it into evaluation mode first.
        example: An input that it takes.
    """
    layers: list[Layer] = []
    with trace_layers(model, lambda layer, *_: layers.append(layer)):
        model(example)
    return layers


def tone_strides(layers: list[Layer], largest: int = 64) -> list[int]:
    """At which fractions of the output's rate the upsampling layers put their tones.

    The tones of a layer stand at multiples of its output's rate over its stride, and each later
    layer repeats them about its own (paper, section 5): in the model's output, at multiples of
    its rate over the product of the strides from that layer on.

    Args:
        layers: From :func:`find_layers`.
        largest: Where to stop: closer lines than this fraction of the rate tell little.

    Returns:
        The products, from the last upsampling layer backwards. The inverse short-time Fourier
        transform is left out, for its overlapping windows are no random filter.
    """
    products, product = [], 1
    for layer in reversed(layers):
        if layer.direction == "up" and layer.kind != "istft":
            product *= layer.stride
            if product > largest:
                break
            products.append(product)
    return products


@dataclass
class _Running:
    """A module that is being called."""

    name: str
    input: Tensor | None
    counted: bool = False
    feature_sizes: set[int] = field(default_factory=set)


class _Tracer(TorchFunctionMode):
    """Sees every function of torch that is called, and by hooks in which module."""

    def __init__(self, on_layer: OnLayer):
        super().__init__()
        self.on_layer = on_layer
        self.running: list[_Running] = []
        self.names: Counter[str] = Counter()
        self.reporting = False

    def hooks(self, name: str, module: nn.Module) -> list:
        """Register what keeps ``running`` up to date; returns the handles."""

        def enter(_module: nn.Module, args: tuple, kwargs: dict) -> None:
            if not self.running:
                self.names.clear()
            tensors = [x for x in [*args, *kwargs.values()] if isinstance(x, Tensor)]
            self.running.append(_Running(name, tensors[0] if tensors else None))

        def leave(_module: nn.Module, _args: tuple, output: object) -> None:
            ended = self.running[-1]
            if isinstance(output, Tensor) and _is_reshape(ended, output):
                stride = output.shape[-1] // ended.input.shape[-1]
                self._report("reshape", stride, "up", ended.input, output)
            self.running.pop()

        return [
            module.register_forward_pre_hook(enter, with_kwargs=True),
            module.register_forward_hook(leave),
        ]

    def __torch_function__(
        self, function: Callable, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        kwargs = kwargs or {}
        output = function(*args, **kwargs)
        if isinstance(output, Tensor) and not self.reporting:
            x = args[0] if args else kwargs.get("input")
            if function in STRIDED:
                self._see_strided(function, x, output, args, kwargs)
            elif function in RESAMPLING:
                self._see_resampling(RESAMPLING[function], x, output)
            elif getattr(function, "__name__", "") in FEATURES_LAST and isinstance(x, Tensor):
                for module in self.running:
                    module.feature_sizes.add(x.shape[-1])
        return output

    def _see_strided(
        self, function: Callable, x: Tensor, output: Tensor, args: tuple, kwargs: dict
    ) -> None:
        kind, direction, position, name = STRIDED[function]
        stride = args[position] if len(args) > position else kwargs.get(name)
        if stride is None and kind in ("stft", "istft"):
            stride = (args[1] if len(args) > 1 else kwargs["n_fft"]) // 4
        if stride is None and kind == "pooling":
            stride = args[1] if len(args) > 1 else kwargs["kernel_size"]
        stride = stride[-1] if isinstance(stride, tuple | list) else stride or 1
        if kind == "stft":
            x = x.unsqueeze(-2)
            if not output.is_complex():  # torch's older form: (..., time, 2)
                output = torch.view_as_complex(output)
        elif kind == "istft":
            output = output.unsqueeze(-2)
        if stride > 1:
            self._report(kind, stride, direction, x, output)

    def _see_resampling(self, kind: str, x: Tensor, output: Tensor) -> None:
        old, new = x.shape[-1], output.shape[-1]
        if x.dim() < 3 or x.dim() != output.dim() or old == new:
            return
        if new % old == 0:
            self._report(kind, new // old, "up", x, output)
        elif old % new == 0:
            self._report(kind, old // new, "down", x, output)

    def _report(self, kind: str, stride: int, direction: str, x: Tensor, output: Tensor) -> None:
        for module in self.running:
            module.counted = True
        name = (self.running[-1].name if self.running else "") or kind
        self.names[name] += 1
        if self.names[name] > 1:
            name = f"{name} ({self.names[name]})"
        self.reporting = True
        try:
            self.on_layer(Layer(name, kind, stride, direction), _signal(x), _signal(output))
        finally:
            self.reporting = False


def _is_reshape(module: _Running, output: Tensor) -> bool:
    x = module.input
    if x is None or module.counted or x.dim() != 3 or output.dim() < 3:
        return False
    old, new = x.shape[-1], output.shape[-1]
    # A batch of another size: pieces of a signal that are put together, at the same rate.
    same_batch = len(x) == len(output)
    return same_batch and old not in module.feature_sizes and new > old and new % old == 0


def _signal(x: Tensor) -> Tensor:
    """``(channels, time)`` or ``(batch, ..., time)`` to ``(batch, channels, time)``."""
    return x[None] if x.dim() == 2 else x.flatten(1, -2)
