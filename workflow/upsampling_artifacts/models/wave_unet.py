"""Wave-U-Net, the system of Table 1 that interpolates linearly.

After Stoller et al., "Wave-U-Net: a multi-scale neural network for end-to-end audio source
separation" (2018): model M6, all sources of a stereo song from one network, with its upsampling
layer exchangeable. At 12 levels and 24 filters, with linear interpolation, it has the 10,263,498
parameters of the original (tests/models/test_wave_unet.py).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upsampling_artifacts.models.types import MakeUpsampler
from upsampling_artifacts.upsamplers.base import SameConvolution

STRIDE = 2
DOWN_LENGTH, UP_LENGTH = 15, 5
SLOPE = 0.2
"""Of the leaky ReLUs for negative values, as in the original code."""


class WaveUNet(nn.Module):
    """U-Net on waveforms: every other sample is dropped on the way down, and made up for again.

    ::

        encoder i   convolution 15 to (i + 1) * filters - leaky ReLU - every other sample
        bottleneck  convolution 15 to (depth + 1) * filters - leaky ReLU
        decoder i   upsampler x2 - beside the encoder's signal - convolution 5 - leaky ReLU
        output      beside the mixture - convolution 1; the last source is the mixture less the
                    others (the original's difference output)

    Its own upsampler interpolates and has no convolution (``{name: linear, length: null}``), for
    the decoder has one; with another upsampler that convolution comes in addition.

    What differs from the original:

    - Its convolutions use no padding: the network reads more of the song than it estimates. Here
      zeros are padded and the length is kept, as in the systems it is compared with. So the ends
      of a segment are estimated with less context; whole songs are separated in chunks that
      overlap by half and count least at their ends.
    - Interpolated samples stand a quarter of a step from the old ones, as in every interpolation
      here, and not on them and halfway between.
    - The estimates pass no tanh: songs here are scaled to unit deviation, not to +-1.
    - The original runs at 22,050 Hz; here it hears the experiment's rate.

    Shape:
        - Input: ``(batch, audio_channels, time)``, any ``time >= 1``
        - Output: ``(batch, n_sources, audio_channels, time)``

    Args:
        make_upsampler: Makes the upsampling layer of each decoder level.
        n_sources: Number of sources to separate.
        audio_channels: Channels of the mixture, and of each source.
        filters: Channels that each level has more than the one above it.
        depth: Number of levels.
    """

    def __init__(
        self,
        make_upsampler: MakeUpsampler,
        *,
        n_sources: int,
        audio_channels: int,
        filters: int = 24,
        depth: int = 12,
    ):
        super().__init__()
        self.n_sources = n_sources

        def convolution(in_channels: int, out_channels: int, length: int) -> nn.Sequential:
            layer = SameConvolution(in_channels, out_channels, length)
            return nn.Sequential(layer, nn.LeakyReLU(SLOPE))

        widths = [filters * (level + 1) for level in range(depth + 1)]
        self.encoder = nn.ModuleList()
        self.upsamplers = nn.ModuleList()
        self.decoder = nn.ModuleList()
        below = audio_channels
        for width, deeper in pairwise(widths):
            self.encoder.append(convolution(below, width, DOWN_LENGTH))
            self.upsamplers.insert(0, make_upsampler(deeper, deeper, STRIDE, True))
            self.decoder.insert(0, convolution(deeper + width, width, UP_LENGTH))
            below = width
        self.bottleneck = convolution(below, widths[-1], DOWN_LENGTH)
        self.output = nn.Conv1d(filters + audio_channels, (n_sources - 1) * audio_channels, 1)

    def forward(self, mixture: Tensor) -> Tensor:
        batch, audio_channels, time = mixture.shape
        padded = F.pad(mixture, (0, -time % STRIDE ** len(self.encoder)))
        x, skips = padded, []
        for encode in self.encoder:
            x = encode(x)
            skips.append(x)
            x = x[..., ::STRIDE]
        x = self.bottleneck(x)
        for upsampler, decode in zip(self.upsamplers, self.decoder, strict=True):
            x = decode(torch.cat([upsampler(x), skips.pop()], dim=1))
        x = self.output(torch.cat([x, padded], dim=1))[..., :time]
        others = x.reshape(batch, self.n_sources - 1, audio_channels, time)
        last = mixture.unsqueeze(1) - others.sum(dim=1, keepdim=True)
        return torch.cat([others, last], dim=1)
