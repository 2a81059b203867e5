"""Nearest-neighbour interpolation + convolution (section 3 of the paper)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from upsampling_artifacts.upsamplers.base import SameConvolution, Upsampler


class NearestConvolution(Upsampler):
    """Every sample is repeated ``stride`` times, then a learnable convolution follows.

    Repeating is a rectangular filter: a sinc in the frequency domain, with zeros at the
    multiples of ``rate / stride``. The offsets that would become tones there are removed, and
    so is signal: the filtering artifact.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Upsampling factor.
        length: Filter length of the convolution (9 in the paper's figure 6).
        bias: Whether to learn an offset per output channel.
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, *, length: int, bias: bool = True
    ):
        super().__init__(in_channels, out_channels, stride, bias=bias)
        self.convolution = SameConvolution(in_channels, out_channels, length, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.convolution(F.interpolate(x, scale_factor=self.stride, mode="nearest"))
