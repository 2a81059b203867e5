"""One step of a training: the loss of a batch, its gradients, and what Adam makes of them.

Also the loss of all validation segments, by which trainings are compared.
"""

from __future__ import annotations

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import MixedPrecision
from torch import Tensor, nn
from torch.optim import Optimizer

from upsampling_artifacts.data.segments import Batch, ValidationBatches
from upsampling_artifacts.models.loss import loss_function
from upsampling_artifacts.training.activation_checkpointing import checkpoint_blocks
from upsampling_artifacts.training.distributed import mean_over


def prepare(
    fabric: Fabric,
    model: nn.Module,
    learning_rate: float,
    weight_decay: float = 0.0,
    activation_checkpointing: bool = False,
) -> tuple[nn.Module, Optimizer]:
    """A model and its optimizer, ready for steps on a device.

    Args:
        fabric: The device, and the precision.
        model: What to train.
        learning_rate: Of Adam.
        weight_decay: Of Adam.
        activation_checkpointing: Whether activations are computed again instead of being kept
            (:mod:`training.activation_checkpointing`).

    Raises:
        InputError: The model has no blocks whose activations could be computed again.
    """
    if activation_checkpointing:
        checkpoint_blocks(model)
    precision = fabric.strategy.precision
    if isinstance(precision, MixedPrecision):
        # Autocast rounds what goes into a product. The mixture itself stays as it is: rounded to
        # bfloat16 it has noise 55 dB down, louder than music at high frequencies.
        precision.convert_input = lambda data: data
    # Fused: all weights in one go. So a step of the demonstration's network takes 0.94 of the time,
    # on one thread (benchmarks/switches.csv); weights differ by rounding.
    adam = torch.optim.Adam(
        model.parameters(), lr=learning_rate, weight_decay=weight_decay, fused=True
    )
    return fabric.setup(model, adam)


def take_step(
    fabric: Fabric,
    model: nn.Module,
    optimizer: Optimizer,
    batch: Batch,
    gradient_accumulation: int = 1,
) -> Tensor:
    """One step of what :func:`prepare` made; the loss of the batch, still on its device.

    Args:
        fabric: The device.
        model: What is trained.
        optimizer: Its optimizer.
        batch: All segments of the step, or this device's.
        gradient_accumulation: In how many equal parts the batch goes through the model, one
            after the other. Gradients are means over segments and add up to those of the whole
            batch.
    """
    optimizer.zero_grad()
    loss = torch.zeros((), device=batch[0].device)
    parts = zip(*(tensor.chunk(gradient_accumulation) for tensor in batch), strict=True)
    for number, part in enumerate(parts, start=1):
        # Devices exchange their gradients once, when they are complete.
        with fabric.no_backward_sync(model, enabled=number < gradient_accumulation):
            of_part = loss_function(model, part) / gradient_accumulation
            fabric.backward(of_part)
        loss += of_part.detach()
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
