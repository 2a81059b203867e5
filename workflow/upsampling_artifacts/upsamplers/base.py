"""The base class of the upsampling layers, and the contract that they keep."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn
from torch.nn import functional as F

from upsampling_artifacts.errors import InputError


class Upsampler(nn.Module, ABC):
    """A layer that raises the sampling rate by a factor of ``stride``.

    Shape:
        - Input: ``(batch, in_channels, time)``
        - Output: ``(batch, out_channels, time * stride)``, exactly, for every ``time >= 1``

    Output sample ``t`` corresponds to input sample ``t // stride``. No layer delays the signal, so
    layers are interchangeable in a network with skip connections::

        input         a       b       c
        output      a a a   b b b   c c c        (stride 3, nearest neighbor)

    A subclass takes its options as keyword arguments after ``bias``. It keeps its learnable
    convolutions as ordinary torch modules, so that a network can rescale or normalize their
    weights.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Upsampling factor, an integer >= 2.
        bias: Whether the layer learns a bias.

    Raises:
        InputError: The stride is not an integer >= 2.

    Example:
        >>> import torch
        >>> class Repeat(Upsampler):
        ...     def forward(self, x):
        ...         return x.repeat_interleave(self.stride, dim=-1)
        >>> Repeat(1, 1, 2)(torch.tensor([[[1.0, 2.0]]])).tolist()
        [[[1.0, 1.0, 2.0, 2.0]]]
        >>> Repeat(1, 1, stride=1)
        Traceback (most recent call last):
        upsampling_artifacts.errors.InputError: stride: 1 is not an upsampling factor; use 2, 3, ...
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, *, bias: bool = True):
        super().__init__()
        if not isinstance(stride, int) or stride < 2:
            raise InputError(f"stride: {stride!r} is not an upsampling factor; use 2, 3, ...")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.stride = stride

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Upsample ``(batch, in_channels, time)`` to ``(batch, out_channels, time * stride)``."""

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, stride={self.stride}"


def check_initialization(initialization: str, *known: str) -> None:
    """Raise an InputError if a layer does not support an initialization.

    Args:
        initialization: Value of the layer's option.
        known: Valid values.

    Raises:
        InputError: The value is not valid; the message lists those that are.
    """
    if initialization not in known:
        raise InputError(
            f"initialization: {initialization!r} is unknown; known: {', '.join(known)}"
        )


class SameConvolution(nn.Conv1d):
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
        >>> import torch
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
