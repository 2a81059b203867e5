"""Probing one model: known signals in, its artifacts out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn

from upsampling_artifacts.artifacts.boundary import boundary_samples
from upsampling_artifacts.artifacts.measures import (
    NO_FREQUENCY,
    measure_input,
    measure_output,
    predicted_tones,
)
from upsampling_artifacts.artifacts.spectra import spectrogram_db
from upsampling_artifacts.models.overlap_add import overlap_add
from upsampling_artifacts.probes.layer_measures import LayerMeasures
from upsampling_artifacts.probes.layer_tracer import Layer, OnLayer, tone_strides, trace_layers
from upsampling_artifacts.probes.measures_table import COLUMNS

INPUT, OUTPUT = "input", "output"


@dataclass(frozen=True)
class Probe:
    """What was found in one model.

    Attributes:
        measures: The columns ``COLUMNS``; ``layer`` is "output" for the model's own output,
            "input" for what it was fed with.
        arrays: ``rate_hz``, ``tones_hz`` and the spectrograms ``frequencies_hz``,
            ``times_seconds`` and, for each signal, ``<signal>_db`` ``(frequency, time)``.
        layers: The layers that change the rate, in the order they run.
    """

    measures: pd.DataFrame
    arrays: dict[str, np.ndarray]
    layers: list[Layer]


def probe_model(
    model: nn.Module,
    test_signals: dict[str, np.ndarray],
    rate_hz: int,
    chunk: int | None = None,
    strides_without_layers: Sequence[int] = (),
) -> Probe:
    """Measure what a model makes of each signal, at its output and inside.

    Args:
        model: From ``(batch, channels, time)`` to ``(batch, ..., time)``, in evaluation mode.
        test_signals: By name, ``(channels, time)`` float32, in the network's units.
        rate_hz: Sampling rate of the output.
        chunk: Work through each signal in overlapping chunks of this many samples, as a trained
            model does when it separates. A tone of the last layers has the same phase in every
            chunk if half of one is a multiple of their strides. None: in one piece, signals of
            equal length as one batch.
        strides_without_layers: Where to look for lines, as products of strides, in a model that
            has no upsampling layer to predict them from. Empty: nowhere.
    """
    rows: list[tuple] = []
    arrays: dict[str, np.ndarray] = {"rate_hz": np.array(rate_hz)}
    layers: list[Layer] = []
    for names in _batches(test_signals, single=chunk is not None):
        batch = np.stack([test_signals[name] for name in names])
        inside = LayerMeasures(names)
        outputs = run(model, batch, chunk, inside)
        layers = list(inside.layers.values())
        strides = tone_strides(layers) or list(strides_without_layers)
        same_rate = outputs.shape[-1] == batch.shape[-1]
        ends = _boundaries(model, batch, outputs, layers, chunk) if same_rate else {}
        for index, name in enumerate(names):
            input = batch[index] if same_rate else None
            rows += [
                (name, OUTPUT, *row)
                for row in measure_output(outputs[index], rate_hz, strides, input)
            ]
            if input is not None:
                rows += [(name, INPUT, *row) for row in measure_input(input, rate_hz, strides)]
            rows += [
                (name, OUTPUT, f"boundary_{end}", NO_FREQUENCY, samples[index], "samples")
                for end, samples in ends.items()
            ]
            rows += [(name, *row) for row in inside.rows(name)]
            arrays["frequencies_hz"], arrays["times_seconds"], level_db = spectrogram_db(
                outputs[index], rate_hz
            )
            arrays[f"{name}_db"] = level_db.astype(np.float16)
        arrays["tones_hz"] = predicted_tones(rate_hz, strides)
    return Probe(pd.DataFrame(rows, columns=COLUMNS), arrays, layers)


def _batches(test_signals: dict[str, np.ndarray], single: bool) -> list[list[str]]:
    """Names of signals that can go through a model together."""
    if single:
        return [[name] for name in test_signals]
    by_shape: dict[tuple, list[str]] = {}
    for name, signal in test_signals.items():
        by_shape.setdefault(signal.shape, []).append(name)
    return list(by_shape.values())


@torch.inference_mode()
def run(
    model: nn.Module,
    batch: np.ndarray,
    chunk: int | None = None,
    on_layer: OnLayer = lambda *_: None,
) -> np.ndarray:
    """The model's outputs, all its channels and sources as channels.

    It is always traced, for a traced layer interpolates, then convolves: done in one
    (upsamplers/fused.py), phases are rounded differently, and a constant becomes a tone of -136 dB.

    Args:
        model: As for :func:`probe_model`.
        batch: ``(batch, channels, time)``; of one signal if there are chunks.
        chunk: As for :func:`probe_model`.
        on_layer: As for :func:`trace_layers`.

    Returns:
        ``(batch, channels, time)`` float32.
    """
    tensor = torch.from_numpy(batch)
    with trace_layers(model, on_layer):
        output = overlap_add(model, tensor[0], chunk)[None] if chunk else model(tensor)
    return output.reshape(len(batch), -1, output.shape[-1]).float().numpy()


def _boundaries(
    model: nn.Module,
    batch: np.ndarray,
    outputs: np.ndarray,
    layers: list[Layer],
    chunk: int | None,
) -> dict[str, list[float]]:
    """Feed the middle alone, and count where it comes out other than in mid-signal.

    The cut is at a multiple of all strides down, so that nothing else changes.

    Returns:
        ``start`` and ``end``: samples of each signal; nothing if the signals are too short.
    """
    down = [layer for layer in layers if layer.direction == "down"]
    convolutions = math.prod(layer.stride for layer in down if layer.kind != "stft")
    grid = math.lcm(convolutions, *(layer.stride for layer in down if layer.kind == "stft"))
    third = batch.shape[-1] // 3 // grid * grid
    if not third:
        return {}
    middle = slice(third, 2 * third)
    alone = run(model, np.ascontiguousarray(batch[..., middle]), chunk)
    ends = [
        boundary_samples(short, long[:, middle]) for short, long in zip(alone, outputs, strict=True)
    ]
    return {"start": [start for start, _ in ends], "end": [end for _, end in ends]}
