"""Find the rate-changing layers of a network, and observe their inputs and outputs.

A rate-changing layer makes a signal longer or shorter along time. The tracer runs the network, so
it accepts any ``torch.nn.Module``, whether that calls layers or functions. The last axis of a
tensor is assumed to be time, as in torch's one-dimensional layers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

LAYER_COLUMNS = [
    "model", "name", "kind", "direction", "stride", "mode", "calls", "reaches_output", "period",
]  # fmt: skip
"""Columns of a table of layers, ``layers.csv``: the model's name and the attributes of
:class:`Layer`."""

MAX_PRODUCT = 64
"""The largest product of strides whose tones are predicted where no period is measured."""

MAX_PERIOD = 2048
"""The longest period whose tones are predicted: the longest hop in use."""


@dataclass(frozen=True)
class Layer:
    """A rate-changing layer.

    Attributes:
        name: Name of the innermost module that contains it, as in ``named_modules()``; its kind, if
            that module is the model itself. The second layer with the same name in a run of the
            model is called ``name (2)``.
        kind: ``convolution``, ``transposed``, ``interpolation``, ``subpixel`` (pixel shuffle),
            ``reshape``, ``pooling``, ``stft``, ``istft``, ``fold`` or ``unfold``.
        stride: Ratio of the two rates.
        direction: ``"up"`` or ``"down"``.
        mode: Of an interpolation: ``nearest``, ``linear`` ...; empty for any other layer.
        calls: How often it runs, where this was counted (:mod:`probes.layer_paths`).
        reaches_output: Whether its tones can reach the output, where this was measured.
        period: Samples of the model's output per sample of the layer's input: the tones of an
            upsampling layer are at multiples of rate / period. None: not measured, or not a whole
            number.
    """

    name: str
    kind: str
    stride: int
    direction: str
    mode: str = ""
    calls: int = 1
    reaches_output: bool = True
    period: int | None = None


OnLayer = Callable[[Layer, Tensor, Tensor], None]
"""``(layer, input, output)``, both tensors ``(batch, channels, time)``."""

# Functions with a stride: kind, direction, position and name of the stride argument.
STRIDED: dict[Callable, tuple[str, str, int, str]] = {
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

# Functions whose factor follows from the lengths of input and output.
RESAMPLING: dict[Callable, str] = {
    **dict.fromkeys([F.interpolate, F.upsample], "interpolation"),
    **dict.fromkeys([torch.repeat_interleave, Tensor.repeat_interleave], "interpolation"),
    **dict.fromkeys([F.pixel_shuffle, F.pixel_unshuffle], "subpixel"),
}

# Functions whose input has features, not time, as its last axis.
FEATURES_LAST = {"linear", "lstm", "gru", "rnn_tanh", "rnn_relu", "matmul", "__matmul__"}


@contextmanager
def trace_layers(model: nn.Module, on_layer: OnLayer) -> Iterator[None]:
    """Context manager: report each rate-changing layer as the model runs.

    - A function with a stride (convolution, pooling, short-time Fourier transform) is reported if
      its stride along the last axis exceeds one. A two-dimensional convolution that strides along
      frequency only is not.
    - Interpolation, repetition and pixel shuffle are reported if they make the signal an integer
      number of times longer or shorter.
    - Reshapes have many uses, so their functions are not traced. Instead, a module is reported as
      kind ``reshape`` if its output is an integer number of times longer than its input and nothing
      inside it was reported. A reshape beside another rate-changing layer in the ``forward`` of one
      module is missed.

    Args:
        model: Any module. It may be called any number of times.
        on_layer: Called with each layer, its input and its output. Both tensors are
            ``(batch, channels, time)``: all axes between the first and the last are merged. The
            spectra of ``stft`` and ``istft`` are complex.
    """
    tracer = _Tracer(on_layer)
    with ExitStack() as stack:
        for name, module in model.named_modules():
            if "parametrizations" not in name.split("."):  # these process weights, not signals
                for hook in tracer.hooks(name, module):
                    stack.callback(hook.remove)
        stack.enter_context(tracer)
        yield


@torch.no_grad()
def find_layers(model: nn.Module, example: Tensor) -> list[Layer]:
    """Find the rate-changing layers of a model, in the order they run.

    Args:
        model: Any module. It runs in its current mode: call ``eval()`` first.
        example: An input for it, e.g. ``(batch, channels, time)``.

    Returns:
        The layers.

    >>> from torch import nn
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 8, 4, 2), nn.ConvTranspose1d(8, 1, 8, 4, 2))
    >>> for layer in find_layers(model, torch.zeros(1, 1, 64)):
    ...     print(layer.name, layer.kind, layer.direction, layer.stride)
    0 convolution down 4
    1 transposed up 4
    """
    layers: list[Layer] = []
    with trace_layers(model, lambda layer, *_: layers.append(layer)):
        model(example)
    return layers


def tone_strides(layers: list[Layer], max_product: int | None = None) -> list[int]:
    """Products of the strides of the last upsampling layers: where their tones are.

    A layer puts tones at multiples of its output rate over its stride. Each later layer makes
    spectral images of them (paper, section 5), so in the model's output they are at multiples of
    the rate over the product of the strides from that layer on: the layer's period.

    Args:
        layers: From :func:`find_layers`, or from :func:`layer_paths.measure_paths`.
        max_product: The largest product of interest. Tones of larger ones are too close together.
            None: :data:`MAX_PRODUCT`, or :data:`MAX_PERIOD` where periods are known.

    Returns:
        The periods in ascending order, each once, where they are known. Else, the products of the
        strides in the order of the layers, starting with the last upsampling layer; the inverse
        short-time Fourier transform does not count.

    >>> layers = [Layer(str(n), "transposed", stride, "up") for n, stride in enumerate([5, 4, 2])]
    >>> tone_strides(layers)
    [2, 8, 40]
    """
    if any(layer.period for layer in layers):
        periods = {layer.period for layer in layers if makes_tones(layer)}
        return sorted(p for p in periods if p and p <= (max_product or MAX_PERIOD))
    products, product = [], 1
    for layer in reversed(layers):
        if layer.direction == "up" and layer.kind != "istft":
            product *= layer.stride
            if product > (max_product or MAX_PRODUCT):
                break
            products.append(product)
    return products


def layers_table(model: str, layers: list[Layer]) -> pd.DataFrame:
    """Layers as a table.

    Args:
        model: Name of the model.
        layers: Its layers.

    Returns:
        The columns :data:`LAYER_COLUMNS`; an unknown period is empty.
    """
    rows = [
        (model, layer.name, layer.kind, layer.direction, layer.stride, layer.mode, layer.calls,
         layer.reaches_output, layer.period)
        for layer in layers
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=LAYER_COLUMNS)
    return table.astype({"stride": int, "calls": int, "reaches_output": bool, "period": "Int64"})


def makes_tones(layer: Layer) -> bool:
    """Whether the tones of a layer whose period is known are in the output."""
    return (
        layer.direction == "up"
        and layer.reaches_output
        and layer.period is not None
        and layer.period > 1
    )


def stride_argument(function: Callable, args: tuple, kwargs: dict) -> int | Sequence[int]:
    """The stride of a call of one of the functions :data:`STRIDED`, as it was given."""
    kind, _, position, name = STRIDED[function]
    stride = args[position] if len(args) > position else kwargs.get(name)
    if stride is None and kind in ("stft", "istft"):
        stride = (args[1] if len(args) > 1 else kwargs["n_fft"]) // 4
    if stride is None and kind == "pooling":
        stride = args[1] if len(args) > 1 else kwargs["kernel_size"]
    return stride or 1


def interpolation_mode(function: Callable, args: tuple, kwargs: dict) -> str:
    """The mode of a call of one of the functions :data:`RESAMPLING`."""
    if function not in (F.interpolate, F.upsample):
        return "nearest" if RESAMPLING[function] == "interpolation" else "pixel shuffle"
    return args[3] if len(args) > 3 else kwargs.get("mode", "nearest")


@dataclass
class _Running:
    """A module whose ``forward`` is running."""

    name: str
    input: Tensor | None
    has_reported_layer: bool = False
    feature_sizes: set[int] = field(default_factory=set)


class _Tracer(TorchFunctionMode):
    """Intercepts all calls of torch functions; hooks keep track of the modules that make them."""

    def __init__(self, on_layer: OnLayer):
        super().__init__()
        self.on_layer = on_layer
        self.running: list[_Running] = []
        self.names: Counter[str] = Counter()
        self.reporting = False

    def hooks(self, name: str, module: nn.Module) -> list[RemovableHandle]:
        """Register the hooks that keep ``running`` up to date; return their handles."""

        def enter(_module: nn.Module, args: tuple, kwargs: dict) -> None:
            if not self.running:
                self.names.clear()
            tensors = [x for x in [*args, *kwargs.values()] if isinstance(x, Tensor)]
            self.running.append(_Running(name, tensors[0] if tensors else None))

        def leave(_module: nn.Module, _args: tuple, output: object) -> None:
            finished = self.running[-1]
            x = finished.input
            if isinstance(output, Tensor) and x is not None and _is_reshape(finished, x, output):
                self._report("reshape", output.shape[-1] // x.shape[-1], "up", x, output)
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
            if not isinstance(x, Tensor):
                return output
            if function in STRIDED:
                self._trace_strided(function, x, output, args, kwargs)
            elif function in RESAMPLING:
                self._trace_resampling(RESAMPLING[function], x, output)
            elif getattr(function, "__name__", "") in FEATURES_LAST:
                for module in self.running:
                    module.feature_sizes.add(x.shape[-1])
        return output

    def _trace_strided(
        self, function: Callable, x: Tensor, output: Tensor, args: tuple, kwargs: dict
    ) -> None:
        kind, direction, *_ = STRIDED[function]
        stride = stride_argument(function, args, kwargs)
        stride = stride if isinstance(stride, int) else stride[-1]
        if kind == "stft":
            x = x.unsqueeze(-2)
            if not output.is_complex():  # torch's older format: (..., time, 2)
                output = torch.view_as_complex(output)
        elif kind == "istft":
            output = output.unsqueeze(-2)
        if stride > 1:
            self._report(kind, stride, direction, x, output)

    def _trace_resampling(self, kind: str, x: Tensor, output: Tensor) -> None:
        old, new = x.shape[-1], output.shape[-1]
        if x.dim() < 3 or x.dim() != output.dim() or old == new:
            return
        if new % old == 0:
            self._report(kind, new // old, "up", x, output)
        elif old % new == 0:
            self._report(kind, old // new, "down", x, output)

    def _report(self, kind: str, stride: int, direction: str, x: Tensor, output: Tensor) -> None:
        for module in self.running:
            module.has_reported_layer = True
        name = (self.running[-1].name if self.running else "") or kind
        self.names[name] += 1
        if self.names[name] > 1:
            name = f"{name} ({self.names[name]})"
        self.reporting = True
        try:
            self.on_layer(Layer(name, kind, stride, direction), _signal(x), _signal(output))
        finally:
            self.reporting = False


def _is_reshape(module: _Running, x: Tensor, output: Tensor) -> bool:
    if module.has_reported_layer or x.dim() != 3 or output.dim() < 3:
        return False
    old, new = x.shape[-1], output.shape[-1]
    # Another batch size means that chunks of a signal are joined, at the same rate.
    same_batch = len(x) == len(output)
    return same_batch and old not in module.feature_sizes and new > old and new % old == 0


def _signal(x: Tensor) -> Tensor:
    """Reshape ``(channels, time)`` or ``(batch, ..., time)`` to ``(batch, channels, time)``."""
    return x[None] if x.dim() == 2 else x.flatten(1, -2)
