"""The contract that every upsampling layer keeps."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn
from torch.nn import functional as F

from upsampling_artifacts.errors import InputError


class Upsampler(nn.Module, ABC):
    """A layer that raises the sampling rate ``stride`` times.

    Shape:
        - Input: ``(batch, in_channels, time)``
        - Output: ``(batch, out_channels, time * stride)``, exactly, for every ``time >= 1``

    Output sample ``t`` belongs to input sample ``t // stride``: nothing is shifted, so that
    layers can be exchanged for one another inside a network with skip connections.

    A subclass takes its own options as keyword arguments after ``bias`` and keeps its
    learnable convolutions as ordinary torch modules, so that a model can rescale them.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Upsampling factor, any whole number >= 2.
        bias: Whether the layer adds a learnable offset to each output channel.

    Raises:
        InputError: The stride is not a whole number >= 2.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, *, bias: bool = True):
        super().__init__()
        if not isinstance(stride, int) or stride < 2:
            raise InputError(f"stride: {stride!r} is not an upsampling factor; use 2, 3, 4, ...")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.stride = stride

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Upsample ``(batch, in_channels, time)`` to ``(batch, out_channels, time * stride)``."""

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, stride={self.stride}"


def check_initialization(initialization: str, *known: str) -> None:
    """Raise an InputError for a way of initialising that a layer does not know."""
    if initialization not in known:
        raise InputError(
            f"initialization: {initialization!r} is unknown; known: {', '.join(known)}"
        )


class SameConvolution(nn.Conv1d):
    """A convolution of stride 1 that keeps the length, zero padded, for odd and even lengths.

    An even filter has no centre sample; the extra zero then goes to the right::

        length 3:  0 [x x x x] 0          length 4:  0 [x x x x] 0 0

    Shape:
        - Input: ``(batch, in_channels, time)``
        - Output: ``(batch, out_channels, time)``

    Raises:
        InputError: The filter has no sample.
    """

    def __init__(self, in_channels: int, out_channels: int, length: int, *, bias: bool = True):
        if length < 1:
            raise InputError(f"length: {length} is not a filter length; use 1, 2, 3, ...")
        super().__init__(in_channels, out_channels, length, padding=(length - 1) // 2, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        odd = self.kernel_size[0] % 2
        return super().forward(x if odd else F.pad(x, (0, 1)))
