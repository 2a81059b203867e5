"""Subtract a trained network's response to silence from its output."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SilenceSubtraction(nn.Module):
    """A network without what it adds to silence.

    After the denoiser of flow vocoders (Prenger, Valle & Catanzaro 2019, "WaveGlow", in the
    authors' code), which subtracts the magnitude spectrum of the response to silence from that of
    every frame. The tone of an upsampling layer has a fixed phase with respect to the layer's
    strides, so here the waveform itself is subtracted: silence becomes exactly zero. What a network
    adds to music is another matter, because it is not linear.

    It costs one example more per batch. The response depends on the length alone, so whoever
    processes chunks of one length could keep it.

    Shape:
        - Input: ``(batch, audio_channels, time)``
        - Output: ``(batch, n_sources, audio_channels, time)``

    Args:
        model: The network, trained without the subtraction.

    Example:
        >>> class Hum(nn.Module):
        ...     def forward(self, mixture):
        ...         return (mixture + torch.tensor([0.5, -0.5])).unsqueeze(1)
        >>> SilenceSubtraction(Hum())(torch.tensor([[[0.0, 0.0]], [[1.0, 3.0]]])).tolist()
        [[[[0.0, 0.0]]], [[[1.0, 3.0]]]]
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, mixture: Tensor) -> Tensor:
        # In one batch with the mixture, the response is computed and rounded in the same way.
        outputs = self.model(torch.cat([mixture, torch.zeros_like(mixture[:1])]))
        return outputs[:-1] - outputs[-1:]
