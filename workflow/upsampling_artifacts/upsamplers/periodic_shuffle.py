"""The periodic shuffle, which interleaves channels (section 4 of the paper)."""

from __future__ import annotations

from torch import Tensor


def periodic_shuffle(x: Tensor, stride: int) -> Tensor:
    """Interleave groups of ``stride`` channels.

    Channels ``c * stride`` to ``c * stride + stride - 1`` are the phases of output channel ``c``,
    the order of the paper's notebooks and of ``torch.nn.PixelShuffle``::

        channel 0:  a b c          channel 0:  a A b B c C
        channel 1:  A B C    -->

    Args:
        x: ``(batch, channels * stride, time)``.
        stride: Number of phases per output channel.

    Returns:
        ``(batch, channels, time * stride)``.

    Example:
        >>> import torch
        >>> periodic_shuffle(torch.tensor([[[1, 2], [10, 20]]]), stride=2).tolist()
        [[[1, 10, 2, 20]]]
    """
    batch, channels, time = x.shape
    phases = x.reshape(batch, channels // stride, stride, time)
    return phases.transpose(2, 3).reshape(batch, channels // stride, time * stride)
