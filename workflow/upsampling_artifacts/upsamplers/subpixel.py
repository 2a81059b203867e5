"""Subpixel convolution with periodic shuffle (section 4 of the paper)."""

from __future__ import annotations

import torch
from torch import Tensor

from upsampling_artifacts.upsamplers.base import (
    SameConvolution,
    Upsampler,
    check_initialization,
)
from upsampling_artifacts.upsamplers.periodic_shuffle import periodic_shuffle


class SubpixelConvolution(Upsampler):
    """A convolution at the low rate makes all phases of the output, which are then shuffled.

    Neighbouring output samples come from different filters (and biases): whatever their
    responses to a constant differ by repeats every ``stride`` samples, as a tone.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Upsampling factor.
        length: Filter length of the convolution (3 in the paper).
        bias: Whether to learn an offset per output channel and phase.
        initialization: Of weights and biases. ``default`` is torch's, random; ``icnr`` gives all
            phases of a channel the same random filter and bias (Aitken et al., "Checkerboard
            artifact free sub-pixel convolution", 2017), so that the layer begins as a
            convolution followed by nearest-neighbour interpolation.

    Raises:
        InputError: The initialization is unknown.
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
    ):
        super().__init__(in_channels, out_channels, stride, bias=bias)
        check_initialization(initialization, "default", "icnr")
        self.convolution = SameConvolution(in_channels, out_channels * stride, length, bias=bias)
        if initialization == "icnr":
            self._repeat_first_phase()

    @torch.no_grad()
    def _repeat_first_phase(self) -> None:
        for parameter in self.convolution.parameters():
            parameter.copy_(parameter[:: self.stride].repeat_interleave(self.stride, dim=0))

    def forward(self, x: Tensor) -> Tensor:
        return periodic_shuffle(self.convolution(x), self.stride)
