"""Losses that compare waveforms sample by sample."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class L1(nn.Module):
    """Mean absolute difference, with which the paper trains (section 6).

    Its gradient has the same magnitude at every sample.
    """

    def __init__(self) -> None:
        super().__init__()  # takes no options, unlike the constructor that it would inherit

    def forward(self, estimate: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(estimate, target)


class L2(nn.Module):
    """Mean squared difference. Its gradient is proportional to the error."""

    def __init__(self) -> None:
        super().__init__()

    def forward(self, estimate: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(estimate, target)
