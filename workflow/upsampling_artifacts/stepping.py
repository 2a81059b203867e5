"""One step of a training: the loss of a batch, its gradients, and what Adam makes of them.

Also the loss of all validation segments, by which trainings are compared.
"""

from __future__ import annotations

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from upsampling_artifacts.data.segments import Batch, ValidationBatches, to_waveforms
from upsampling_artifacts.devices import mean_over


def loss_function(model: nn.Module, batch: Batch) -> Tensor:
    """L1 distance between the estimated and the true waveforms, normalised by the song.

    A model may be trained by a loss of its own (:mod:`models`); all are validated by this one.
    """
    stems = to_waveforms(batch)
    mixture = stems.sum(dim=1)
    if getattr(model, "own_loss", False) and model.training:
        return model(mixture, stems)
    return F.l1_loss(model(mixture), stems)


def prepare(
    fabric: Fabric, model: nn.Module, learning_rate: float, weight_decay: float = 0.0
) -> tuple[nn.Module, Optimizer]:
    """A model and its optimizer, ready for steps on a device.

    Args:
        fabric: The device, and the precision.
        model: What to train.
        learning_rate: Of Adam.
        weight_decay: Of Adam.
    """
    adam = torch.optim.Adam(model.parameters(), lr=learning_rate, weight_decay=weight_decay)
    return fabric.setup(model, adam)


def take_step(fabric: Fabric, model: nn.Module, optimizer: Optimizer, batch: Batch) -> Tensor:
    """One step of what :func:`prepare` made; the loss of the batch, still on its device."""
    optimizer.zero_grad()
    loss = loss_function(model, batch)
    fabric.backward(loss)
    optimizer.step()
    return loss


@torch.no_grad()
def validate(fabric: Fabric, model: nn.Module, valid: ValidationBatches) -> float:
    """Mean loss over all validation segments, which the devices share."""
    model.eval()
    total = count = 0
    for index in range(fabric.global_rank, len(valid), fabric.world_size):
        batch = fabric.to_device(valid[index])
        total += loss_function(model, batch).item() * len(batch[0])
        count += len(batch[0])
    model.train()
    return mean_over(fabric, total, count)
