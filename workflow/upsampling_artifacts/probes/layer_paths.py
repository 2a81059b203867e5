"""Rates along the paths of a network: which layers change them, and which tones reach the output.

The model runs twice, with a shorter and a longer input. In each run, every call of a torch function
is recorded, with the calls that made its arguments. An axis that is longer in the second run is
time, wherever it is in the shape; how much longer, compared with the input, is its rate. This
*growth rule* finds each change of rate, whatever function makes it, and nothing else: the hidden
size of an LSTM, the frequencies of a spectrum and the window of a transform do not grow.

The recorder is in :mod:`probes.call_recorder`, the rule in :mod:`probes.rate_analysis`; here, the
changes of rate become layers, if they reach the output.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction

import torch
from torch import Tensor, nn

from upsampling_artifacts.probes.call_recorder import (
    FOREIGN,
    Call,
    Place,
    Recorder,
    Running,
    Watcher,
    tensors,
)
from upsampling_artifacts.probes.layer_tracer import RESAMPLING, STRIDED, Layer, OnLayer
from upsampling_artifacts.probes.rate_analysis import Change, RateAnalysis


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
        recorder = Recorder(model, example)
        output = recorder.run(model, example)
        runs.append((recorder, output))
    (recorder, output), (other, other_output) = runs
    analysis = RateAnalysis(recorder, other, output, other_output)
    reach = _Reach(analysis)
    layers = _Layers(analysis.output_rate)
    for change in sorted(analysis.changes, key=lambda change: change.call):
        call = analysis.calls[change.call]
        reaches = reach.reaches_output(change.call, change)
        if reaches or call.function in STRIDED or call.function in RESAMPLING:
            layers.add(change, call, analysis.states[change.call].axis, reaches)
        # else it is a reshape for a mean, say
    unseen = [
        (analysis.calls[index].place.module, ratio)
        for index, ratio in analysis.unseen
        if reach.reaches_output(index)
    ]
    return LayerPaths(list(layers.layers.values()), layers.by_place(), unseen)


class _Reporter(Watcher):
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
        outputs = list(tensors(args[0] if name == "__setitem__" else output))
        if outputs:
            place = self.place(name)
            if place in self.places:
                layer, axis = self.places[place]
                x = next(tensors([args, kwargs]))
                self.on_layer(layer, _signal(x, -1), _signal(outputs[0], axis))
        return output

    def on_leave(self, finished: Running, output: object) -> None:
        place = self.place(FOREIGN, finished)
        if place in self.places and finished.inputs:
            layer, axis = self.places[place]
            self.on_layer(
                layer, _signal(finished.inputs[0], -1), _signal(next(tensors(output)), axis)
            )


def _signal(x: Tensor, axis: int) -> Tensor:
    """Any tensor as ``(batch, channels, time)``; its axis of time is counted from the end."""
    x = x.movedim(axis, -1) if x.dim() else x.view(1)
    return x[None, None] if x.dim() == 1 else x.unsqueeze(1).flatten(1, -2)


class _Layers:
    """The layers of a model: repeated changes of rate by one layer count as its calls."""

    def __init__(self, output_rate: Fraction | None):
        self.output_rate = output_rate
        self.layers: dict[tuple, Layer] = {}
        self.places: dict[tuple, list[tuple[Place, int]]] = {}
        self.names: Counter[str] = Counter()

    def add(self, change: Change, call: Call, axis: int | None, reaches: bool) -> None:
        """Add a change of rate, as a new layer or as another call of a known one.

        Args:
            change: The change.
            call: The call that made it.
            axis: The axis of time in the call's output, counted from the end; None for a chunk.
            reaches: Whether its tones can reach the output.
        """
        same = (call.place.module, change.kind, change.stride, change.direction, change.mode,
                change.rate_in, call.weight)  # fmt: skip
        if layer := self.layers.get(same):
            self.layers[same] = replace(
                layer,
                calls=layer.calls + 1,
                reaches_output=layer.reaches_output or reaches,
            )
        else:
            self.layers[same] = Layer(
                self._name(change, call), change.kind, change.stride, change.direction, change.mode,
                reaches_output=reaches, period=self._period(change),
            )  # fmt: skip
        self.places.setdefault(same, []).append((call.place, -1 if axis is None else axis))

    def _name(self, change: Change, call: Call) -> str:
        name = call.place.module or change.kind
        self.names[name] += 1
        return f"{name} ({self.names[name]})" if self.names[name] > 1 else name

    def _period(self, change: Change) -> int | None:
        if not self.output_rate:
            return None
        period = self.output_rate / change.rate_in
        return int(period) if period.denominator == 1 else None

    def by_place(self) -> dict[Place, tuple[Layer, int]]:
        """The layer at each place, and the axis of time in its output."""
        return {
            place: (layer, axis)
            for same, layer in self.layers.items()
            for place, axis in self.places[same]
        }


class _Reach:
    """What can reach the output of a model."""

    def __init__(self, analysis: RateAnalysis):
        self.analysis = analysis
        self.children: dict[int, list[int]] = {}
        for index, call in enumerate(analysis.calls):
            if index in analysis.states:
                for parent in call.parents:
                    self.children.setdefault(parent, []).append(index)

    def reaches_output(self, start: int, change: Change | None = None) -> bool:
        """Whether the output of a call, or the tones of a layer, can reach the model's output.

        Tones are at multiples of the rate of the layer's input. A decimation to this rate, or to an
        integer part of it, turns them into an offset: so an activation that is oversampled and
        decimated makes none.
        """
        output_call = self.analysis.output_call
        if output_call is None:
            return True
        seen, waiting = {start}, [start]
        while waiting:
            index = waiting.pop()
            if index == output_call:
                return True
            opaque = [other for other in self.analysis.is_opaque if other > index]
            for child in [*self.children.get(index, []), *opaque]:
                if child not in seen and not (change and self._folds_down(child, change)):
                    seen.add(child)
                    waiting.append(child)
        return False

    def _folds_down(self, index: int, change: Change) -> bool:
        call, states = self.analysis.calls[index], self.analysis.states
        if change.direction == "down" or not call.decimates:
            return False
        source = self.analysis.source(call)
        rate = states[index].rate
        slows_down = source is not None and rate < states[source].rate
        return slows_down and (change.rate_in / rate).denominator == 1
