"""Interpolation is zero insertion and a fixed filter (section 3), to the last bits of float64."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def zero_insertion_error(kind: str, seed: int, stride: int) -> float:
    """Largest difference between an interpolation and zero insertion + a fixed filter (section 3).

    In float64, on white noise, away from the borders, where an interpolation holds the end
    samples and a filter sees zeros.

    Args:
        kind: "nearest" (a filter of ones) or "linear" (a triangle).
        seed: Of the noise.
        stride: Upsampling factor.
    """
    x = torch.randn(1, 1, 200, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    options = {} if kind == "nearest" else {"align_corners": False}
    interpolated = F.interpolate(x, scale_factor=stride, mode=kind, **options)
    stretched = torch.zeros(1, 1, 200 * stride, dtype=torch.float64)
    stretched[..., ::stride] = x
    kernel = interpolation_kernel(kind, stride)
    left = stride - 1 if kind == "nearest" else stride + (stride - 1) // 2
    filtered = F.conv1d(F.pad(stretched, (left, len(kernel))), kernel[None, None])
    inner = slice(2 * stride, -2 * stride)
    return float((interpolated - filtered[..., : 200 * stride])[..., inner].abs().max())


def interpolation_kernel(kind: str, stride: int) -> Tensor:
    """The fixed filter of an interpolation, ``(time,)`` float64.

    Nearest: every inserted sample is held for ``stride`` samples. Linear: a triangle that falls
    from one input sample to the next; with ``align_corners=False`` the outputs lie at the
    middles of ``stride`` equal parts, so an even stride samples it half a sample off its peak.
    """
    if kind == "nearest":
        return torch.ones(stride, dtype=torch.float64)
    off = 0.5 if stride % 2 == 0 else 0.0
    positions = torch.arange(-stride, stride, dtype=torch.float64) + off
    return 1 - positions.abs() / stride
