"""The base class of upsamplers that interpolate (section 3 of the paper)."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor, nn

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.upsamplers.base import SameConvolution, Upsampler


class InterpolationConvolution(Upsampler):
    """An interpolation, followed by a learnable convolution at the high rate.

    Shape:
        - Input: ``(batch, in_channels, time)``
        - Output: ``(batch, out_channels, time * stride)``

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Upsampling factor.
        length: Filter length of the convolution (9 in figure 6 of the paper). None: the
            interpolation alone, for networks that bring their own convolution.
        bias: Whether to learn a bias per output channel.

    Raises:
        InputError: ``length`` is None, but the numbers of channels differ.
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
                f"length: null means no convolution, so {in_channels} channels cannot become "
                f"{out_channels}; set a filter length"
            )
        self.convolution: SameConvolution | nn.Identity = (
            nn.Identity()
            if length is None
            else SameConvolution(in_channels, out_channels, length, bias=bias)
        )

    @abstractmethod
    def interpolate(self, x: Tensor) -> Tensor:
        """Upsample each channel of ``(batch, channels, time)`` to ``time * stride`` samples."""

    def forward(self, x: Tensor) -> Tensor:
        return self.convolution(self.interpolate(x))
