"""Wave-U-Net, the system of Table 1 with linear interpolation.

After Stoller et al., "Wave-U-Net: a multi-scale neural network for end-to-end audio source
separation" (2018), model M6, which separates all sources of a stereo song, with an exchangeable
upsampling layer. At 12 levels and 24 filters, with linear interpolation, it has the 10,263,498
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
"""Slope of the leaky ReLUs for negative inputs, as in the original code."""


class WaveUNet(nn.Module):
    """U-Net on waveforms: decimation by 2 in the encoder, upsampling by 2 in the decoder.

    ::

        encoder i   convolution 15 to (i + 1) * filters - leaky ReLU - every other sample
        bottleneck  convolution 15 to (depth + 1) * filters - leaky ReLU
        decoder i   upsampler x2 - concatenate the skip - convolution 5 - leaky ReLU
        output      concatenate the mixture - convolution 1; the last source is the mixture minus
                    the others (the original's difference output)

    The original upsampler interpolates without a convolution (``{name: linear, length: null}``),
    because the decoder has one. Other upsamplers add their convolution to it.

    Differences from the original:

    - It uses no padding, so its input is longer than its estimates. Here convolutions are zero
      padded and keep the length, as in the systems with which it is compared. The ends of a segment
      have less context; songs are separated in chunks that overlap by half and are weighted least
      at their ends.
    - Interpolated samples lie a quarter of a sample before and after the input samples, as in every
      interpolation here, not on them and halfway between.
    - There is no tanh at the output: songs here are scaled to unit deviation, not to +-1.
    - The original runs at 22,050 Hz, this network at the rate of the experiment.

    Shape:
        - Input: ``(batch, audio_channels, time)``, any ``time >= 1``
        - Output: ``(batch, n_sources, audio_channels, time)``

    Args:
        make_upsampler: Makes the upsampling layer of each decoder level.
        n_sources: Number of sources to separate.
        audio_channels: Channels of the mixture and of each source.
        filters: Channels that each level adds to the one above.
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
