"""Convolution + wavelet synthesis (inverse discrete wavelet transform)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.upsamplers.base import SameConvolution, Upsampler

LIFTING = {"haar": (1.0, 0.5), "lazy": (0.0, 0.0)}
"""By wavelet: weight of the even sample in what is predicted of the odd one, and of the detail
in what updates the even one."""

LIFTING_LENGTH = 3
"""Of learnable prediction and update filters, as in Nakamura's ``dwtls``."""


class WaveletConvolution(Upsampler):
    """A convolution at the low rate makes approximations and details; synthesis joins them, x2.

    The upsampling layer of Nakamura & Saruwatari, "Time-domain audio source separation based on
    Wave-U-Net combined with discrete wavelet transform" (2020), and of Pons et al., "Upsampling
    layers for music source separation" (2021): half of the channels are approximations ``a``,
    half are details ``d``, and the inverse transform makes half as many channels of twice the
    length. It is done by lifting (Sweldens 1998): with prediction ``P`` and update ``U``::

        even = a / sqrt(2) - U(sqrt(2) d)        odd = sqrt(2) d + P(even)

    (scaled so that Haar is orthonormal; the lazy wavelet has neither P nor U nor scale: its even
    and odd samples are the two halves, a subpixel convolution by another name). A power of two is
    reached by repetition: the convolution, of ``stride`` times as many channels as the output,
    comes first, so that any number of channels will do.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Upsampling factor, a power of two.
        length: Filter length of the convolution.
        bias: Whether to learn an offset per channel of the convolution.
        wavelet: ``haar`` or ``lazy``.
        learnable: Whether P and U are learnt, one pair of filters of length 3 per octave, from
            the wavelet's own on (Nakamura, Kozuka & Saruwatari, "Time-domain audio source
            separation with neural networks based on multiresolution analysis", 2021, without
            their weight normalisation).

    Raises:
        InputError: The stride is no power of two, or the wavelet is unknown.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        *,
        length: int,
        bias: bool = True,
        wavelet: str = "haar",
        learnable: bool = False,
    ):
        super().__init__(in_channels, out_channels, stride, bias=bias)
        if stride & (stride - 1):
            raise InputError(f"stride: {stride} is no power of two; a wavelet takes 2, 4, 8, ...")
        if wavelet not in LIFTING:
            raise InputError(f"wavelet: {wavelet!r} is unknown; known: {', '.join(LIFTING)}")
        self.convolution = SameConvolution(in_channels, out_channels * stride, length, bias=bias)
        octaves = range(stride.bit_length() - 1)
        self.synthesis = nn.ModuleList([WaveletSynthesis(wavelet, learnable) for _ in octaves])

    def forward(self, x: Tensor) -> Tensor:
        x = self.convolution(x)
        for octave in self.synthesis:
            x = octave(x)
        return x


class WaveletSynthesis(nn.Module):
    """One octave of the inverse transform.

    Shape:
        - Input: ``(batch, 2 * channels, time)``, approximations first
        - Output: ``(batch, channels, time * 2)``
    """

    def __init__(self, wavelet: str, learnable: bool):
        super().__init__()
        self.scale = 1.0 if wavelet == "lazy" else math.sqrt(2)
        length = LIFTING_LENGTH if learnable else 1
        for name, weight in zip(("predict", "update"), LIFTING[wavelet], strict=True):
            lifting = torch.zeros(1, 1, length)
            lifting[..., length // 2] = weight
            if learnable:
                self.register_parameter(name, nn.Parameter(lifting))
            else:
                self.register_buffer(name, lifting, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        approximation, detail = x.chunk(2, dim=1)
        detail = self.scale * detail
        even = approximation / self.scale - _filter(detail, self.update)
        odd = detail + _filter(even, self.predict)
        return torch.stack([even, odd], dim=-1).flatten(-2)


def _filter(x: Tensor, weight: Tensor) -> Tensor:
    """Every channel with the same short filter, zero padded."""
    if weight.shape[-1] == 1:  # a fixed wavelet's: a product is faster
        return weight * x
    channels = x.shape[1]
    return F.conv1d(x, weight.expand(channels, -1, -1), padding="same", groups=channels)
