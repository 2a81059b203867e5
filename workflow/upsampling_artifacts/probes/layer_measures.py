"""Measure the outputs of the rate-changing layers inside a model while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from upsampling_artifacts.artifacts.spectral_images import replica_level_db
from upsampling_artifacts.probes.layer_tracer import Layer

MAX_CHANNELS = 64
"""This many channels of a hidden layer are enough for its spectrum."""

MIN_SAMPLES = 64
"""A shorter input is too short for the spectrum of a layer."""


class LayerMeasures:
    """Measures the output of each rate-changing layer.

    Serves as the callback of :func:`layer_tracer.trace_layers`. A layer that runs several times (in
    a model that processes chunks) is measured over all its runs.

    Args:
        signals: Names of the test signals in each batch, one per item. A single name stands
            for all items.

    Attributes:
        layers: The layers by name, in the order in which they first ran.
    """

    def __init__(self, signals: list[str]):
        self.signals = signals
        self.layers: dict[str, Layer] = {}
        self._sums: dict[tuple[str, str], _Sums] = {}

    def __call__(self, layer: Layer, input: Tensor, output: Tensor) -> None:
        self.layers.setdefault(layer.name, layer)
        items = [output.detach()] if len(self.signals) == 1 else output.detach().split(1)
        if len(items) != len(self.signals):  # the model has folded another axis into its batch
            return
        for name, item in zip(self.signals, items, strict=True):
            self._add(name, layer, item.flatten(0, -2))

    def _add(self, name: str, layer: Layer, signal: Tensor) -> None:
        stride = layer.stride if layer.direction == "up" else 1
        time = signal.shape[-1] // stride * stride
        if not time or signal.is_complex():
            return
        phases = signal[:, :time].reshape(len(signal), -1, stride).double()
        sums = self._sums.setdefault((name, layer.name), _Sums(stride))
        sums.add(phases.mean(1).numpy(), phases.square().mean(1).numpy())
        if stride > 1 and time >= MIN_SAMPLES * stride:
            channels = signal[:: -(-len(signal) // MAX_CHANNELS)].float().numpy()
            sums.image_levels_db.append(replica_level_db(channels, 1.0, stride))

    def rows(self, signal: str) -> list[tuple[str, str, float, float, str]]:
        """The measures for one test signal, over all layers.

        ``offset_level`` is the mean energy per channel at 0 Hz. ``offset_replica_level`` is the
        energy at all multiples of rate / stride re that at 0 Hz: how much of the DC offset, or of
        the bias that the layer adds, has become a tone.

        Args:
            signal: Name of the test signal.

        Returns:
            Rows ``(layer, measure, frequency_hz, value, unit)``.
        """
        return [
            (name, measure, np.nan, value, "dB")
            for name in self.layers
            if (signal, name) in self._sums
            for measure, value in self._sums[signal, name].values_db().items()
        ]


@dataclass
class _Sums:
    """Sums over the channels and runs of one layer.

    Attributes:
        stride: Number of phases.
        n: Number of channels, over all runs.
        offsets: Sum of the channels' squared means.
        tones: Sum over channels of the variance of their phase means.
        phase_power: Sum of the channels' mean squares, per phase.
        image_levels_db: Spectral image level of each run.
    """

    stride: int
    n: int = 0
    offsets: float = 0.0
    tones: float = 0.0
    phase_power: np.ndarray | float = 0.0
    image_levels_db: list[float] = field(default_factory=list)

    def add(self, means: np.ndarray, squares: np.ndarray) -> None:
        """Add one run: mean and mean square of each channel and phase, ``(channels, phases)``."""
        self.n += len(means)
        self.offsets += float(np.sum(means.mean(axis=1) ** 2))
        self.tones += float(np.sum(means.var(axis=1)))
        self.phase_power = self.phase_power + squares.sum(axis=0)

    def values_db(self) -> dict[str, float]:
        values = {"offset_level": decibels(self.offsets / self.n)}
        if self.stride > 1:
            power = np.asarray(self.phase_power)
            values["offset_replica_level"] = decibels(_ratio(self.tones, self.offsets))
            values["polyphase_mean_spread"] = decibels(_ratio(self.tones, float(power.mean())))
            values["polyphase_power_spread"] = decibels(
                _ratio(float(power.max()), float(power.min()))
            )
            if self.image_levels_db:
                values["replica_level"] = float(np.mean(self.image_levels_db))
        return values


def _ratio(numerator: float, denominator: float) -> float:
    return float(numerator / denominator) if denominator > 0 else np.nan


def decibels(power: float) -> float:
    """A power in dB; -inf for zero."""
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(power))
