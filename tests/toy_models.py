"""Small user-supplied models for the tests, valid and invalid: ``tests.toy_models:Doubler``."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Upsampler(nn.Module):
    """A strided convolution, then a transposed one whose input has a DC offset: it makes tones."""

    def __init__(self, channels: int = 1, stride: int = 4, width: int = 8):
        super().__init__()
        self.down = nn.Conv1d(channels, width, 2 * stride, stride, stride // 2)
        self.up = nn.ConvTranspose1d(width, channels, 2 * stride, stride, stride // 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.up(F.relu(self.down(x)))


class Filter(nn.Module):
    """A single convolution without rate-changing layers."""

    def __init__(self, channels: int = 1):
        super().__init__()
        self.filter = nn.Conv1d(channels, channels, 9, padding=4)

    def forward(self, x: Tensor) -> Tensor:
        return self.filter(x)


class Doubler(nn.Module):
    """Super-resolution: doubles the sampling rate."""

    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose1d(1, 1, 4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.up(x)


class Vocoder(nn.Module):
    """Features to audio with hop 64, half a hop shorter as after a centered transform."""

    def __init__(self, bins: int = 20):
        super().__init__()
        self.layers = nn.Sequential(
            nn.ConvTranspose1d(bins, 8, 32, 16, 8), nn.ReLU(), nn.ConvTranspose1d(8, 1, 8, 4, 2)
        )

    def forward(self, features: Tensor) -> Tensor:
        return self.layers(features)[..., :-32]


class Returns(nn.Module):
    """Returns the output of a function."""

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
