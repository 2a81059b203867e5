"""User-supplied models, right and wrong, with import paths as ``tests.toy_models:Doubler``."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Upsampler(nn.Module):
    """Downsamples, then upsamples by a transposed convolution with a bias: tones at the stride."""

    def __init__(self, channels: int = 1, stride: int = 4, width: int = 8):
        super().__init__()
        self.down = nn.Conv1d(channels, width, 2 * stride, stride, stride // 2)
        self.up = nn.ConvTranspose1d(width, channels, 2 * stride, stride, stride // 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.up(F.relu(self.down(x)))


class Filter(nn.Module):
    """A convolution only: no layer changes the rate."""

    def __init__(self, channels: int = 1):
        super().__init__()
        self.filter = nn.Conv1d(channels, channels, 9, padding=4)

    def forward(self, x: Tensor) -> Tensor:
        return self.filter(x)


class Doubler(nn.Module):
    """Super-resolution: twice as many samples out as in."""

    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose1d(1, 1, 4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.up(x)


class Vocoder(nn.Module):
    """Features to audio, hop 64, trimmed by half a hop as centered transforms are."""

    def __init__(self, bins: int = 20):
        super().__init__()
        self.layers = nn.Sequential(
            nn.ConvTranspose1d(bins, 8, 32, 16, 8), nn.ReLU(), nn.ConvTranspose1d(8, 1, 8, 4, 2)
        )

    def forward(self, features: Tensor) -> Tensor:
        return self.layers(features)[..., :-32]


class Returns(nn.Module):
    """Applies a function to the input."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor):
        return self.function(x)


def complex_spectrum() -> nn.Module:
    return Returns(lambda x: torch.fft.fft(x))


def not_a_module() -> dict:
    return {}


A_NUMBER = 3
A_MODEL = Filter()
