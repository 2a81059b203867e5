"""The arrays that figures 2 to 8 of the paper show."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from upsampling_artifacts.artifacts.spectra import spectrogram_db
from upsampling_artifacts.data import signals
from upsampling_artifacts.data.excerpt import excerpt_music
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.models.stacks import RATE_HZ, build_stack, rates_hz

OVERLAPS = {  # stride and filter, by figure
    2: (3, [0.2, 0.3, -0.01]),
    3: (2, [1.0, 1.0, 1.0]),
    4: (1, [1.0, 1.0, 1.0]),
}
OVERLAP_INPUTS = 4

ONES_INPUTS = 10
ONES = [(8, 6, False), (8, 6, True), (8, 4, False), (8, 4, True)]  # length, stride, random

STACK_SECONDS = 3.0
STACK_ROWS = {  # stack and input of each row of figures 6 to 8
    "nearest_music": ("nearest", "music"),
    "linear_noise": ("linear", "noise"),
    "subpixel_ones": ("subpixel", "ones"),
    "transposed_ones": ("transposed_full", "ones"),
    "linear_alone_noise": ("linear_alone", "noise"),
}
# The same number of samples at every rate, as in the paper: each layer's spectrogram is as fine as
# its panel. Merging the bins of some layers would weaken their thin lines.
WINDOW_SAMPLES = 1024


def overlap_arrays(path: str | Path) -> None:
    """Save input, filter and output of transposed convolutions, aligned in time (figures 2 to 4).

    Args:
        path: Where to write (``.npz``). For each figure number n: ``n_stride``; ``n_filter``
            ``(length,)``; ``n_input`` ``(inputs,)``; ``n_copies`` ``(inputs, time)``, the copy
            of the filter that each input adds, NaN where it does not reach; ``n_output``
            ``(time,)``.
    """
    arrays: dict[str, ArrayLike] = {}
    for number, (stride, weights) in OVERLAPS.items():
        signal = np.ones(OVERLAP_INPUTS, np.float32)
        one_by_one = np.eye(OVERLAP_INPUTS, dtype=np.float32)
        copies = transpose_convolve(signal * one_by_one, np.array(weights), stride)
        reached = transpose_convolve(one_by_one, np.ones(len(weights)), stride) > 0
        arrays |= {
            f"{number}_stride": stride,
            f"{number}_filter": weights,
            f"{number}_input": signal,
            f"{number}_copies": np.where(reached, copies, np.nan),
            f"{number}_output": transpose_convolve(signal, np.array(weights), stride),
        }
    _save(path, arrays)


def ones_arrays(path: str | Path, seed: int = 0) -> None:
    """Save the outputs of transposed convolutions fed with ones (figure 5).

    Args:
        path: Where to write (``.npz``): ``lengths``, ``strides`` and ``random`` ``(cases,)``; for
            each case, ``output_<case>`` ``(time,)`` and ``boundary_<case>`` ``(time,)``: whether
            a sample differs from the layer's output in the middle of a long signal of ones.
        seed: Seeds the random filters.
    """
    lengths, strides, random = zip(*ONES, strict=True)
    arrays: dict[str, ArrayLike] = {"lengths": lengths, "strides": strides, "random": random}
    for case, (length, stride, is_random) in enumerate(ONES):
        weights = _random_filter(length, stride, seed) if is_random else np.ones(length)
        output = transpose_convolve(np.ones(ONES_INPUTS), weights, stride)
        long_output = transpose_convolve(np.ones(ONES_INPUTS + 2 * length), weights, stride)
        steady = long_output[length * stride :][: len(output)]
        arrays[f"output_{case}"] = output
        arrays[f"boundary_{case}"] = ~np.isclose(output, steady, rtol=0, atol=1e-6)
    _save(path, arrays)


def stack_arrays(path: str | Path, seed: int = 0) -> None:
    """Save spectrograms of the input and each layer of stacked upsamplers (figures 6 to 8).

    Args:
        path: Where to write (``.npz``): ``rates_hz`` ``(1 + layers,)``; for each row of
            ``STACK_ROWS`` and each layer n (0: the input), ``<row>_<n>_frequencies_hz``,
            ``<row>_<n>_times_seconds`` and ``<row>_<n>_db`` ``(frequency, time)``, levels re the
            maximum of the row's input.
        seed: Seeds the weights and the noise.
    """
    inputs = {
        "music": excerpt_music(RATE_HZ, 1, STACK_SECONDS),
        "noise": signals.white_noise(STACK_SECONDS, RATE_HZ, 1, seed),
        "ones": signals.ones(STACK_SECONDS, RATE_HZ, 1),
    }
    arrays: dict[str, ArrayLike] = {"rates_hz": rates_hz()}
    for row, (stack, signal) in STACK_ROWS.items():
        x = torch.from_numpy(inputs[signal])
        with torch.inference_mode():
            layers = [x, *(y[0] for y in build_stack(stack, seed)(x[None]))]
        spectrograms = [
            spectrogram_db(y.numpy(), rate_hz, WINDOW_SAMPLES / rate_hz)
            for y, rate_hz in zip(layers, rates_hz(), strict=True)
        ]
        reference_db = spectrograms[0][2].max()
        for index, (frequencies_hz, times_seconds, level_db) in enumerate(spectrograms):
            arrays |= {
                f"{row}_{index}_frequencies_hz": frequencies_hz,
                f"{row}_{index}_times_seconds": times_seconds,
                f"{row}_{index}_db": (level_db - reference_db).astype(np.float16),
            }
    _save(path, arrays)


def transpose_convolve(signal: np.ndarray, weights: np.ndarray, stride: int) -> np.ndarray:
    """Compute the untrimmed transposed convolution of one channel.

    :class:`TransposedConvolution` trims the ends, which these figures show, and refuses stride 1.

    Args:
        signal: ``(..., inputs)``.
        weights: ``(length,)``.
        stride: Distance between two copies of the filter, in samples.

    Returns:
        ``(..., (inputs - 1) * stride + length)``.
    """
    layer = nn.ConvTranspose1d(1, 1, len(weights), stride, bias=False, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weights))
        x = torch.from_numpy(signal.astype(np.float64)).reshape(-1, 1, signal.shape[-1])
        return layer(x).numpy().reshape(*signal.shape[:-1], -1)


def _random_filter(length: int, stride: int, seed: int) -> np.ndarray:
    """A filter as torch initializes it, ``(length,)``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layer = nn.ConvTranspose1d(1, 1, length, stride, bias=False)
    return layer.weight.detach().numpy().ravel().astype(np.float64)


def _save(path: str | Path, arrays: Mapping[str, Any]) -> None:
    with atomic_write(path) as unfinished:
        np.savez_compressed(unfinished, **arrays)
