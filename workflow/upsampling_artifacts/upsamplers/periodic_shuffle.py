"""The periodic shuffle: from channels to consecutive samples (section 4 of the paper)."""

from __future__ import annotations

from torch import Tensor


def periodic_shuffle(x: Tensor, stride: int) -> Tensor:
    """Turn groups of ``stride`` channels into ``stride`` consecutive samples of one channel.

    Channels ``c * stride + 0 .. stride - 1`` are the phases of output channel ``c``, the order
    of the paper's notebooks and of ``torch.nn.PixelShuffle``::

        channel 0:  a b c          channel 0:  a A b B c C
        channel 1:  A B C    -->

    Shape:
        - Input: ``(batch, channels * stride, time)``
        - Output: ``(batch, channels, time * stride)``
    """
    batch, channels, time = x.shape
    phases = x.reshape(batch, channels // stride, stride, time)
    return phases.transpose(2, 3).reshape(batch, channels // stride, time * stride)
