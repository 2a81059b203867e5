"""Adversarial losses: the discriminator of WaveGAN, without and with phase shuffle.

Donahue, McAuley & Puckette (2019), "Adversarial audio synthesis" (reference 1 of the paper). Here
the discriminator has random weights. As a training loss it would have to learn, so these losses
only serve to measure the gradient that a discriminator sends back.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STRIDE, LENGTH, LAYERS = 4, 25, 5
SAMPLES = 16384
"""Length of the waveforms that the discriminator judges."""

WIDTH = 16
"""Channels after the first convolution: a quarter of WaveGAN's, so that many seeds take seconds."""

SHUFFLE = 2
SLOPE = 0.2


class Adversarial(nn.Module):
    """What a generator minimizes: minus the discriminator's mean score of its output.

    ::

        5 x   convolution 25, stride 4, twice the channels - leaky ReLU - phase shuffle (not the
              last time)
        linear layer to one score

    Convolutions are padded and initialized as in the authors' code (TensorFlow's "same", Glorot).

    Shape:
        Estimate and target: ``(..., SAMPLES)``. The target is ignored.
    """

    shuffle = 0
    """Largest random shift of phase shuffle, in samples of the shifted features."""

    def __init__(self) -> None:
        super().__init__()
        widths = [1, *(WIDTH * 2**layer for layer in range(LAYERS))]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(inputs, outputs, LENGTH, STRIDE, bias=False)
            for inputs, outputs in itertools.pairwise(widths)
        )
        self.score = nn.Linear(widths[-1] * SAMPLES // STRIDE**LAYERS, 1)
        for layer in (*self.convolutions, self.score):
            nn.init.xavier_uniform_(layer.weight)

    def forward(self, estimate: Tensor, target: Tensor) -> Tensor:
        x = estimate.flatten(0, -2).unsqueeze(1)
        padding = LENGTH - STRIDE
        for number, convolution in enumerate(self.convolutions, start=1):
            x = F.leaky_relu(convolution(F.pad(x, (padding // 2, padding - padding // 2))), SLOPE)
            if self.shuffle and number < LAYERS:
                x = shuffle_phase(x, self.shuffle)
        return -self.score(x.flatten(1)).mean()


class AdversarialPhaseShuffle(Adversarial):
    """The same with phase shuffle: each layer's features are shifted by up to two samples.

    A shift by ``k`` samples after layer ``l`` moves the gradient's pattern by ``k * 4**l`` samples
    of the waveform. On average over the five shifts, a line at ``f`` is weakened to
    ``(1 + 2 cos(2 pi u) + 2 cos(4 pi u)) / 5`` with ``u = f * 4**l / rate``. At ``rate / 16`` this
    is -14 dB. At ``rate / 4`` it is 0 dB: no shift of features moves the pattern of the first
    convolution.
    """

    shuffle = SHUFFLE


def shuffle_phase(x: Tensor, most: int) -> Tensor:
    """Shift all channels by one random number of samples, and reflect what is missing.

    Args:
        x: ``(batch, channels, time)``.
        most: Largest shift, in either direction.

    Returns:
        The same shape.
    """
    shift = int(torch.randint(-most, most + 1, ()))
    padded = F.pad(x, (max(shift, 0), max(-shift, 0)), mode="reflect")
    return padded[..., : x.shape[-1]] if shift > 0 else padded[..., -x.shape[-1] :]
