"""Subpixel convolution: a convolution and a periodic shuffle (section 4 of the paper)."""

from __future__ import annotations

import torch
from torch import Tensor

from upsampling_artifacts.upsamplers.base import (
    SameConvolution,
    Upsampler,
    check_initialization,
)
from upsampling_artifacts.upsamplers.low_pass import make_low_pass
from upsampling_artifacts.upsamplers.periodic_shuffle import periodic_shuffle


class SubpixelConvolution(Upsampler):
    """Computes all phases of the output by a convolution at the low rate and interleaves them.

    Neighboring output samples come from different filters and biases. The differences between
    their responses to a constant repeat every ``stride`` samples: a tone.

    Shape:
        - Input: ``(batch, in_channels, time)``
        - Output: ``(batch, out_channels, time * stride)``

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Upsampling factor.
        length: Filter length of the convolution (3 in the paper).
        bias: Whether to learn a bias per output channel and phase.
        initialization: ``default`` is torch's random initialization. ``icnr`` gives all phases of
            a channel the same random filter and bias (Aitken et al., "Checkerboard artifact free
            sub-pixel convolution", 2017): the layer starts as a convolution followed by
            nearest-neighbor interpolation.
        low_pass: Filter the output with a ``fixed`` or ``learnable`` low-pass
            (:mod:`upsamplers.low_pass`), or with ``none``.

    Raises:
        InputError: The initialization or the low-pass is unknown.

    Example:
        >>> layer = SubpixelConvolution(1, 1, 2, length=3, initialization="icnr")
        >>> y = layer(torch.ones(1, 1, 4))
        >>> y.shape
        torch.Size([1, 1, 8])
        >>> bool(torch.allclose(y[..., ::2], y[..., 1::2]))  # all phases are equal
        True
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        *,
        length: int,
        bias: bool = True,
        initialization: str = "default",
        low_pass: str = "none",
    ):
        super().__init__(in_channels, out_channels, stride, bias=bias)
        check_initialization(initialization, "default", "icnr")
        self.convolution = SameConvolution(in_channels, out_channels * stride, length, bias=bias)
        if initialization == "icnr":
            self._repeat_first_phase()
        self.low_pass = make_low_pass(low_pass, out_channels, stride)

    @torch.no_grad()
    def _repeat_first_phase(self) -> None:
        for parameter in self.convolution.parameters():
            parameter.copy_(parameter[:: self.stride].repeat_interleave(self.stride, dim=0))

    def forward(self, x: Tensor) -> Tensor:
        return self.low_pass(periodic_shuffle(self.convolution(x), self.stride))
