"""Windowed-sinc interpolation followed by a convolution, after Pons et al. (2021)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.upsamplers.interpolation import InterpolationConvolution
from upsampling_artifacts.upsamplers.periodic_shuffle import periodic_shuffle

MAX_BETA = 100
"""Side lobes of a Kaiser window at -800 dB; from 714 on, its values are too large for a float."""


class SincConvolution(InterpolationConvolution):
    """Interpolates with a low-pass filter, then applies a learnable convolution.

    Pons et al., "Upsampling layers for music source separation" (2021), insert zeros and filter
    out the spectral images above the old Nyquist frequency. The filter is fixed: here, a sinc with
    a Kaiser window. Images remain only in its transition band. The end samples are held beyond the
    borders.

    Shape:
        - Input: ``(batch, in_channels, time)``
        - Output: ``(batch, out_channels, time * stride)``

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Upsampling factor.
        length: Filter length of the learnable convolution.
        bias: Whether to learn a bias per output channel.
        zeros: Zero crossings of the sinc on each side, that is, half the filter length in input
            samples. More zeros narrow the transition band. 12 at stride 4 are 96 samples.
        beta: Shape of the Kaiser window. A larger beta lowers the side lobes and widens the
            transition band. 5 puts the side lobes at -54 dB (Kaiser & Schafer 1980).

    Raises:
        InputError: ``zeros`` is below 1, or ``beta`` is too large.

    Example:
        >>> layer = SincConvolution(1, 1, 2, length=9)
        >>> layer(torch.ones(1, 1, 4)).shape
        torch.Size([1, 1, 8])
        >>> layer.interpolate(torch.ones(1, 1, 2)).round(decimals=5).tolist()
        [[[1.0, 1.0, 1.0, 1.0]]]
    """

    phases: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        *,
        length: int,
        bias: bool = True,
        zeros: int = 12,
        beta: float = 5.0,
    ):
        super().__init__(in_channels, out_channels, stride, length=length, bias=bias)
        phases = torch.from_numpy(sinc_phases(stride, zeros, beta)).to(torch.get_default_dtype())
        self.register_buffer("phases", phases.unsqueeze(1), persistent=False)

    def interpolate(self, x: Tensor) -> Tensor:
        # Each phase of the output uses every stride-th tap of the long filter: the other taps meet
        # inserted zeros. So each phase is a short filter at the low rate (the polyphase identity).
        batch, channels = x.shape[:2]
        reach = self.phases.shape[-1] // 2
        held = F.pad(x, (reach, reach), mode="replicate").reshape(batch * channels, 1, -1)
        phases = F.conv1d(held, self.phases.to(x.dtype))
        return periodic_shuffle(phases, self.stride).reshape(batch, channels, -1)


def sinc_phases(stride: int, zeros: int = 12, beta: float = 5.0) -> np.ndarray:
    """The low-rate filters of the phases of windowed-sinc interpolation.

    Phase ``p`` lies ``(p - (stride - 1) / 2) / stride`` input samples after the center sample.
    Each phase is normalized to a gain of one at 0 Hz. Without that, the window would make the gains
    differ by a thousandth, and a constant would become a tone.

    Args:
        stride: Upsampling factor.
        zeros: Zero crossings of the sinc on each side.
        beta: Shape of the Kaiser window.

    Returns:
        ``(stride, 2 * zeros + 1)``, float64.

    Raises:
        InputError: ``zeros`` is below 1, or ``beta`` is too large.

    Example:
        >>> sinc_phases(stride=4).shape
        (4, 25)
        >>> sinc_phases(stride=4).sum(axis=1).round(9).tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    if zeros < 1:
        raise InputError(f"zeros: {zeros} zero crossings do not make a filter; use 1, 2, ...")
    after = (np.arange(stride) - (stride - 1) / 2) / stride
    times = after[:, None] - np.arange(-zeros, zeros + 1)
    if not abs(beta) <= MAX_BETA:
        raise InputError(f"beta: {beta} is no shape of a Kaiser window; use 0 to {MAX_BETA}")
    window = np.i0(beta * np.sqrt(np.clip(1 - (times / zeros) ** 2, 0, None))) / np.i0(beta)
    phases = np.where(np.abs(times) < zeros, np.sinc(times) * window, 0.0)
    return phases / phases.sum(axis=1, keepdims=True)
