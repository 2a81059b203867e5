"""Transposed convolution (section 2 of the paper)."""

from __future__ import annotations

from torch import Tensor, nn

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.upsamplers.base import Upsampler, check_initialization


class TransposedConvolution(Upsampler):
    """Each input sample adds one scaled copy of the filter to the output, ``stride`` apart.

    Length and stride decide the overlap (figures 2 to 5 of the paper)::

        no overlap        length == stride
        partial overlap   length not a multiple of stride: the number of copies that
                          overlap varies from sample to sample, which is a tone by itself
        full overlap      length a multiple of stride

    A filter longer than the stride writes ``length - stride`` samples more than
    ``time * stride``. They are cut off, half from each end, so that a copy stays centred on
    the samples its input stands for.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Upsampling factor.
        length: Filter length, at least ``stride``. None: twice the stride, the full overlap of
            Demucs and MelGAN.
        bias: Whether to learn an offset per output channel.
        initialization: Of the weights. ``default`` is torch's, random; ``constant`` makes all
            of them one over ``in_channels``, so that each copy of the filter is the mean of
            the input channels: with one channel, the ones of the paper's figures 3 to 5.

    Raises:
        InputError: The filter is shorter than the stride: some output samples would never
            be written (the paper's "not desirable" case). Or the initialization is unknown.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        *,
        length: int | None = None,
        bias: bool = True,
        initialization: str = "default",
    ):
        super().__init__(in_channels, out_channels, stride, bias=bias)
        check_initialization(initialization, "default", "constant")
        length = 2 * stride if length is None else length
        if length < stride:
            raise InputError(
                f"length: {length} is shorter than stride {stride}, so some output samples "
                f"would never be written; use {stride} or more"
            )
        self.convolution = nn.ConvTranspose1d(in_channels, out_channels, length, stride, bias=bias)
        if initialization == "constant":
            nn.init.constant_(self.convolution.weight, 1 / in_channels)

    def forward(self, x: Tensor) -> Tensor:
        extra = self.convolution.kernel_size[0] - self.stride
        return self.convolution(x)[..., extra // 2 :][..., : x.shape[-1] * self.stride]

    @property
    def overlap(self) -> str:
        """``"no"``, ``"partial"`` or ``"full"``: the paper's three situations."""
        length = self.convolution.kernel_size[0]
        if length == self.stride:
            return "no"
        return "partial" if length % self.stride else "full"
