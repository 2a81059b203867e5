"""Learned interpolation followed by a convolution, after Wave-U-Net (Stoller et al. 2018)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upsampling_artifacts.upsamplers.interpolation import InterpolationConvolution


class LearnedInterpolationConvolution(InterpolationConvolution):
    """Keeps the input samples and learns the weights that interpolate between neighbors.

    Stoller et al. upsample by 2: the sample between ``x[n]`` and ``x[n + 1]`` is
    ``s x[n] + (1 - s) x[n + 1]`` with a learned ``s = sigmoid(theta)`` per channel. We generalize
    to any stride: each of the ``stride - 1`` samples between two neighbors has its own ``theta``.
    The layer is initialized as linear interpolation. Whatever it learns, a constant stays
    constant, so an offset does not become a tone.

    An input sample stays in the center of the ``stride`` samples that it becomes (for even strides,
    the later of the two in the center). The end samples are held beyond the borders::

        stride 3:  a a . . b b          stride 4:  a a a . . . b b

    Shape:
        - Input: ``(batch, in_channels, time)``
        - Output: ``(batch, out_channels, time * stride)``

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Upsampling factor.
        length: Filter length of the convolution.
        bias: Whether to learn a bias per output channel.

    Attributes:
        theta: ``(in_channels, stride - 1)``, logits of the weights.

    Example:
        >>> layer = LearnedInterpolationConvolution(1, 1, 2, length=9)
        >>> layer(torch.ones(1, 1, 4)).shape
        torch.Size([1, 1, 8])
        >>> layer.interpolate(torch.tensor([[[0.0, 4.0]]])).tolist()
        [[[0.0, 0.0, 2.0, 4.0]]]
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, *, length: int, bias: bool = True
    ):
        super().__init__(in_channels, out_channels, stride, length=length, bias=bias)
        share = torch.arange(1, stride) / stride
        self.theta = nn.Parameter(torch.logit(1 - share).repeat(in_channels, 1))

    def interpolate(self, x: Tensor) -> Tensor:
        held = F.pad(x, (1, 1), mode="replicate").unsqueeze(-1)
        current, following = held[:, :, :-1], held[:, :, 1:]
        share = torch.sigmoid(self.theta).unsqueeze(1)
        between = share * current + (1 - share) * following
        # From the held sample before the first one; interpolated samples follow each sample.
        samples = torch.cat([current, between], dim=-1).flatten(-2)
        first = self.stride - self.stride // 2
        return samples[..., first : first + x.shape[-1] * self.stride]
