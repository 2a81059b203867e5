"""Time and memory of single upsampling layers, plain and fused.

The rest of a network is the same for every upsampler, so layers are measured alone, with inputs
of the shapes that they have in a network. Timing is interleaved (:mod:`benchmarks.interleaved`).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from upsampling_artifacts.benchmarks.interleaved import (
    MIN_ROUNDS,
    machine_columns,
    quartiles,
    rounds,
    time_call,
)
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.models.build import build_layer
from upsampling_artifacts.progress import Progress
from upsampling_artifacts.upsamplers.fused import layers_with_choice

SECONDS_PER_SHAPE = 1.0
STRIDE = 4
LENGTHS = {"transposed": 8, "subpixel": 3, "nearest": 9, "linear": 9}
FUSED = ("nearest", "linear")

Layer = tuple[str, str]
"""Name of the upsampler, and its implementation."""

LAYERS: list[Layer] = [
    *((name, "plain") for name in LENGTHS),
    *((name, "fused") for name in FUSED),
]
REFERENCE: Layer = ("transposed", "plain")
DIRECTIONS = ("forward", "backward", "step", "inference")

Shape = tuple[int, int, int, int]
"""Input channels, output channels, input samples, batch size."""

DEMO_SHAPES: list[Shape] = [(128, 64, 32, 4), (64, 32, 125, 4), (32, 16, 500, 4), (16, 8, 2000, 4)]
"""The four decoder levels of the demonstration's network: one second at 8 kHz."""

WIDE_SHAPES: list[Shape] = [
    *((64, 64, samples, 4) for samples in (16, 64, 250, 1000)),
    # Longer ones take seconds per round, and repeat what these show.
    *((128, 128, samples, 4) for samples in (16, 64, 250)),
    *((256, 256, samples, 4) for samples in (16, 64)),
]
"""Shapes with little and with much arithmetic per weight."""

PAPER_SHAPES: list[Shape] = [
    (100 * 2**level, 50 * 2**level if level else 8, 441_000 // 4 ** (level + 1), 32)
    for level in reversed(range(6))
]
"""The six decoder levels of the full-size network: ten seconds at 44.1 kHz."""

COLUMNS = [
    "upsampler", "implementation", "c_in", "c_out", "time", "batch", "direction",
    "median_seconds", "low_quartile", "high_quartile", "ratio_to_transposed", "ratio_to_plain",
    "chosen", "saved_bytes", "saved_bytes_per_example", "device", "repeats", "threads", "cores",
    "load_average",
]  # fmt: skip


def measure_upsamplers(
    csv_path: str | Path,
    repeats: int = 15,
    shapes: list[Shape] | None = None,
    device: str | None = None,
) -> None:
    """Time each layer in each shape and write the table.

    The directions are ``forward`` and ``backward``, ``step`` (both), and ``inference`` (evaluation
    mode, without gradients).

    Args:
        csv_path: Where to write one row per layer, shape and direction, with the columns
            ``COLUMNS``. ``chosen``: whether ``implementation: auto`` chooses this one.
            ``saved_bytes`` is the memory that autograd keeps between forward and backward pass,
            without parameters; ``saved_bytes_per_example`` its growth per example of a batch.
        repeats: Maximum number of rounds; large layers get fewer.
        shapes: Input shapes; None for those of the demonstration's network and wider ones or, on a
            GPU, those of the paper's.
        device: ``cpu`` or ``cuda``; None for a GPU if the machine has one.
    """
    torch.set_num_threads(1)
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    default = PAPER_SHAPES if device == "cuda" else DEMO_SHAPES + WIDE_SHAPES
    rows = []
    progress = Progress(len(shapes or default), "measuring layers")
    for shape in shapes or default:
        rows += measure_shape(shape, repeats, device)
        progress.step()
    with atomic_write(csv_path) as unfinished:
        pd.DataFrame(rows, columns=COLUMNS).to_csv(unfinished, index=False, float_format="%.4g")


def measure_shape(shape: Shape, repeats: int, device: str) -> list[dict]:
    """Measure all layers in one shape.

    Args:
        shape: Shape of the input.
        repeats: Maximum number of rounds.
        device: ``cpu`` or ``cuda``.

    Returns:
        One row per layer and direction, with the columns ``COLUMNS``.
    """
    c_in, c_out, samples, batch = shape
    torch.manual_seed(0)
    layers = {key: build(*key, c_in, c_out).to(device) for key in LAYERS}
    x = torch.randn(batch, c_in, samples, device=device, requires_grad=True)
    gradient = torch.randn(batch, c_out, samples * STRIDE, device=device)

    def time_layers() -> dict[Layer, dict[str, float]]:
        return {key: time_layer(layer, x, gradient) for key, layer in layers.items()}

    time_layers()  # warm-up: allocates memory, fills caches
    min_rounds = min(MIN_ROUNDS, repeats)
    measured = [time_layers() for _ in rounds(SECONDS_PER_SHAPE, min_rounds, repeats)]
    columns: dict[str, object] = {
        "c_in": c_in, "c_out": c_out, "time": samples, "batch": batch,
        "repeats": len(measured), **machine_columns(device),
    }  # fmt: skip
    rows = []
    for key, layer in layers.items():
        name, implementation = key
        saved = saved_bytes(layer, x)
        columns["saved_bytes"] = saved
        columns["saved_bytes_per_example"] = (
            saved_bytes(layer, torch.cat([x, x])) - saved
        ) // batch
        for direction in DIRECTIONS:
            seconds, reference, plain = (
                np.array([times[compared][direction] for times in measured])
                for compared in (key, REFERENCE, (name, "plain"))
            )
            low, median, high = quartiles(seconds)
            rows.append(
                {
                    **columns,
                    "upsampler": name,
                    "implementation": implementation,
                    "direction": direction,
                    "median_seconds": median,
                    "low_quartile": low,
                    "high_quartile": high,
                    "ratio_to_transposed": np.median(seconds / reference),
                    "ratio_to_plain": np.median(seconds / plain),
                    "chosen": is_chosen(key, x, c_out, training=direction != "inference"),
                }
            )
    return rows


def build(name: str, implementation: str, c_in: int, c_out: int) -> nn.Module:
    """Build a layer by its name and implementation."""
    upsampler: dict[str, object] = {"name": name, "length": LENGTHS[name]}
    if name in FUSED:
        upsampler["implementation"] = implementation
    return build_layer(upsampler, c_in, c_out, STRIDE)


def is_chosen(key: Layer, x: Tensor, c_out: int, training: bool) -> bool:
    """Whether ``implementation: auto`` chooses this implementation for this input.

    Args:
        key: The layer.
        x: Input, ``(batch, channels, time)``.
        c_out: Number of output channels.
        training: Whether the layer is in training mode, with gradients.
    """
    name, implementation = key
    if name not in FUSED:
        return True
    [layer] = layers_with_choice(build(name, "auto", x.shape[1], c_out).train(training))
    with torch.set_grad_enabled(training):
        return layer.is_fused(x) == (implementation == "fused")


def time_layer(layer: nn.Module, x: Tensor, gradient: Tensor) -> dict[str, float]:
    """Time one call in each direction.

    The first of two calls is warm-up: another layer ran before, so the caches hold neither these
    weights nor memory of these sizes.

    Args:
        layer: The layer; its weights do not change.
        x: Input, ``(batch, channels, time)``, which requires a gradient, as inside a network.
        gradient: Gradient of the loss re the output, in the shape of the output.

    Returns:
        Seconds by direction.
    """
    inputs = [x, *layer.parameters()]
    layer.train()
    for _ in range(2):
        forward, y = time_call(lambda: layer(x))
        backward, _ = time_call(partial(torch.autograd.grad, y, inputs, gradient))
    layer.eval()
    with torch.no_grad():
        for _ in range(2):
            inference, _ = time_call(lambda: layer(x))
    return dict(zip(DIRECTIONS, (forward, backward, forward + backward, inference), strict=True))


def saved_bytes(layer: nn.Module, x: Tensor) -> int:
    """Count the bytes that autograd keeps after a forward pass, without the parameters.

    Args:
        layer: The layer.
        x: Input, ``(batch, channels, time)``.
    """
    parameters = {parameter.untyped_storage().data_ptr() for parameter in layer.parameters()}
    saved: dict[int, int] = {}
    held = []  # keeps the storages alive, so that no two share a data pointer

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            saved[storage.data_ptr()] = storage.nbytes()
            held.append(tensor)
        return tensor

    layer.train()
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        layer(x)
    return sum(saved.values())
