"""Windowed sinc interpolation + convolution."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.upsamplers.interpolation import InterpolationConvolution
from upsampling_artifacts.upsamplers.periodic_shuffle import periodic_shuffle


class SincConvolution(InterpolationConvolution):
    """The band is kept, its replicas are filtered out, then a learnable convolution follows.

    After Pons et al., "Upsampling layers for music source separation" (2021): zero insertion and
    a fixed low-pass filter at the old Nyquist frequency, here a sinc under a Kaiser window. The
    replicas that are left lie in the filter's transition band. The end samples are held beyond
    the borders.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Upsampling factor.
        length: Filter length of the learnable convolution.
        bias: Whether to learn an offset per output channel.
        zeros: Zero crossings of the sinc on each side, in samples of the input: the longer, the
            narrower the transition band. 12 at stride 4 is a filter of 96 samples.
        beta: Of the Kaiser window: the larger, the lower the side lobes and the wider the
            transition band. 5 puts the side lobes at -54 dB (Kaiser & Schafer 1980).

    Raises:
        InputError: The sinc has no zero crossing.
    """

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
        # Zero insertion and the long filter, without the products with zeros: at the low rate,
        # each phase of the output has a filter of its own.
        batch, channels = x.shape[:2]
        reach = self.phases.shape[-1] // 2
        held = F.pad(x, (reach, reach), mode="replicate").reshape(batch * channels, 1, -1)
        phases = F.conv1d(held, self.phases.to(x.dtype))
        return periodic_shuffle(phases, self.stride).reshape(batch, channels, -1)


def sinc_phases(stride: int, zeros: int = 12, beta: float = 5.0) -> np.ndarray:
    """The filters of the output's phases, ``(stride, 2 * zeros + 1)`` float64.

    Phase ``p`` lies ``(p - (stride - 1) / 2) / stride`` input samples after the sample in the
    middle. Each phase is scaled to gain one at 0 Hz, for where the window alone leaves them
    different by a thousandth, a constant becomes a tone.

    Raises:
        InputError: ``zeros`` is below 1.
    """
    if zeros < 1:
        raise InputError(f"zeros: {zeros} leaves nothing of a sinc; use 1, 2, 3, ...")
    after = (np.arange(stride) - (stride - 1) / 2) / stride
    times = after[:, None] - np.arange(-zeros, zeros + 1)
    window = np.i0(beta * np.sqrt(np.clip(1 - (times / zeros) ** 2, 0, None))) / np.i0(beta)
    phases = np.where(np.abs(times) < zeros, np.sinc(times) * window, 0.0)
    return phases / phases.sum(axis=1, keepdims=True)
