"""A low-pass filter after an upsampling layer, to stop the layer's tones and spectral images."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upsampling_artifacts.errors import InputError

STOPBAND_DB = 60.0
"""Attenuation of the tones, to 1 dB (at stride 2, with 17 samples, 54 dB): about as far as those of
trained networks lie below the music."""

KINDS = ("none", "fixed", "learnable")


class LowPass(nn.Module):
    """Filters each channel with a low-pass, zero-padded to keep the length.

    It passes the band of the layer's input, up to the old Nyquist frequency, rate / (2 stride), and
    stops everything from the layer's first tone on, at rate / stride. So after the last layer of a
    network, the output has no content above that frequency: this is the price of the fixed filter.
    A learnable one starts the same, with weights of its own for each channel. Training may open it
    again.

    The filter is no ``nn.Conv1d``: a network that rescales the initial weights of its convolutions
    must not change its gain.

    Shape:
        - Input: ``(batch, channels, time)``
        - Output: the same

    Args:
        channels: Number of channels.
        stride: Upsampling factor of the layer before.
        learnable: Whether the filters are trained.

    Example:
        >>> constant = LowPass(1, stride=4)(torch.ones(1, 1, 99))
        >>> round(constant[0, 0, 49].item(), 6)
        1.0
    """

    taps: Tensor

    def __init__(self, channels: int, stride: int, *, learnable: bool = False):
        super().__init__()
        taps = torch.from_numpy(low_pass_taps(stride)).to(torch.get_default_dtype())
        if learnable:
            self.taps = nn.Parameter(taps.repeat(channels, 1, 1))
        else:
            self.register_buffer("taps", taps.repeat(channels, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv1d(x, self.taps, padding="same", groups=len(self.taps))


def make_low_pass(kind: str, channels: int, stride: int) -> nn.Module:
    """Make what follows an upsampling layer.

    Args:
        kind: One of :data:`KINDS`, as in config.
        channels: Number of channels.
        stride: Upsampling factor of the layer.

    Returns:
        A module that keeps shapes; one that does nothing for "none".

    Raises:
        InputError: The kind is unknown.
    """
    if kind not in KINDS:
        raise InputError(f"low_pass: {kind!r} is unknown; known: {', '.join(KINDS)}")
    if kind == "none":
        return nn.Identity()
    return LowPass(channels, stride, learnable=kind == "learnable")


def low_pass_taps(stride: int) -> np.ndarray:
    """Design the filter with a Kaiser window (Kaiser & Schafer 1980, as in scipy.signal.kaiserord).

    The cutoff lies midway between rate / (2 stride) and rate / stride.

    Args:
        stride: Upsampling factor.

    Returns:
        ``(odd number of samples,)`` float64, symmetric, with a sum of 1.

    Example:
        >>> taps = low_pass_taps(stride=4)
        >>> len(taps), round(float(taps.sum()), 12)
        (31, 1.0)
    """
    transition = 1 / (2 * stride)  # re the sampling rate
    order = (STOPBAND_DB - 7.95) / (2.285 * 2 * math.pi * transition)
    reach = math.ceil(order / 2)
    times = np.arange(-reach, reach + 1)
    beta = 0.1102 * (STOPBAND_DB - 8.7)  # valid above 50 dB
    taps = np.sinc(2 * 0.75 / stride * times) * np.kaiser(len(times), beta)
    return taps / taps.sum()
