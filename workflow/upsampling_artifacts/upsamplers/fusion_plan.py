"""The constants of a fused interpolation and convolution; :mod:`fused` derives them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor


@dataclass(frozen=True)
class Plan:
    """The constants of a fused layer, which depend on interpolation, stride and filter length.

    Attributes:
        transform: ``(stride, length, taps)``, from a filter to its fused filter, by phase.
        basis: ``(taps, max(2, 2 * taps - 3))``, from a filter of samples to one of differences and
            samples in turn.
        middle: Index of the middle sample among the latter.
        padding: Zeros on either side of the low-rate input.
        first: First sample of the shuffled phases that is needed.
        margin: Samples needed beyond each end of the output for smoothing.
        height: Height of the box and of the bias before smoothing.
        start: ``(length, samples)``, from a filter to the correction of the first output samples,
            per unit of the first input sample; no samples for nearest neighbor.
        end: The same for the last samples.
    """

    transform: Tensor
    basis: Tensor
    middle: int
    padding: int
    first: int
    margin: int
    height: float
    start: Tensor
    end: Tensor

    @property
    def stride(self) -> int:
        """Upsampling factor."""
        return len(self.transform)


@cache
def plan_fusion(
    smoothing: tuple[float, ...],
    stride: int,
    length: int,
    dtype: torch.dtype,
    device: torch.device,
) -> Plan:
    """Compute the constants of a layer; the module's docstring derives them.

    Args:
        smoothing: The filter ``g`` up to a factor, of odd length; ``(1.0,)`` for nearest neighbor.
        stride: Upsampling factor.
        length: Filter length of the convolution.
        dtype: Type of the constants, which are computed in float64.
        device: Device of the constants.

    Returns:
        The constants, the same object for the same arguments.

    Example:
        >>> plan = plan_fusion((1.0,), 4, 9, torch.float32, torch.device("cpu"))
        >>> plan.transform.shape  # 4 phases of 3 taps: 12 products instead of 36
        torch.Size([4, 9, 3])
    """
    before, after = (length - 1) // 2, length // 2  # samples of w around the output sample
    margin = len(smoothing) // 2
    height = 1 / sum(smoothing)  # smoothing adds without scaling
    response = np.convolve(smoothing, [height] * stride)

    def box(m: int) -> float:
        return height if 0 <= m < stride else 0.0

    def h(m: int) -> float:
        return response[m + margin] if 0 <= m + margin < len(response) else 0.0

    # Where v begins. If its taps leave room for zeros before it, the phases start at 0.
    begin, support = -after, stride + length - 1
    taps = max(2, -(-support // stride))  # differences of neighbors need two
    if begin % stride <= taps * stride - support:
        begin -= begin % stride
    phase = -(-begin % stride)
    latest = (phase - begin) // stride
    earliest = latest - taps + 1
    transform = [
        [
            [box(p - stride * e + k - before) for e in range(earliest, latest + 1)]
            for k in range(length)
        ]
        for p in range(phase, phase + stride)
    ]
    blocks_before, blocks_after = -(-(phase + margin) // stride), -(-(margin - phase) // stride)
    padding = max(blocks_before - earliest, latest + blocks_after)

    # Filters of differences and samples in turn: x[1] - x[0], x[1], x[2] - x[1], x[2], ...
    center = taps // 2
    basis = np.zeros((taps, max(2, 2 * taps - 3)))
    basis[:, 2 * center - 1] = 1
    for e in range(1, taps):
        if e > center:
            basis[e:, 2 * e - 2] = 1
        else:
            basis[:e, 2 * e - 2] = -1

    # Corrections of u by sample, counted from the first sample of the first or last input sample.
    at_start = {m: h(m + stride) if m >= 0 else -h(m) for m in range(-margin, margin)}
    at_end = {
        m: h(m - stride) if m < stride else -h(m) for m in range(stride - margin, stride + margin)
    }
    n_start, n_end = (before + margin, after + margin) if margin else (0, 0)

    def borders(corrections: dict[int, float], samples: range) -> list[list[float]]:
        return [[corrections.get(n + k - before, 0.0) for n in samples] for k in range(length)]

    def constant(values: ArrayLike) -> Tensor:
        return torch.tensor(np.array(values), dtype=torch.float64).to(device, dtype)

    with torch.inference_mode(False):  # the cached constants must also serve later training
        return Plan(
            transform=constant(transform),
            basis=constant(basis),
            middle=2 * center - 1,
            padding=padding,
            first=(padding + earliest) * stride - phase - margin,
            margin=margin,
            height=height,
            start=constant(borders(at_start, range(n_start))),
            end=constant(borders(at_end, range(stride - n_end, stride))),
        )
