"""Probing one model: known signals in, its artifacts out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn

from upsampling_artifacts.artifacts.boundary import boundary_samples
from upsampling_artifacts.artifacts.layer_measures import LayerMeasures
from upsampling_artifacts.artifacts.layers import Layer, tone_strides, trace_layers
from upsampling_artifacts.artifacts.measures_table import COLUMNS
from upsampling_artifacts.artifacts.measuring import NO_FREQUENCY, measure_output, predicted_tones
from upsampling_artifacts.artifacts.spectra import spectrogram_db
from upsampling_artifacts.separation import overlap_add

OUTPUT = "output"


@dataclass(frozen=True)
class Probe:
    """What was found in one model.

    Attributes:
        measures: The columns ``COLUMNS``; ``layer`` is "output" for the model's own output.
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
) -> Probe:
    """Measure what a model makes of each signal, at its output and inside.

    Args:
        model: From ``(batch, channels, time)`` to ``(batch, ..., time)``, in evaluation mode.
        test_signals: By name, ``(channels, time)`` float32, in the network's units.
        rate_hz: Sampling rate of the output.
        chunk: Work through a signal in overlapping chunks of this many samples, as a trained
            model does when it separates. A tone of the last layers has the same phase in every
            chunk if half of one is a multiple of their strides. None: in one piece.
    """
    rows: list[tuple] = []
    arrays: dict[str, np.ndarray] = {"rate_hz": np.array(rate_hz)}
    layers: list[Layer] = []
    for name, signal in test_signals.items():
        inside = LayerMeasures()
        with trace_layers(model, inside):
            output = run(model, signal, chunk)
        layers = list(inside.layers.values())
        strides = tone_strides(layers)
        same_rate = output.shape[-1] == signal.shape[-1]
        found = measure_output(output, rate_hz, strides, signal if same_rate else None)
        rows += [(name, OUTPUT, *row) for row in found]
        rows += [(name, *row) for row in inside.rows()]
        if same_rate:
            start, end = _boundaries(model, signal, output, layers, chunk)
            rows.append((name, OUTPUT, "boundary_start", NO_FREQUENCY, start, "samples"))
            rows.append((name, OUTPUT, "boundary_end", NO_FREQUENCY, end, "samples"))
        arrays["frequencies_hz"], arrays["times_seconds"], level_db = spectrogram_db(
            output, rate_hz
        )
        arrays[f"{name}_db"] = level_db.astype(np.float16)
        arrays["tones_hz"] = predicted_tones(rate_hz, strides[:1])
    return Probe(pd.DataFrame(rows, columns=COLUMNS), arrays, layers)


@torch.inference_mode()
def run(model: nn.Module, signal: np.ndarray, chunk: int | None = None) -> np.ndarray:
    """The model's output for ``(channels, time)``, all its channels and sources as channels."""
    tensor = torch.from_numpy(signal)
    output = overlap_add(model, tensor, chunk) if chunk else model(tensor[None])[0]
    return output.reshape(-1, output.shape[-1]).float().numpy()


def _boundaries(
    model: nn.Module,
    signal: np.ndarray,
    output: np.ndarray,
    layers: list[Layer],
    chunk: int | None,
) -> tuple[float, float]:
    """Feed the middle alone, and count where it comes out other than in mid-signal.

    The cut is at a multiple of all strides down, so that nothing else changes.
    """
    down = [layer for layer in layers if layer.direction == "down"]
    convolutions = math.prod(layer.stride for layer in down if layer.kind != "stft")
    grid = math.lcm(convolutions, *(layer.stride for layer in down if layer.kind == "stft"))
    third = signal.shape[-1] // 3 // grid * grid
    if not third:
        return NO_FREQUENCY, NO_FREQUENCY
    middle = slice(third, 2 * third)
    alone = run(model, signal[:, middle], chunk)
    return boundary_samples(alone, output[:, middle])
