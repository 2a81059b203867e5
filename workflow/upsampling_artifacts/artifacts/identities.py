"""What the paper says of overlap (section 2) and interpolation (sections 3 and 5), as identities.

They are theorems, so they are checked in float64, where only rounding may separate the two sides.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from upsampling_artifacts.artifacts.filtering import stack_response_db


def overlap_error(seed: int, length: int, stride: int) -> float:
    """Largest difference between the response to ones and the number of overlapping filters.

    The filter of the transposed convolution is constant, so each output sample is that constant
    times the number of filters that overlap there.

    Args:
        seed: Seed of the constant.
        length: Filter length.
        stride: Upsampling factor.

    Returns:
        Absolute difference re the constant, in float64.

    Example:
        >>> overlap_error(seed=0, length=3, stride=2) < 1e-14
        True
    """
    constant = torch.randn(1, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    time = 2 * length
    ones = torch.ones(1, 1, time, dtype=torch.float64)
    response = F.conv_transpose1d(ones, constant.expand(1, 1, length), stride=stride)
    return float((response[0, 0] / constant - overlap(time, length, stride)).abs().max())


def overlap(time: int, length: int, stride: int) -> Tensor:
    """Number of filters of a transposed convolution that overlap at each output sample.

    Filter ``i`` covers the samples from ``i * stride`` to ``i * stride + length - 1``. If the
    length is a multiple of the stride (full overlap), the number is constant but for the
    ``length - stride`` samples at either end. Otherwise (partial overlap) it alternates, which is
    a tone.

    Args:
        time: Number of input samples.
        length: Filter length.
        stride: Upsampling factor.

    Returns:
        ``((time - 1) * stride + length,)``, float64: no sample is cropped.

    Example:
        >>> overlap(time=4, length=4, stride=2).tolist()
        [1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0]
        >>> overlap(time=4, length=3, stride=2).tolist()
        [1.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 1.0]
    """
    samples = torch.arange((time - 1) * stride + length, dtype=torch.float64)
    latest = torch.floor(samples / stride).clamp(max=time - 1)
    earliest = torch.ceil((samples - length + 1) / stride).clamp(min=0)
    return latest - earliest + 1


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
    interpolated = _interpolate(x, kind, stride)
    stretched = torch.zeros(1, 1, 200 * stride, dtype=torch.float64)
    stretched[..., ::stride] = x
    kernel = interpolation_kernel(kind, stride)
    left = stride - 1 if kind == "nearest" else stride + (stride - 1) // 2
    filtered = F.conv1d(F.pad(stretched, (left, len(kernel))), kernel[None, None])
    inner = slice(2 * stride, -2 * stride)
    return float((interpolated - filtered[..., : 200 * stride])[..., inner].abs().max())


def frequency_response_error(kind: str, stride: int, layers: int = 1) -> float:
    """Largest difference between the response of stacked interpolations and its closed form.

    The response is the Fourier transform of an interpolated impulse. For the closed form see
    :func:`filtering.interpolation_response_db` and :func:`filtering.stack_response_db`.

    Args:
        kind: "nearest" or "linear".
        stride: Upsampling factor of each layer.
        layers: Number of interpolations in a row.

    Returns:
        Absolute difference between magnitudes that are 1 at 0 Hz, in float64.

    Example:
        >>> frequency_response_error("linear", stride=2, layers=3) < 1e-14
        True
    """
    signal = torch.zeros(1, 1, 9, dtype=torch.float64)
    signal[..., 4] = 1
    for _ in range(layers):
        signal = _interpolate(signal, kind, stride)
    impulse_response = signal[0, 0].numpy()
    response = np.abs(np.fft.rfft(impulse_response)) / stride**layers
    frequencies = np.fft.rfftfreq(len(impulse_response))
    closed_form_db = stack_response_db([kind] * layers, stride, frequencies, rate_hz=1.0)
    return float(np.max(np.abs(response - 10 ** (closed_form_db / 20))))


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


def _interpolate(x: Tensor, kind: str, stride: int) -> Tensor:
    options = {} if kind == "nearest" else {"align_corners": False}
    return F.interpolate(x, scale_factor=stride, mode=kind, **options)
