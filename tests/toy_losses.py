"""Small user-supplied losses for the tests, valid and invalid: ``tests.toy_losses:Scaled``."""

import torch
from torch import nn
from torch.nn import functional as F


class Scaled(nn.Module):
    """L1 distance times an option, with a weight that training must leave alone."""

    def __init__(self, scale: float = 1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(scale))

    def forward(self, estimate, target):
        return self.weight * F.l1_loss(estimate, target)


class PerExample(nn.Module):
    def forward(self, estimate, target):
        return (estimate - target).abs().flatten(1).mean(1)


class NoTensor(nn.Module):
    def forward(self, estimate, target):
        return (estimate - target).abs().mean().item()


class Detached(nn.Module):
    def forward(self, estimate, target):
        return F.l1_loss(estimate.detach(), target)


class Infinite(nn.Module):
    def forward(self, estimate, target):
        return F.l1_loss(estimate, target) / 0


class Raises(nn.Module):
    def forward(self, estimate):
        return estimate.mean()


class NeedsWeights(nn.Module):
    def __init__(self):
        raise FileNotFoundError("weights.pt")


class NoModule:
    def __call__(self, estimate, target):
        return F.l1_loss(estimate, target)
