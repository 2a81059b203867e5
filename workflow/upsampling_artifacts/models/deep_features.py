"""Deep feature losses: compare what a convolutional network computes from two waveforms.

After Germain, Chen & Koltun (2019), "Speech denoising with deep feature losses" (reference 16 of
the paper), but with random weights: the backward pass of a strided convolution is a transposed
convolution, whatever the weights.
"""

from __future__ import annotations

import itertools

from torch import Tensor, nn
from torch.nn import functional as F

STRIDE = 4
"""As in the networks of the paper, so that the loss and the upsamplers share their frequencies."""

LENGTH = 2 * STRIDE
"""Filter length: full overlap, as in the paper's Demucs."""

WIDTHS = (16, 32, 64)
SLOPE = 0.2
"""Slope of the leaky ReLUs for negative inputs."""


class DeepFeatures(nn.Module):
    """Mean L1 distance between the features of three strided convolutions, each with leaky ReLU.

    Its gradient has a tone. Let ``a`` and ``b`` be a feature of estimate and target before the
    ReLU, jointly normal, with correlation ``r`` between ``a`` and ``a - b``. The gradient that
    reaches ``a`` is ``sign(a - b)`` for positive ``a`` and ``SLOPE`` times that for negative ``a``.
    Its mean is ``(1 - SLOPE) arcsin(r) / pi``: an error makes the estimate's features larger, and
    the loss pushes them down. The transposed convolution of the backward pass turns this offset
    into a tone, as it does in a network (section 2 of the paper).

    Shape:
        Estimate and target: ``(..., time)``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            self._block(inputs, outputs) for inputs, outputs in itertools.pairwise((1, *WIDTHS))
        )
        for module in self.modules():
            if isinstance(module, nn.Conv1d):
                nn.init.kaiming_normal_(module.weight, a=SLOPE)

    def _block(self, inputs: int, outputs: int) -> nn.Module:
        """From ``(batch, inputs, time)`` to ``(batch, outputs, time / STRIDE)``."""
        convolution = nn.Conv1d(inputs, outputs, LENGTH, STRIDE, LENGTH // 2, bias=False)
        return nn.Sequential(convolution, nn.LeakyReLU(SLOPE))

    def forward(self, estimate: Tensor, target: Tensor) -> Tensor:
        a, b = (waveforms.flatten(0, -2).unsqueeze(1) for waveforms in (estimate, target))
        distance = estimate.new_zeros(())
        for block in self.blocks:
            a, b = block(a), block(b)
            distance = distance + F.l1_loss(a, b)
        return distance / len(self.blocks)


class DeepFeaturesPooling(DeepFeatures):
    """The same with convolutions of stride 1, each followed by max pooling."""

    def _block(self, inputs: int, outputs: int) -> nn.Module:
        convolution = nn.Conv1d(inputs, outputs, LENGTH, padding=LENGTH // 2, bias=False)
        return nn.Sequential(convolution, nn.LeakyReLU(SLOPE), nn.MaxPool1d(STRIDE))
