"""Load batches: worker processes read ahead, and the time that training waits is measured."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import cast

import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader

from upsampling_artifacts.data.segments import Batch, TrainingBatches
from upsampling_artifacts.interruption import ignore_signals


def load_batches(
    fabric: Fabric, batches: TrainingBatches, steps: range, num_workers: int
) -> TimedBatches:
    """Load the batches of the remaining steps, or this device's part of each, onto the device.

    One iterator serves all steps, so the worker processes start only once. Each reads two
    batches ahead (PyTorch's default). For a GPU, batches lie in pinned memory, from which they are
    copied while the GPU computes.

    Args:
        fabric: The device.
        batches: The batches of all devices.
        steps: The remaining steps.
        num_workers: Processes that read segments; 0 reads them in this process.

    Returns:
        The batches, in the order of ``steps``.
    """
    loader = DataLoader(
        replace(batches, part=fabric.global_rank, parts=fabric.world_size),
        sampler=steps,
        batch_size=None,
        num_workers=num_workers,
        worker_init_fn=ignore_signals,
        # Otherwise each new iterator would draw from the global generator, which the model uses.
        generator=torch.Generator(),
        pin_memory=fabric.device.type == "cuda",
    )
    on_device = fabric.setup_dataloaders(loader, use_distributed_sampler=False)
    return TimedBatches(cast("Iterable[Batch]", on_device))


class TimedBatches:
    """Iterates over batches and sums the time that training waits for them.

    The wait for the first batch does not count: it includes the start of the worker processes.

    Args:
        batches: The batches to yield.

    Attributes:
        waited_seconds: Time waited so far.
    """

    def __init__(self, batches: Iterable[Batch]):
        self.batches, self.waited_seconds = batches, 0.0

    def __iter__(self) -> Iterator[Batch]:
        requested_at = None
        for batch in self.batches:
            if requested_at is not None:
                self.waited_seconds += time.monotonic() - requested_at
            yield batch
            requested_at = time.monotonic()
