"""Batches for a training: read ahead by processes of their own, and how long it waits for them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader

from upsampling_artifacts.data.segments import Batch, TrainingBatches
from upsampling_artifacts.interruption import ignore_signals


def load(fabric: Fabric, batches: TrainingBatches, steps: range, processes: int) -> Waiting:
    """The batches of the given steps, or this device's part of each, on the device.

    One iterator serves the whole training, so that loading processes live as long as it does. Each
    reads two batches ahead (PyTorch's default). For a GPU they lie in pinned memory, from which
    they are copied while it computes.

    Args:
        fabric: The device.
        batches: Of all devices.
        steps: Which steps are still to be taken.
        processes: That read segments beside the training; 0: it reads them itself.
    """
    loader = DataLoader(
        replace(batches, part=fabric.global_rank, parts=fabric.world_size),
        sampler=steps,
        batch_size=None,
        num_workers=processes,
        worker_init_fn=ignore_signals,
        # Its own: else it would draw from the model's random numbers each time it begins.
        generator=torch.Generator(),
        pin_memory=fabric.device.type == "cuda",
    )
    return Waiting(fabric.setup_dataloaders(loader, use_distributed_sampler=False))


class Waiting:
    """Passes on what it is given, and counts the time that its receiver waits for it.

    The first one is not counted: waiting for that is waiting for loading processes to start.

    Args:
        source: What to pass on.

    Attributes:
        seconds: Waited so far.
    """

    def __init__(self, source: Iterable[Batch]):
        self.source, self.seconds = source, 0.0

    def __iter__(self) -> Iterator[Batch]:
        asked = None
        for batch in self.source:
            if asked is not None:
                self.seconds += time.monotonic() - asked
            yield batch
            asked = time.monotonic()
