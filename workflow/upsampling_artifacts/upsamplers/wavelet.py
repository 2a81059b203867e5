"""A convolution followed by wavelet synthesis, the inverse discrete wavelet transform.

After Nakamura & Saruwatari (2020) and Pons et al. (2021), by lifting (Sweldens 1998).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.upsamplers.base import SameConvolution, Upsampler

LIFTING = {"haar": (1.0, 0.5), "lazy": (0.0, 0.0)}
"""Per wavelet: the weight of the even sample in the prediction of the odd one, and of the detail in
the update of the even one."""

LIFTING_LENGTH = 3
"""Length of learnable prediction and update filters, as in Nakamura's ``dwtls``."""


class WaveletConvolution(Upsampler):
    """Computes approximations and details at the low rate and joins them by wavelet synthesis.

    The upsampling layer of Nakamura & Saruwatari, "Time-domain audio source separation based on
    Wave-U-Net combined with discrete wavelet transform" (2020), and of Pons et al., "Upsampling
    layers for music source separation" (2021). Half of the channels are approximations ``a``, half
    are details ``d``. The inverse transform joins them to half as many channels of twice the
    length. We compute it by lifting (Sweldens 1998), with prediction ``P`` and update ``U``::

        even = a / sqrt(2) - U(sqrt(2) d)        odd = sqrt(2) d + P(even)

    The scale makes the Haar wavelet orthonormal. The lazy wavelet has no P, U or scale: its
    approximations are the even samples and its details the odd ones, so the layer is a subpixel
    convolution with its channels in another order.

    Several octaves in a row reach larger strides. The convolution comes first and makes ``stride``
    times the output channels, so that any number of output channels is possible.

    Shape:
        - Input: ``(batch, in_channels, time)``
        - Output: ``(batch, out_channels, time * stride)``

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Upsampling factor, a power of two.
        length: Filter length of the convolution.
        bias: Whether to learn a bias per channel of the convolution.
        wavelet: ``haar`` or ``lazy``.
        learnable: Whether to learn P and U, one pair of filters of length 3 per octave,
            initialized as those of the wavelet (Nakamura, Kozuka & Saruwatari, "Time-domain audio
            source separation with neural networks based on multiresolution analysis", 2021,
            without their weight normalization).

    Raises:
        InputError: The stride is not a power of two, or the wavelet is unknown.

    Example:
        >>> WaveletConvolution(1, 1, 2, length=3)(torch.ones(1, 1, 4)).shape
        torch.Size([1, 1, 8])
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
            raise InputError(f"stride: {stride} is not a power of two; use 2, 4, 8, ...")
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
    """One octave of wavelet synthesis.

    Shape:
        - Input: ``(batch, 2 * channels, time)``, approximations first
        - Output: ``(batch, channels, time * 2)``

    Args:
        wavelet: A key of ``LIFTING``.
        learnable: Whether prediction and update are parameters, or fixed.

    Example:
        An approximation without detail is held for two samples.

        >>> approximation, detail = [2.0, 4.0], [0.0, 0.0]
        >>> y = WaveletSynthesis("haar", learnable=False)(torch.tensor([[approximation, detail]]))
        >>> (y * math.sqrt(2)).round(decimals=5).tolist()
        [[[2.0, 2.0, 4.0, 4.0]]]
    """

    predict: Tensor
    update: Tensor

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
    """Apply the same short filter to every channel, zero padded."""
    if weight.shape[-1] == 1:  # fixed wavelets: a product is faster than a convolution
        return weight * x
    channels = x.shape[1]
    return F.conv1d(x, weight.expand(channels, -1, -1), padding="same", groups=channels)
