"""The generator of MelGAN, from figure 1 of the paper.

After Kumar et al., "MelGAN: generative adversarial networks for conditional waveform
synthesis" (2019), with its upsampling layer exchangeable. With transposed convolutions it has
the 4,266,050 parameters of the original (tests/models/test_melgan.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm
from torchaudio.transforms import MelSpectrogram

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.types import MakeUpsampler

SLOPE = 0.2
"""Of the leaky ReLUs for negative values."""

QUIETEST = 1e-5
"""Smallest mel magnitude, so that the logarithm of silence is a number."""

FEWEST_FRAMES = 5
"""Reflection needs signals longer than it reflects: three frames of the mel spectrogram, nine
samples after the first upsampling layer."""


class MelGAN(nn.Module):
    """A vocoder: a convolutional generator that makes a waveform of its mel spectrogram.

    ::

        generator   convolution 7 to `channels`
                    for each stride: leaky ReLU - upsampler to half the channels -
                                     residual blocks of dilation 1, 3, 9
                    leaky ReLU - convolution 7 to one channel - tanh

    Every convolution is weight normed, those inside the upsampling layers too, and has a bias;
    borders are filled up by reflection. The weights are torch's default ones: the original
    code also draws normal weights of deviation 0.02, but into the product of weight norm, which
    is computed anew from its two factors before each use, so that the draw has no effect.

    Shape:
        - Input: ``(batch, 1, time)``, any ``time >= 1``
        - Output: ``(batch, 1, 1, time)``, between -1 and 1
        - ``generator``: ``(batch, n_mels, frames)`` to ``(batch, 1, frames * hop)``, for
          ``frames >= FEWEST_FRAMES``

    Args:
        make_upsampler: Makes the upsampling layers.
        n_sources: Must be 1; it is given by whoever builds models by name.
        audio_channels: Must be 1, too.
        channels: Width before the first upsampling layer; each halves it.
        strides: Upsampling factors. Their product is the hop of the mel spectrogram in samples,
            a quarter of its window.
        n_mels: Bands of the mel spectrogram.
        rate_hz: Sampling rate that the mel bands are laid out for.

    Raises:
        InputError: More than one source or channel.
    """

    def __init__(
        self,
        make_upsampler: MakeUpsampler,
        *,
        n_sources: int = 1,
        audio_channels: int = 1,
        channels: int = 512,
        strides: Sequence[int] = (8, 8, 2, 2),
        n_mels: int = 80,
        rate_hz: int = 22_050,
    ):
        super().__init__()
        if (n_sources, audio_channels) != (1, 1):
            raise InputError(
                f"melgan: makes one mono signal, not {n_sources} source(s) of "
                f"{audio_channels} channel(s); use 1 and 1"
            )
        self.hop = math.prod(strides)
        # As in the original: magnitudes, librosa's (slaney's) filters over the whole band. Their
        # making looks at values, which the meta device, where parameters are counted, has not.
        with torch.device("cpu"):
            self.mel_spectrogram = MelSpectrogram(
                rate_hz, n_fft=4 * self.hop, hop_length=self.hop, center=False, n_mels=n_mels,
                power=1.0, norm="slaney", mel_scale="slaney",
            )  # fmt: skip

        layers = [_reflected(n_mels, channels, 7)]
        width = channels
        for stride in strides:
            layers += [nn.LeakyReLU(SLOPE), make_upsampler(width, width // 2, stride, True)]
            width //= 2
            layers += [_ResidualBlock(width, dilation) for dilation in (1, 3, 9)]
        layers += [nn.LeakyReLU(SLOPE), _reflected(width, 1, 7), nn.Tanh()]
        self.generator = nn.Sequential(*layers)
        for module in list(self.generator.modules()):
            if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
                weight_norm(module)

    def log_mel(self, audio: Tensor) -> Tensor:
        """The original's input: ``(batch, 1, time)`` to ``(batch, n_mels, time // hop)``."""
        border = 3 * self.hop // 2  # (window - hop) / 2: frames are centred on their hop
        mel = self.mel_spectrogram(F.pad(audio, (border, border), mode="reflect"))
        return torch.log10(mel.clamp(min=QUIETEST)).squeeze(1)

    def forward(self, audio: Tensor) -> Tensor:
        time = audio.shape[-1]
        frames = max(math.ceil(time / self.hop), FEWEST_FRAMES)
        filled = F.pad(audio, (0, frames * self.hop - time))
        return self.generator(self.log_mel(filled))[..., :time].unsqueeze(1)


def _reflected(in_channels: int, out_channels: int, length: int, dilation: int = 1) -> nn.Conv1d:
    """A convolution that keeps the length, its borders filled up by reflection."""
    return nn.Conv1d(
        in_channels, out_channels, length, dilation=dilation,
        padding=dilation * (length // 2), padding_mode="reflect",
    )  # fmt: skip


class _ResidualBlock(nn.Module):
    """``(batch, width, time)`` to the same shape."""

    def __init__(self, width: int, dilation: int):
        super().__init__()
        self.block = nn.Sequential(
            nn.LeakyReLU(SLOPE),
            _reflected(width, width, 3, dilation),
            nn.LeakyReLU(SLOPE),
            nn.Conv1d(width, width, 1),
        )
        self.shortcut = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.block(x)
