"""Zero insertion followed by a convolution: the "stretch" layer of Pons et al. (2021)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.upsamplers.interpolation import InterpolationConvolution


class ZeroInsertionConvolution(InterpolationConvolution):
    """Inserts zeros between the samples, then applies a learnable convolution.

    Pons et al., "Upsampling layers for music source separation" (2021), call it a stretch layer.
    Only the learned convolution attenuates the spectral images. Each phase of the output uses
    every ``stride``-th weight: the layer is a transposed convolution, parameterized differently.

    An input sample stays in the center of the ``stride`` samples that it becomes (for even strides,
    the later of the two in the center)::

        stride 3:  0 a 0 0 b 0          stride 4:  0 0 a 0 0 0 b 0

    Shape:
        - Input: ``(batch, in_channels, time)``
        - Output: ``(batch, out_channels, time * stride)``

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Upsampling factor.
        length: Filter length of the convolution, at least ``stride``.
        bias: Whether to learn a bias per output channel.

    Raises:
        InputError: The filter is shorter than the stride: at some positions it would see
            inserted zeros only.

    Example:
        >>> import torch
        >>> layer = ZeroInsertionConvolution(1, 1, 2, length=9)
        >>> layer(torch.ones(1, 1, 4)).shape
        torch.Size([1, 1, 8])
        >>> layer.interpolate(torch.tensor([[[1.0, 2.0]]])).tolist()
        [[[0.0, 1.0, 0.0, 2.0]]]
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, *, length: int, bias: bool = True
    ):
        super().__init__(in_channels, out_channels, stride, length=length, bias=bias)
        if length < stride:
            raise InputError(
                f"length: {length} is shorter than stride {stride}: at some positions the filter "
                f"would see inserted zeros only; use {stride} or more"
            )

    def interpolate(self, x: Tensor) -> Tensor:
        before = self.stride // 2
        return F.pad(x.unsqueeze(-1), (before, self.stride - 1 - before)).flatten(-2)
