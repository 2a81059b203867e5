"""Batches for a training: worker processes read ahead, and the time spent waiting is measured."""

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
    """Load the batches of the given steps, or this device's part of each, onto the device.

    One iterator serves the whole training, so the worker processes start once. Each reads two
    batches ahead (PyTorch's default). For a GPU, batches lie in pinned memory, from which they are
    copied while the GPU computes.

    Args:
        fabric: The device.
        batches: The batches of all devices.
        steps: The steps that are left.
        num_workers: Processes that read segments; 0 reads them in this process.
    """
    loader = DataLoader(
        replace(batches, part=fabric.global_rank, parts=fabric.world_size),
        sampler=steps,
        batch_size=None,
        num_workers=num_workers,
        worker_init_fn=ignore_signals,
        # A generator of its own: each new iterator would draw from the model's random numbers.
        generator=torch.Generator(),
        pin_memory=fabric.device.type == "cuda",
    )
    on_device = fabric.setup_dataloaders(loader, use_distributed_sampler=False)
    return TimedBatches(cast("Iterable[Batch]", on_device))


class TimedBatches:
    """Iterates over batches and sums the time that the training waits for them.

    The wait for the first batch does not count: it is the start of the worker processes.

    Args:
        batches: The batches to pass on.

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
