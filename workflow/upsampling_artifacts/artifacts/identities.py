"""The identity of section 3: interpolation is zero insertion followed by a fixed filter.

It is a theorem, so it is checked in float64, where only rounding may separate the two sides.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def zero_insertion_error(kind: str, seed: int, stride: int) -> float:
    """Largest difference between an interpolation and zero insertion followed by its filter.

    Both upsample 200 samples of white noise. The ends are left out: there the interpolation
    repeats the first and last samples, whereas the filter sees zeros.

    Args:
        kind: "nearest" or "linear".
        seed: Seed of the noise.
        stride: Upsampling factor.

    Returns:
        Absolute difference for noise of unit variance, in float64.

    Example:
        >>> zero_insertion_error("linear", seed=0, stride=4) < 1e-14
        True
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
    """The fixed filter of an interpolation (section 3 of the paper).

    Nearest-neighbor interpolation holds each input sample for ``stride`` samples: a rectangle.
    Linear interpolation is a triangle that falls to zero at the next input sample. With
    ``align_corners=False``, the output samples are the centers of ``stride`` equal parts of an
    input period, so an even stride samples the triangle half a sample off its peak.

    Args:
        kind: "nearest" or "linear".
        stride: Upsampling factor.

    Returns:
        ``(time,)``, float64.

    Example:
        >>> interpolation_kernel("nearest", 3).tolist()
        [1.0, 1.0, 1.0]
        >>> interpolation_kernel("linear", 2).tolist()
        [0.25, 0.75, 0.75, 0.25]
    """
    if kind == "nearest":
        return torch.ones(stride, dtype=torch.float64)
    shift = 0.5 if stride % 2 == 0 else 0.0
    positions = torch.arange(-stride, stride, dtype=torch.float64) + shift
    return 1 - positions.abs() / stride
