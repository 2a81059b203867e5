"""One-dimensional convolutions in the memory layout that suits the processor.

PyTorch stores a signal channel by channel. A convolution needs all channels of a few samples at a
time, so oneDNN, which computes it on a CPU, first copies the signal to a layout of its own, and the
result back. For the few channels and many samples of audio networks, that takes as long as the
products. If the channels of each sample lie side by side (``channels_last``), nothing is copied,
and whatever works on each number alone, such as a ReLU, keeps the layout. PyTorch has it for images
only; so a signal becomes an image of one row. Shapes and results stay as they are, up to rounding.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.upsamplers.rounding import rounds_factors


def convolve(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: int = 1, padding: int = 0
) -> Tensor:
    """:func:`torch.nn.functional.conv1d`, faster on a CPU.

    Args:
        x: ``(batch, in_channels, time)``.
        weight: ``(out_channels, in_channels, length)``.
        bias: ``(out_channels,)``.
        stride: Distance of output samples in input samples.
        padding: Zeros added on either side.

    Returns:
        ``(batch, out_channels, (time + 2 * padding - length) // stride + 1)``.

    Example:
        >>> convolve(torch.ones(1, 2, 4), torch.ones(3, 2, 3), padding=1).shape
        torch.Size([1, 3, 4])
    """
    if not _gains_from_channels_last(x):
        return F.conv1d(x, weight, bias, stride, padding)
    y = F.conv2d(_as_image(x), weight.unsqueeze(2), bias, (1, stride), (0, padding))
    return y.squeeze(2)


def _gains_from_channels_last(x: Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype == torch.float32 and not rounds_factors(x)


def _as_image(x: Tensor) -> Tensor:
    return x.unsqueeze(2).contiguous(memory_format=torch.channels_last)


class Convolution(nn.Conv1d):
    """A zero-padded convolution: :func:`convolve` as a layer.

    Shape:
        - Input: ``(batch, in_channels, time)``
        - Output: ``(batch, out_channels, (time + 2 * padding - length) // stride + 1)``

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        length: Filter length.
        stride: Distance of output samples in input samples.
        padding: Zeros added on either side.
        bias: Whether to learn a bias per output channel.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        length: int,
        stride: int = 1,
        *,
        padding: int = 0,
        bias: bool = True,
    ):
        super().__init__(in_channels, out_channels, length, stride, padding=padding, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return convolve(x, self.weight, self.bias, self.stride[0], int(self.padding[0]))


class SameConvolution(Convolution):
    """A zero-padded convolution of stride 1 that keeps the length, for odd and even filters.

    An even filter has no center sample. It gets one more zero on the right::

        length 3:  0 [x x x x] 0          length 4:  0 [x x x x] 0 0

    Shape:
        - Input: ``(batch, in_channels, time)``
        - Output: ``(batch, out_channels, time)``

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        length: Filter length.
        bias: Whether to learn a bias per output channel.

    Raises:
        InputError: The length is below 1.

    Example:
        >>> [SameConvolution(1, 2, length)(torch.zeros(1, 1, 4)).shape for length in (3, 4)]
        [torch.Size([1, 2, 4]), torch.Size([1, 2, 4])]
    """

    def __init__(self, in_channels: int, out_channels: int, length: int, *, bias: bool = True):
        if length < 1:
            raise InputError(f"length: {length} is not a filter length; use 1, 2, ...")
        super().__init__(in_channels, out_channels, length, padding=(length - 1) // 2, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        odd = self.kernel_size[0] % 2
        return super().forward(x if odd else F.pad(x, (0, 1)))
