"""What the interpolation upsamplers share (section 3 of the paper)."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor, nn

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.upsamplers.base import SameConvolution, Upsampler


class InterpolationConvolution(Upsampler):
    """A fixed interpolation, then a learnable convolution at the high rate.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Upsampling factor.
        length: Filter length of the convolution (9 in the paper's figure 6). None: there is
            none, and nothing to learn; for a network with a convolution of its own after it.
        bias: Whether to learn an offset per output channel.

    Raises:
        InputError: Without a convolution, the number of channels cannot change.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        *,
        length: int | None,
        bias: bool = True,
    ):
        super().__init__(in_channels, out_channels, stride, bias=bias)
        if length is None and in_channels != out_channels:
            raise InputError(
                f"length: null leaves the interpolation alone, which cannot make {out_channels} "
                f"channels of {in_channels}; give the convolution a length"
            )
        self.convolution = (
            nn.Identity()
            if length is None
            else SameConvolution(in_channels, out_channels, length, bias=bias)
        )

    @abstractmethod
    def interpolate(self, x: Tensor) -> Tensor:
        """Raise the rate of each channel: ``(batch, channels, time * stride)``."""

    def forward(self, x: Tensor) -> Tensor:
        return self.convolution(self.interpolate(x))
