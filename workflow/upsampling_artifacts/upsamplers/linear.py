"""Linear interpolation + convolution (section 3 of the paper)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from upsampling_artifacts.upsamplers.base import SameConvolution, Upsampler


class LinearConvolution(Upsampler):
    """Samples are joined by straight lines, then a learnable convolution follows.

    The straight lines are a triangular filter: a squared sinc in the frequency domain, which
    takes more of the high end than nearest-neighbour interpolation does. The end samples are
    held beyond the borders (``align_corners=False``), so every stride centres its output.

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
        lines = F.interpolate(x, scale_factor=self.stride, mode="linear", align_corners=False)
        return self.convolution(lines)
