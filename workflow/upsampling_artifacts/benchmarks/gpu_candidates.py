"""What may make training faster on a GPU, timed in turns with what the library does.

Nothing here is used elsewhere. On an idle GPU,

    python -m upsampling_artifacts.benchmarks.gpu_candidates FOLDER

writes ``frame_products.csv`` and ``replayed_steps.csv`` there. Keep what wins.

**Frame products.** In full-size networks, a quarter of a step goes into converting the layout of
tensors between (batch, channels, time), and what cuDNN computes in. A convolution of length
``2 * stride`` needs none of that: with tensors ``(batch, time, channels)``, a frame of ``stride``
samples is a row of a matrix. Each output sample is a product of two neighboring frames with the two
halves of the filter; a transposed convolution is the same in reverse.

**Replayed steps.** With ``training.cuda_graphs``, a step of a small network no longer waits for its
kernels to be launched. How much longer does a step with interpolation then take?
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from upsampling_artifacts.benchmarks.interleaved import (
    machine_columns,
    quartiles,
    time_interleaved,
)
from upsampling_artifacts.benchmarks.step_comparison import (
    Candidate,
    Columns,
    Setting,
    compare_steps,
    start,
)
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.training.cuda_graphs import WARM_UP_STEPS
from upsampling_artifacts.training.options import TrainingOptions

STRIDE = 4
FULL_SIZE = [(100 * 2**level, 441_000 // STRIDE ** (level + 1), 32) for level in range(5)]
"""Channels, samples at the low rate and examples: levels of the paper's network with batches of 32
segments of 10 s. Each convolution leads to twice as many channels, or comes from them."""

MEDIUM_SIZE = TrainingOptions(
    epochs=1, batch_size=16, segment_seconds=4.0, stride_seconds=1.0, shift_seconds=0.0,
    remix_group=1, learning_rate=5e-4, validate_every_epochs=1, accelerator="cuda",
    precision="bf16-mixed",
)  # fmt: skip
LENGTHS = {"transposed": 8, "subpixel": 3, "nearest": 9, "linear": 9}


def strided_convolution(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """A convolution of length ``2 * stride`` as one product of frames.

    Args:
        x: ``(batch, time, in_channels)``; ``time`` is a multiple of the stride.
        weight: ``(out_channels, in_channels, 2 * stride)``, as of ``nn.Conv1d``.
        bias: ``(out_channels,)``.

    Returns:
        ``(batch, time / stride, out_channels)``: what a padding of ``stride / 2`` gives.
    """
    stride = weight.shape[-1] // 2
    padded = F.pad(x, (0, 0, stride // 2, stride - stride // 2))
    frames = padded.unflatten(1, (-1, stride)).flatten(2)
    # Rows: output channels for the earlier frame, then for the later one.
    halves = weight.unflatten(2, (2, stride)).permute(2, 0, 3, 1).flatten(2).flatten(0, 1)
    earlier, later = F.linear(frames, halves).chunk(2, dim=-1)
    return earlier[:, :-1] + later[:, 1:] + bias


def transposed_convolution(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """A transposed convolution of length ``2 * stride`` as one product of frames.

    Args:
        x: ``(batch, time, in_channels)``.
        weight: ``(in_channels, out_channels, 2 * stride)``, as of ``nn.ConvTranspose1d``.
        bias: ``(out_channels,)``.

    Returns:
        ``(batch, time * stride, out_channels)``: what a padding of ``stride / 2`` gives.
    """
    stride = weight.shape[-1] // 2
    halves = weight.unflatten(2, (2, stride)).permute(2, 3, 1, 0).flatten(1, 2).flatten(0, 1)
    earlier, later = F.linear(x, halves).chunk(2, dim=-1)
    frames = F.pad(earlier, (0, 0, 0, 1)) + F.pad(later, (0, 0, 1, 0))
    samples = frames.unflatten(2, (stride, -1)).flatten(1, 2)
    return samples[:, stride // 2 :][:, : x.shape[1] * stride] + bias


def measure_frame_products(
    csv_path: str | Path,
    shapes: list[tuple[int, int, int]] = FULL_SIZE,
    device: str = "cuda",
    seconds: float = 5.0,
) -> None:
    """Time forward and backward pass of both convolutions, as torch's and as products of frames.

    Args:
        csv_path: Where to write one row per shape and layer. ``ratio``: time of the product of
            frames re torch's convolution, within rounds.
        shapes: Channels, samples at the low rate, and examples.
        device: ``cpu`` or ``cuda``.
        seconds: For each shape and layer.
    """
    rows = []
    for channels, samples, batch in shapes:
        weight, bias = torch.randn(2 * channels, channels, 2 * STRIDE), torch.randn(2 * channels)
        fine, coarse = (batch, samples * STRIDE, channels), (batch, samples, 2 * channels)
        padding = STRIDE // 2
        down = partial(F.conv1d, stride=STRIDE, padding=padding)
        up = partial(F.conv_transpose1d, stride=STRIDE, padding=padding)
        for layer, shape, in_frames, in_torch, layer_bias in (
            ("strided", fine, strided_convolution, down, bias),
            ("transposed", coarse, transposed_convolution, up, bias[:channels]),
        ):
            # Each in its own layout, so neither converts anything that a network would not.
            x = torch.randn(shape)
            runs = {
                name: _forward_and_backward(function, values, weight, layer_bias, device)
                for name, function, values in (
                    ("torch", in_torch, x.transpose(1, 2).contiguous()),
                    ("frames", in_frames, x),
                )
            }
            timed = time_interleaved(runs, seconds)
            low, ratio, high = quartiles(timed["frames"] / timed["torch"])
            rows.append(
                {"layer": layer, "channels": channels, "samples": samples, "batch": batch}
                | {f"{name}_seconds": quartiles(values)[1] for name, values in timed.items()}
                | {"ratio": ratio, "ratio_low_quartile": low, "ratio_high_quartile": high}
                | machine_columns(device)
            )
    _write(csv_path, rows)


def measure_replayed_steps(
    csv_path: str | Path,
    options: TrainingOptions = MEDIUM_SIZE,
    network: dict | None = None,
    rate_hz: int = 44100,
    seconds: float = 5.0,
) -> None:
    """Time training steps re those with transposed convolutions: usual ones, and replayed ones.

    Args:
        csv_path: Where to write one row per upsampler, for usual and for replayed steps.
        options: Training options; by default those of ``config/one_gpu.yaml``.
        network: Options of the Demucs-like network; None: those of ``config/one_gpu.yaml``.
        rate_hz: Sampling rate.
        seconds: For each upsampler.
    """
    network = network or {"channels": 32, "depth": 6}
    rows: list[Columns] = []
    for replayed in (False, True):
        settings = {
            name: Setting(
                {
                    "architecture": "demucs",
                    "options": network,
                    "upsampler": {"name": name, "length": length},
                },
                TrainingOptions(**vars(options) | {"cuda_graphs": replayed}),
                n_sources=4,
                rate_hz=rate_hz,
            )
            for name, length in LENGTHS.items()
        }
        measured = compare_steps(settings, _begin, {}, "ratio_to_transposed", seconds, "upsamplers")
        rows += [
            {"upsampler": name, "replayed": replayed, **columns}
            for name, by_implementation in measured.items()
            for columns in by_implementation.values()
        ]
    _write(csv_path, rows)


def _begin(_: str, setting: Setting) -> Candidate:
    """Start a model, and take the steps before the first replay."""
    candidate = start(setting)
    for _step in range(WARM_UP_STEPS + 1):
        candidate.step()
    return candidate


def _forward_and_backward(
    function: Callable[[Tensor, Tensor, Tensor], Tensor],
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    device: str,
) -> Callable[[], None]:
    """A function that runs both passes in bfloat16, as autocast does."""
    x, weight, bias = (
        tensor.to(device).requires_grad_() for tensor in (x.bfloat16(), weight, bias)
    )
    with torch.no_grad(), torch.autocast(device, torch.bfloat16):
        gradient = torch.randn_like(function(x, weight, bias))

    def run() -> None:
        with torch.autocast(device, torch.bfloat16):
            y = function(x, weight, bias)
        torch.autograd.grad(y, [x, weight, bias], gradient)

    return run


def _write(csv_path: str | Path, rows: list[Columns]) -> None:
    with atomic_write(csv_path) as unfinished:
        pd.DataFrame(rows).to_csv(unfinished, index=False, float_format="%.4g")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    measure_frame_products(folder / "frame_products.csv")
    measure_replayed_steps(folder / "replayed_steps.csv")
