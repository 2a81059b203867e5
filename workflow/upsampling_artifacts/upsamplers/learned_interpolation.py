"""Learned interpolation + convolution (Wave-U-Net)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upsampling_artifacts.upsamplers.interpolation import InterpolationConvolution


class LearnedInterpolationConvolution(InterpolationConvolution):
    """Samples stay; what stands between two of them is a learnt mixture of both.

    Stoller et al., "Wave-U-Net" (2018), upsample x2: the sample between ``x[n]`` and ``x[n + 1]``
    is ``s x[n] + (1 - s) x[n + 1]``, with ``s = sigmoid(theta)`` for each channel. Here each of the
    ``stride - 1`` samples between two neighbours has a ``theta`` of its own, which is the same for
    stride 2 and holds for every other. It begins as linear interpolation; whatever is learnt, a
    constant stays constant, so that no tone comes of it.

    A sample keeps the place in the middle of those it becomes (for even strides the later of the
    two); the end samples are held beyond the borders.

    Attributes:
        theta: ``(in_channels, stride - 1)``.
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, *, length: int, bias: bool = True
    ):
        super().__init__(in_channels, out_channels, stride, length=length, bias=bias)
        share = torch.arange(1, stride) / stride
        self.theta = nn.Parameter(torch.logit(1 - share).repeat(in_channels, 1))

    def interpolate(self, x: Tensor) -> Tensor:
        held = F.pad(x, (1, 1), mode="replicate").unsqueeze(-1)
        here, following = held[:, :, :-1], held[:, :, 1:]
        share = torch.sigmoid(self.theta).unsqueeze(1)
        between = share * here + (1 - share) * following
        # From the sample before the first to the last one, each with those that follow it.
        samples = torch.cat([here, between], dim=-1).flatten(-2)
        first = self.stride - self.stride // 2
        return samples[..., first : first + x.shape[-1] * self.stride]
