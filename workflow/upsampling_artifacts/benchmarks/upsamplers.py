"""How long upsampling layers take, as two layers and as one, and what they keep for gradients.

The network's other layers are the same whatever the upsampler, so layers are measured alone, each
in the shapes that it meets. All of them take turns (:mod:`benchmarks.turns`).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from upsampling_artifacts.benchmarks.interleaved import (
    FEWEST,
    quartiles,
    surroundings,
    timed,
    turns,
)
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.models.build import build_layer
from upsampling_artifacts.progress import Progress
from upsampling_artifacts.upsamplers.base import Upsampler

SECONDS_PER_SHAPE = 2.0
STRIDE = 4
LENGTHS = {"transposed": 8, "subpixel": 3, "nearest": 9, "linear": 9}
FUSED = ("nearest", "linear")
LAYERS = [(name, "plain") for name in LENGTHS] + [(name, "fused") for name in FUSED]
REFERENCE = ("transposed", "plain")
DIRECTIONS = ("forward", "backward", "step", "inference")

Shape = tuple[int, int, int, int]
"""Channels in, channels out, samples in, batch."""

DEMO_SHAPES: list[Shape] = [(128, 64, 32, 4), (64, 32, 125, 4), (32, 16, 500, 4), (16, 8, 2000, 4)]
"""The four levels of the demonstration's network: one second at 8 kHz."""

WIDE_SHAPES: list[Shape] = [
    *((width, width, samples, 4) for width in (64, 128) for samples in (16, 64, 250, 1000)),
    *((256, 256, samples, 4) for samples in (16, 64, 250)),  # the next one takes a minute
]
"""Where there is little and where there is much to do per weight."""

PAPER_SHAPES: list[Shape] = [
    (100 * 2**level, 50 * 2**level if level else 8, 441_000 // 4 ** (level + 1), 32)
    for level in reversed(range(6))
]
"""The six levels of the full-size network: ten seconds at 44.1 kHz."""

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
    """Time each layer in each shape and write what came out.

    The directions are ``forward`` and ``backward``, ``step`` (both), and ``inference``, in
    evaluation mode without gradients.

    Args:
        csv_path: Where to; one row per layer, shape and direction with the columns ``COLUMNS``.
            ``chosen`` says whether ``implementation: auto`` is this one.
            ``saved_bytes`` is what lies in memory between forward and backward, beside parameters;
            ``saved_bytes_per_example`` how much more of it there is per example of a batch.
        repeats: How many turns at most; of large layers fewer.
        shapes: None: those of the demonstration's network and wider ones; on a GPU, the paper's.
        device: ``cpu`` or ``cuda``; None: a GPU if there is one.
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
    """The rows of one shape."""
    c_in, c_out, samples, batch = shape
    torch.manual_seed(0)
    layers = {key: build(key, c_in, c_out).to(device) for key in LAYERS}
    x = torch.randn(batch, c_in, samples, device=device, requires_grad=True)
    gradient = torch.randn(batch, c_out, samples * STRIDE, device=device)

    def take_turn(_: int) -> dict[tuple[str, str], dict[str, float]]:
        return {key: time_layer(layer, x, gradient) for key, layer in layers.items()}

    take_turn(0)  # makes and loads what the others find
    measured = [*map(take_turn, turns(SECONDS_PER_SHAPE, min(FEWEST, repeats), repeats))]
    about = {
        "c_in": c_in, "c_out": c_out, "time": samples, "batch": batch,
        "repeats": len(measured), **surroundings(device),
    }  # fmt: skip
    rows = []
    for key, layer in layers.items():
        saved = saved_bytes(layer, x)
        about["saved_bytes"] = saved
        about["saved_bytes_per_example"] = (saved_bytes(layer, torch.cat([x, x])) - saved) // batch
        for direction in DIRECTIONS:
            seconds, reference, plain = (
                np.array([turn[which][direction] for turn in measured])
                for which in (key, REFERENCE, (key[0], "plain"))
            )
            low, median, high = quartiles(seconds)
            rows.append(
                {
                    **about,
                    "upsampler": key[0],
                    "implementation": key[1],
                    "direction": direction,
                    "median_seconds": median,
                    "low_quartile": low,
                    "high_quartile": high,
                    "ratio_to_transposed": np.median(seconds / reference),
                    "ratio_to_plain": np.median(seconds / plain),
                    "chosen": is_chosen(key, x, c_out, trained=direction != "inference"),
                }
            )
    return rows


def build(key: tuple[str, str], c_in: int, c_out: int) -> Upsampler:
    """A layer by its name and implementation."""
    name, implementation = key
    upsampler = {"name": name, "length": LENGTHS[name]}
    if name in FUSED:
        upsampler["implementation"] = implementation
    return cast(Upsampler, build_layer(upsampler, c_in, c_out, STRIDE))


def is_chosen(key: tuple[str, str], x: Tensor, c_out: int, trained: bool) -> bool:
    """Whether ``implementation: auto`` means this one, for this input."""
    if key[0] not in FUSED:
        return True
    layer = build((key[0], "auto"), x.shape[1], c_out).train(trained)
    with torch.set_grad_enabled(trained):
        return layer.is_fused(x) == (key[1] == "fused")


def time_layer(layer: Upsampler, x: Tensor, gradient: Tensor) -> dict[str, float]:
    """Seconds of one call, by direction; after one that is not counted, for a layer that comes
    after another one finds neither its weights in the cache nor memory of its sizes.

    Args:
        layer: What to run; its weights stay as they are.
        x: Its input, ``(batch, channels, time)``, with a gradient as inside a network.
        gradient: Of the output, of its shape.
    """
    inputs = [x, *layer.parameters()]
    layer.train()
    for _ in range(2):
        forward, y = timed(lambda: layer(x))
        backward, _ = timed(partial(torch.autograd.grad, y, inputs, gradient))
    layer.eval()
    with torch.no_grad():
        for _ in range(2):
            inference, _ = timed(lambda: layer(x))
    return dict(zip(DIRECTIONS, (forward, backward, forward + backward, inference), strict=True))


def saved_bytes(layer: Upsampler, x: Tensor) -> int:
    """What autograd keeps of a forward pass, beside the parameters."""
    parameters = {parameter.untyped_storage().data_ptr() for parameter in layer.parameters()}
    saved: dict[int, int] = {}
    held = []  # so that no two of them lie at the same address

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
