"""The generator of MelGAN, whose output figure 1 of the paper shows.

After Kumar et al., "MelGAN: generative adversarial networks for conditional waveform synthesis"
(2019), with an exchangeable upsampling layer. With transposed convolutions, it has the 4,266,050
parameters of the original (tests/models/test_melgan.py).
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
"""Slope of the leaky ReLUs for negative inputs."""

MIN_MAGNITUDE = 1e-5
"""Smallest mel magnitude, which keeps the logarithm of silence finite."""

MIN_FRAMES = 5
"""Reflection needs signals longer than what it reflects: three frames of the mel spectrogram, nine
samples after the first upsampling layer."""


class MelGAN(nn.Module):
    """A vocoder: computes the mel spectrogram of a waveform and generates the waveform from it.

    ::

        generator   convolution 7 to `channels`
                    for each stride: leaky ReLU - upsampler to half the channels -
                                     residual blocks of dilation 1, 3, 9
                    leaky ReLU - convolution 7 to one channel - tanh

    Every convolution has a bias and weight normalization, including those of the upsampling
    layers. Borders are padded by reflection. The weights have torch's default initialization. The
    original code also draws normal weights of deviation 0.02, but to no effect: it overwrites the
    normalized weight, which is computed anew from its two factors before each use.

    Shape:
        - Input: ``(batch, 1, time)``, any ``time >= 1``
        - Output: ``(batch, 1, 1, time)``, between -1 and 1
        - ``generator``: ``(batch, n_mels, frames)`` to ``(batch, 1, frames * hop)``, for
          ``frames >= MIN_FRAMES``

    Args:
        make_upsampler: Makes the upsampling layers.
        n_sources: Must be 1; the builder of models always passes it.
        audio_channels: Must be 1.
        channels: Width before the first upsampling layer. Each layer halves it.
        strides: Upsampling factors. Their product is the hop of the mel spectrogram in samples,
            a quarter of its window.
        n_mels: Bands of the mel spectrogram.
        rate_hz: Sampling rate for which the mel bands are designed.

    Raises:
        InputError: There is more than one source or channel, or the mel bands have no width.
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
                f"melgan: cannot generate {n_sources} source(s) of {audio_channels} channel(s); "
                "use one source and one channel"
            )
        self.hop = math.prod(strides)
        # As in the original: magnitudes, and librosa's (Slaney's) filters over the whole band.
        # Building them reads values, which do not exist on the meta device.
        with torch.device("cpu"):
            self.mel_spectrogram = MelSpectrogram(
                rate_hz, n_fft=4 * self.hop, hop_length=self.hop, center=False, n_mels=n_mels,
                power=1.0, norm="slaney", mel_scale="slaney",
            )  # fmt: skip
            if not self.mel_spectrogram.mel_scale.fb.isfinite().all():
                raise InputError(
                    f"melgan: rate_hz: {rate_hz} Hz has no room for {n_mels} mel bands; raise it"
                )

        layers: list[nn.Module] = [_reflection_padded(n_mels, channels, 7)]
        width = channels
        for stride in strides:
            layers += [nn.LeakyReLU(SLOPE), make_upsampler(width, width // 2, stride, True)]
            width //= 2
            layers += [_ResidualBlock(width, dilation) for dilation in (1, 3, 9)]
        layers += [nn.LeakyReLU(SLOPE), _reflection_padded(width, 1, 7), nn.Tanh()]
        self.generator = nn.Sequential(*layers)
        for module in list(self.generator.modules()):
            if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
                weight_norm(module)

    def log_mel(self, audio: Tensor) -> Tensor:
        """The generator's input, the log mel spectrogram of the original.

        Args:
            audio: ``(batch, 1, time)``.

        Returns:
            ``(batch, n_mels, time // hop)``, decimal logarithm of the magnitudes.
        """
        border = 3 * self.hop // 2  # (window - hop) / 2 centers each frame on its hop
        mel = self.mel_spectrogram(F.pad(audio, (border, border), mode="reflect"))
        return torch.log10(mel.clamp(min=MIN_MAGNITUDE)).squeeze(1)

    def forward(self, audio: Tensor) -> Tensor:
        time = audio.shape[-1]
        frames = max(math.ceil(time / self.hop), MIN_FRAMES)
        filled = F.pad(audio, (0, frames * self.hop - time))
        return self.generator(self.log_mel(filled))[..., :time].unsqueeze(1)


def _reflection_padded(
    in_channels: int, out_channels: int, length: int, dilation: int = 1
) -> nn.Conv1d:
    """A convolution that keeps the length, padded by reflection."""
    return nn.Conv1d(
        in_channels, out_channels, length, dilation=dilation,
        padding=dilation * (length // 2), padding_mode="reflect",
    )  # fmt: skip


class _ResidualBlock(nn.Module):
    """A dilated convolution beside a shortcut; keeps the shape ``(batch, width, time)``."""

    def __init__(self, width: int, dilation: int):
        super().__init__()
        self.block = nn.Sequential(
            nn.LeakyReLU(SLOPE),
            _reflection_padded(width, width, 3, dilation),
            nn.LeakyReLU(SLOPE),
            nn.Conv1d(width, width, 1),
        )
        self.shortcut = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.block(x)
