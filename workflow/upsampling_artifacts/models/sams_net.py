"""A reconstruction of Sams-Net, whose code and layer sizes are not public.

Li et al., "Sams-Net: a sliced attention-based neural network for music source separation" (2019,
https://arxiv.org/abs/1909.05746), publish that the network works on magnitude spectrograms, and
that multi-head attention relates their features over time and frequency in slices of the channels.
Table 1 of the reproduced paper gives 3.7M parameters. All other choices are ours, so the scores of
this network are not those of the original.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.filterbank import Filterbank

BIN_STRIDE = 4


class SamsNet(nn.Module):
    """U-Net on a magnitude spectrogram, with sliced attention at every level.

    ::

        encoder i   convolution 8 x 3, every 4th bin - normalization - GELU - attention block
        decoder i   + skip - attention block - bins repeated 4 times - convolution 5 x 3
        output      a mask between 0 and 1 for each source, channel, bin and frame

    There is no upsampling layer in time: the estimates are masked spectra with the mixture's phase,
    and waveforms come from the inverse transform.

    Our choices: one network for all sources; the transform (Open-Unmix's); the logarithm of
    ``1 + magnitude`` as input; levels and widths, set for 3.7M parameters; strides along frequency
    only, undone by repetition, which adds no pattern of its own; the definition of a slice
    (:class:`SlicedAttention`); the convolutions of a block; masks without a Wiener filter; and the
    loss of the Demucs-like systems, L1 on waveforms.

    Shape:
        - Input: ``(batch, audio_channels, time)``, any ``time >= 1``
        - Output: ``(batch, n_sources, audio_channels, time)``

    Args:
        n_sources: Number of sources to separate.
        audio_channels: Channels of the mixture and of each source.
        n_fft: Frame length of the spectrograms in samples, a multiple of
            ``2 * BIN_STRIDE ** len(widths)``.
        hop: Distance between frames in samples.
        widths: Channels of each level.
        slices: Heads of the attention, half of them along time: an even number that divides every
            width.

    Raises:
        InputError: ``n_fft`` or ``slices`` does not divide as required.
    """

    def __init__(
        self,
        *,
        n_sources: int,
        audio_channels: int,
        n_fft: int = 4096,
        hop: int = 1024,
        widths: Sequence[int] = (40, 96, 160),
        slices: int = 8,
    ):
        super().__init__()
        if n_fft % (2 * BIN_STRIDE ** len(widths)):
            raise InputError(
                f"sams_net: n_fft: {n_fft} is not a multiple of "
                f"{2 * BIN_STRIDE ** len(widths)}, which {len(widths)} levels need"
            )
        self.shape = n_sources, audio_channels
        self.filterbank = Filterbank(n_fft, hop)
        self.encoder = nn.ModuleList()
        self.decoder = nn.ModuleList()
        below = audio_channels
        for level, width in enumerate(widths):
            down = nn.Conv2d(below, width, (8, 3), (BIN_STRIDE, 1), padding=(2, 1))
            self.encoder.append(
                nn.Sequential(down, nn.GroupNorm(1, width), nn.GELU(), _Block(width, slices))
            )
            target = below if level else n_sources * audio_channels
            self.decoder.insert(
                0,
                nn.Sequential(
                    _Block(width, slices),
                    nn.Upsample(scale_factor=(BIN_STRIDE, 1), mode="nearest"),
                    nn.Conv2d(width, target, (5, 3), padding=(2, 1)),
                ),
            )
            below = width

    def forward(self, mixture: Tensor) -> Tensor:
        spectrum = self.filterbank.analyze(mixture)
        magnitude = torch.view_as_complex(spectrum).abs()
        x = torch.log1p(magnitude[:, :, :-1])  # the highest bin reuses the next mask
        skips: list[Tensor] = []
        for encode in self.encoder:
            x = encode(x)
            skips.append(x)
        x = skips.pop()
        for decode in self.decoder:
            x = decode(x)
            x = x + skips.pop() if skips else x
        mask = F.pad(torch.sigmoid(x), (0, 0, 0, 1), mode="replicate").unflatten(1, self.shape)
        return self.filterbank.synthesize(
            mask[..., None] * spectrum.unsqueeze(1), mixture.shape[-1]
        )


class SlicedAttention(nn.Module):
    """Scaled dot-product attention in which every head has its own slice of the channels.

    In the first half of the slices, frames attend to frames; the features of a frame are its
    channels at all frequencies. In the second half, frequencies attend to frequencies; the features
    of a frequency are its channels in all frames. The features of a whole segment interact without
    attention between all pairs of bins.

    Shape:
        - Input: ``(batch, channels, bins, frames)``
        - Output: the same

    Args:
        channels: Channels of input and output.
        slices: Number of slices.

    Raises:
        InputError: The number of slices is odd or does not divide the channels.

    Example:
        >>> SlicedAttention(channels=4, slices=2)(torch.zeros(1, 4, 6, 5)).shape
        torch.Size([1, 4, 6, 5])
    """

    def __init__(self, channels: int, slices: int):
        super().__init__()
        if slices % 2 or channels % slices:
            raise InputError(
                f"slices: {slices} is not an even number that divides {channels} channels"
            )
        self.slices = slices
        self.project = nn.Conv2d(channels, 3 * channels, 1)
        self.merge = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        queries, keys, values = self.project(x).unflatten(1, (3, self.slices, -1)).unbind(1)
        half = self.slices // 2
        over_time = self._attend(*(part[:, :half] for part in (queries, keys, values)))
        over_frequency = self._attend(
            *(part[:, half:].transpose(-2, -1) for part in (queries, keys, values))
        ).transpose(-2, -1)
        return self.merge(torch.cat([over_time, over_frequency], dim=1).flatten(1, 2))

    @staticmethod
    def _attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Attention along the last axis of ``(batch, slices, channels, features, positions)``."""
        q, k, v = (part.flatten(2, 3).transpose(-2, -1) for part in (queries, keys, values))
        attended = F.scaled_dot_product_attention(q, k, v)
        return attended.transpose(-2, -1).unflatten(2, values.shape[2:4])


class _Block(nn.Module):
    """Attention and 3 x 3 convolutions, each with a residual connection; keeps the shape."""

    def __init__(self, channels: int, slices: int):
        super().__init__()
        self.attention = nn.Sequential(nn.GroupNorm(1, channels), SlicedAttention(channels, slices))
        self.convolutions = nn.Sequential(
            nn.GroupNorm(1, channels),
            nn.Conv2d(channels, 2 * channels, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(2 * channels, channels, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(x)
        return x + self.convolutions(x)
