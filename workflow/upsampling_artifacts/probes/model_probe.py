"""Probe one model: test signals in, measured artifacts out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

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
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.overlap_add import overlap_add
from upsampling_artifacts.probes.layer_measures import LayerMeasures
from upsampling_artifacts.probes.layer_tracer import (
    Layer,
    OnLayer,
    find_layers,
    tone_strides,
    trace_layers,
)
from upsampling_artifacts.probes.measures_table import COLUMNS

INPUT, OUTPUT = "input", "output"

Trace = Callable[[nn.Module, OnLayer], AbstractContextManager[None]]
"""A context manager like :func:`layer_tracer.trace_layers`."""


@dataclass(frozen=True)
class ProbeResult:
    """The measured artifacts of one model.

    Attributes:
        measures: A table with the columns :data:`measures_table.COLUMNS`. ``layer`` is "output" for
            the model's output, "input" for the test signal, else the name of a rate-changing layer.
        arrays: ``rate_hz``, ``tones_hz``, and the spectrograms: ``frequencies_hz``,
            ``times_seconds`` and, for each test signal, ``<signal>_db`` ``(frequency, time)``.
        layers: The rate-changing layers, in the order they run.
        outputs: The measured outputs by test signal, ``(channels, time)``; sources and channels are
            one axis.
        left_out: Why, by measure, some could not run.
    """

    measures: pd.DataFrame
    arrays: dict[str, np.ndarray]
    layers: list[Layer]
    outputs: dict[str, np.ndarray]
    left_out: dict[str, str] = field(default_factory=dict)


def probe_model(
    model: nn.Module,
    test_signals: dict[str, np.ndarray],
    rate_hz: float,
    chunk: int | None = None,
    fallback_strides: Sequence[int] = (),
    *,
    multiple: int = 1,
    edge: int = 0,
    as_it_runs: bool = False,
    unit_rms_db_spl: float | None = None,
    prominence_ratio: bool = True,
    known_layers: list[Layer] | None = None,
    trace: Trace = trace_layers,
) -> ProbeResult:
    """Feed test signals to a model and measure its output and its rate-changing layers.

    Args:
        model: From ``(batch, channels, time)`` to ``(batch, ..., time)``, in evaluation mode.
        test_signals: By name, ``(channels, time)`` float32, scaled as the network expects.
        rate_hz: Sampling rate of the output.
        chunk: Process each signal in overlapping chunks of this many samples, as separation does.
            A tone of the last layers has the same phase in every chunk if half a chunk is a
            multiple of their strides. None: process signals in one piece, those of equal shape as
            one batch.
        fallback_strides: For a model without upsampling layers, the products of strides at whose
            frequencies lines are measured. Empty: at none.
        multiple: The model takes inputs as long as a multiple of this.
        edge: Samples at either end of input and output that are not measured: there, the network
            sees the zeros beyond its input.
        as_it_runs: Run the model without tracing its layers, because a traced layer that
            interpolates and convolves in one step takes two. Its layers and boundaries are then
            not measured.
        unit_rms_db_spl: Sound pressure level at which a signal of RMS 1 is played, for the
            threshold in quiet. None: masking alone decides what is audible.
        prominence_ratio: As for :func:`measures.measure_output`.
        known_layers: The rate-changing layers, if they are known; None: those that are found.
        trace: Reports these layers as the model runs.

    Returns:
        The measures, the spectrograms, the rate-changing layers and the outputs.

    Raises:
        InputError: An output is too short to be measured.
    """
    rows: list[tuple] = []
    arrays: dict[str, np.ndarray] = {"rate_hz": np.array(rate_hz)}
    layers: list[Layer] = []
    outputs: dict[str, np.ndarray] = {}
    left_out: dict[str, str] = {}
    for names in _batches(test_signals, single=chunk is not None):
        batch = np.stack([test_signals[name] for name in names])
        ran = (
            _run_as_it_is(model, batch, chunk)
            if as_it_runs
            else _trace(model, names, batch, chunk, multiple, known_layers, trace)
        )
        layers = ran.layers
        left_out |= ran.left_out
        strides = tone_strides(layers) or list(fallback_strides)
        same_rate = ran.outputs.shape[-1] == batch.shape[-1]
        measured = slice(edge, -edge or None)
        for index, name in enumerate(names):
            outputs[name] = output = ran.outputs[index, :, measured]
            input = batch[index, :, measured] if same_rate else None
            rows += [
                (name, OUTPUT, *row)
                for row in measure_output(
                    output, rate_hz, strides, input, unit_rms_db_spl, prominence_ratio
                )
            ]
            if input is not None:
                rows += [(name, INPUT, *row) for row in measure_input(input, rate_hz, strides)]
            rows += [
                (name, OUTPUT, f"boundary_{end}", NO_FREQUENCY, samples[index], "samples")
                for end, samples in ran.boundaries.items()
            ]
            rows += [(name, *row) for row in ran.layer_measures.rows(name)]
            arrays["frequencies_hz"], arrays["times_seconds"], level_db = spectrogram_db(
                output, rate_hz
            )
            arrays[f"{name}_db"] = level_db.astype(np.float16)
        arrays["tones_hz"] = predicted_tones(rate_hz, strides)
    return ProbeResult(pd.DataFrame(rows, columns=COLUMNS), arrays, layers, outputs, left_out)


@dataclass(frozen=True)
class _Run:
    """What a model made of one batch; boundaries and layer measures only if it was traced."""

    outputs: np.ndarray
    layers: list[Layer]
    layer_measures: LayerMeasures
    boundaries: dict[str, list[float]]
    left_out: dict[str, str] = field(default_factory=dict)


def _trace(
    model: nn.Module,
    names: list[str],
    batch: np.ndarray,
    chunk: int | None,
    multiple: int,
    known_layers: list[Layer] | None,
    trace: Trace,
) -> _Run:
    layer_measures = LayerMeasures(names)
    outputs = run(model, batch, chunk, layer_measures, trace)
    layers = list(layer_measures.layers.values()) if known_layers is None else known_layers
    boundaries, left_out = {}, {}
    if outputs.shape[-1] == batch.shape[-1]:
        try:
            boundaries = _boundaries(model, batch, outputs, layers, chunk, multiple)
        except InputError as error:  # a user-supplied model does not run with a third of the input
            left_out["boundary artifacts"] = str(error)
    return _Run(outputs, layers, layer_measures, boundaries, left_out)


def _run_as_it_is(model: nn.Module, batch: np.ndarray, chunk: int | None) -> _Run:
    # One chunk is enough to find the layers.
    layers = find_layers(model, torch.from_numpy(batch[..., :chunk]))
    return _Run(run(model, batch, chunk), layers, LayerMeasures([]), {})


def _batches(test_signals: dict[str, np.ndarray], single: bool) -> list[list[str]]:
    """The names of the signals, grouped into batches of equal shape."""
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
    on_layer: OnLayer | None = None,
    trace: Trace = trace_layers,
) -> np.ndarray:
    """Run a model; the sources and channels of its output become one axis.

    Args:
        model: As for :func:`probe_model`.
        batch: ``(batch, channels, time)`` float32; with chunks, a batch of one.
        chunk: As for :func:`probe_model`.
        on_layer: As for :func:`layer_tracer.trace_layers`. None: the model is not traced.
        trace: As for :func:`probe_model`.

    Returns:
        ``(batch, channels, time)`` float32.
    """
    tensor = torch.from_numpy(batch)
    with trace(model, on_layer) if on_layer else nullcontext():
        output = overlap_add(model, tensor[0], chunk)[None] if chunk else model(tensor)
    return output.reshape(len(batch), -1, output.shape[-1]).float().numpy()


def _boundaries(
    model: nn.Module,
    batch: np.ndarray,
    outputs: np.ndarray,
    layers: list[Layer],
    chunk: int | None,
    multiple: int,
) -> dict[str, list[float]]:
    """Measure boundary artifacts: run the middle third alone, and compare it with the full run.

    The cuts are at multiples of all downsampling strides, so that nothing else changes.

    Returns:
        ``start`` and ``end``: samples that differ, per signal.

    Raises:
        InputError: The signals are too short, or the model does not run with the middle third.
    """
    third = boundary_segment(batch.shape[-1], layers, multiple)
    middle = slice(third, 2 * third)
    # Traced, as the full run was: nothing else may change.
    alone = run(model, np.ascontiguousarray(batch[..., middle]), chunk, lambda *_: None)
    ends = [
        boundary_samples(short, long[:, middle]) for short, long in zip(alone, outputs, strict=True)
    ]
    return {"start": [start for start, _ in ends], "end": [end for _, end in ends]}


def boundary_segment(samples: int, layers: list[Layer], multiple: int = 1) -> int:
    """Length of the segment that is run alone to measure boundary artifacts: a third.

    Args:
        samples: Length of the input.
        layers: The rate-changing layers of the model.
        multiple: As for :func:`probe_model`.

    Returns:
        Samples; a multiple of all downsampling strides.

    Raises:
        InputError: The input is too short.
    """
    grid = math.lcm(multiple, _frame_samples(layers))
    third = samples // 3 // grid * grid
    if not third:
        raise InputError(f"a third of the input is shorter than {grid} samples, the shortest part")
    return third


def _frame_samples(layers: list[Layer]) -> int:
    """Samples of the input, at the rate of the output, that keep all frames whole."""
    down = [layer for layer in layers if layer.direction == "down"]
    if any(layer.period for layer in layers):
        return math.lcm(*(layer.period * layer.stride for layer in down if layer.period))
    convolutions = math.prod(layer.stride for layer in down if layer.kind != "stft")
    return math.lcm(convolutions, *(layer.stride for layer in down if layer.kind == "stft"))
