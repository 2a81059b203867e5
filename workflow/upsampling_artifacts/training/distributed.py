"""Train on one device, or on several (data parallel).

With several devices, :func:`launch` starts the calling program again for each additional device.
All processes train the same model, each on its part of every batch. Two rules follow:

- Only the first process, ``fabric.is_global_zero``, writes files and messages.
- All processes take the same number of steps, or they would wait for each other forever. So they
  agree (:func:`agree`) before any of them stops.

They run on one machine and listen on its loopback interface only: what they exchange is neither
encrypted nor authenticated.
"""

from __future__ import annotations

import os
import socket
import sys
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn, cast

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.utilities.exceptions import MisconfigurationException
from torch import Tensor
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from upsampling_artifacts.errors import InputError, first_line

if TYPE_CHECKING:
    from lightning_fabric.plugins.precision.precision import _PRECISION_INPUT


class OneMachine(LightningEnvironment):
    """Processes that meet on this machine, where no other machine can reach them."""

    @property
    def main_address(self) -> str:
        """The address at which the processes meet."""
        return "127.0.0.1"

    @property
    def main_port(self) -> int:
        """The port at which the processes meet."""
        return self._store.port if self.local_rank() == 0 else super().main_port

    @cached_property
    def _store(self) -> TCPStore:
        """The first process's store. PyTorch's own would listen on all interfaces.

        As both are "multi-tenant", PyTorch finds this one at its port and starts no other.
        """
        listener = socket.create_server((self.main_address, 0))
        return TCPStore(
            self.main_address,
            listener.getsockname()[1],
            is_master=True,
            wait_for_workers=False,
            multi_tenant=True,
            master_listen_fd=listener.detach(),
        )


def launch(accelerator: str, devices: int, precision: str, threads: int) -> Fabric:
    """Start one process per device and connect them; a single device needs no additional process.

    Args:
        accelerator: As Lightning Fabric names it, for example ``"cpu"`` or ``"cuda"``.
        devices: Number of devices.
        precision: As Lightning Fabric names it, for example ``"32-true"`` or ``"bf16-mixed"``.
        threads: CPU threads per process.

    Returns:
        The Fabric of this process.

    Raises:
        InputError: The machine has fewer devices.
    """
    if devices > 1:
        loopback = next(name for _, name in socket.if_nameindex() if name.startswith("lo"))
        os.environ["GLOO_SOCKET_IFNAME"] = os.environ["NCCL_SOCKET_IFNAME"] = loopback
    try:
        fabric = Fabric(
            accelerator=accelerator,
            devices=devices,
            precision=cast("_PRECISION_INPUT", precision),
            # All devices take the buffers of the first process, which writes the checkpoint.
            strategy=DDPStrategy(broadcast_buffers=True) if devices > 1 else "auto",
            # Without it, Fabric would expect SLURM to have started all processes.
            plugins=OneMachine(),
        )
    except MisconfigurationException as error:
        key = "devices" if devices > 1 else "accelerator"
        value = devices if devices > 1 else accelerator
        raise InputError(f"training.{key}: {value}: {first_line(error)}") from None
    fabric.launch()
    torch.set_num_threads(threads)  # after launch, which sets the number too
    return fabric


def agree(fabric: Fabric, loss: Tensor, stop: bool) -> tuple[float, bool]:
    """Average the loss of a step over all devices, and agree on whether to stop.

    Args:
        fabric: The devices.
        loss: The loss on this device, a scalar.
        stop: Whether this process must stop.

    Returns:
        The mean loss over all devices, and whether any process must stop.
    """
    votes = torch.stack([loss.detach().float(), torch.tensor(float(stop), device=loss.device)])
    loss_sum, stops = _sum_over_devices(fabric, votes)
    return loss_sum / fabric.world_size, stops > 0


def mean_over_devices(fabric: Fabric, total: float, count: int) -> float:
    """Compute the mean of values that are spread over all devices.

    Args:
        fabric: The devices.
        total: Sum of the values on this device.
        count: Number of the values on this device.
    """
    if fabric.world_size == 1:
        return total / count
    sums = torch.tensor([total, count], dtype=torch.float64, device=fabric.device)
    total_sum, count_sum = _sum_over_devices(fabric, sums)
    return total_sum / count_sum


def end_together(fabric: Fabric, error: Exception) -> NoReturn:
    """End all processes after they agreed to: the first raises the error, the others are silent.

    The others exit with status 0: Fabric kills the first process as soon as another one fails.
    """
    if fabric.is_global_zero:
        raise error
    sys.exit(0)


def _sum_over_devices(fabric: Fabric, values: Tensor) -> list[float]:
    return cast(Tensor, fabric.all_reduce(values, reduce_op="sum")).tolist()
