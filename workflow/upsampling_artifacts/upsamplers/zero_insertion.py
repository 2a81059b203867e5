"""Zero insertion ("stretch") + convolution."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.upsamplers.interpolation import InterpolationConvolution


class ZeroInsertionConvolution(InterpolationConvolution):
    """Zeros are put between the samples, then a learnable convolution fills them in.

    The stretch layer of Pons et al., "Upsampling layers for music source separation" (2021).
    Nothing filters the replicas but what the convolution learns, and each phase of the output
    meets every ``stride``-th weight only: at random, a transposed convolution by another name.
    A sample keeps the place in the middle of those it becomes (for even strides the later of the
    two)::

        stride 3:  0 a 0 0 b 0          stride 4:  0 0 a 0 0 0 b 0

    Raises:
        InputError: The filter is shorter than the stride: some of its positions would meet
            nothing but zeros.
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, *, length: int, bias: bool = True
    ):
        super().__init__(in_channels, out_channels, stride, length=length, bias=bias)
        if length < stride:
            raise InputError(
                f"length: {length} is shorter than stride {stride}, so the filter would often "
                f"meet nothing but zeros; use {stride} or more"
            )

    def interpolate(self, x: Tensor) -> Tensor:
        before = self.stride // 2
        return F.pad(x.unsqueeze(-1), (before, self.stride - 1 - before)).flatten(-2)
