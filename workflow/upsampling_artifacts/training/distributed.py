"""One training on one device, or on several at once (data parallel).

With several devices, the program that calls :func:`launch` is started once more per further
device, by Fabric, and all of them train the same model, each on its part of every batch. What
one of them writes or says would be written by all: only the first, ``fabric.is_global_zero``,
may. And all must do the same number of steps, or they wait for each other for ever: what makes
one of them stop has to be agreed on first (:func:`agree`).
"""

from __future__ import annotations

import sys
from typing import NoReturn

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from lightning_fabric.strategies import DDPStrategy
from lightning_fabric.utilities.exceptions import MisconfigurationException
from torch import Tensor

from upsampling_artifacts.errors import InputError


def launch(accelerator: str, devices: int, precision: str, threads: int) -> Fabric:
    """Start a process per device, if there are several, and connect them.

    Args:
        accelerator: As lightning-fabric names it.
        devices: How many to use.
        precision: As lightning-fabric names it.
        threads: CPU threads of each process.

    Raises:
        InputError: There are fewer devices.
    """
    try:
        fabric = Fabric(
            accelerator=accelerator,
            devices=devices,
            precision=precision,
            # What a model keeps beside its weights is the first's on all of them, as in a
            # checkpoint, which the first writes.
            strategy=DDPStrategy(broadcast_buffers=True) if devices > 1 else "auto",
            # Even inside a job of SLURM, which would else be believed to have started them all.
            plugins=LightningEnvironment(),
        )
    except MisconfigurationException as error:
        raise InputError(f"training.devices: {devices}: {' '.join(str(error).split())}") from None
    fabric.launch()
    torch.set_num_threads(threads)  # after launch, which sets them too
    return fabric


def agree(fabric: Fabric, loss: Tensor, stop: bool) -> tuple[float, bool]:
    """The mean of the losses of all devices, and whether any of them wants to stop."""
    said = torch.stack([loss.detach().float(), torch.tensor(float(stop), device=loss.device)])
    loss_sum, wanting = fabric.all_reduce(said, reduce_op="sum").tolist()
    return loss_sum / fabric.world_size, wanting > 0


def mean_over(fabric: Fabric, total: float, count: int) -> float:
    """The mean of what all devices have added up."""
    if fabric.world_size == 1:
        return total / count
    sums = torch.tensor([total, count], dtype=torch.float64, device=fabric.device)
    total, count = fabric.all_reduce(sums, reduce_op="sum").tolist()
    return total / count


def end(fabric: Fabric, error: Exception) -> NoReturn:
    """End all processes, once they have agreed to: the first says why, the others nothing.

    The others must end well: Fabric kills the first at once when one of them fails.
    """
    if fabric.is_global_zero:
        raise error
    sys.exit(0)
