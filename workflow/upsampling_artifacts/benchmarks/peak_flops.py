"""The peak arithmetic speed of a device."""

from __future__ import annotations

from functools import cache

import torch

from upsampling_artifacts.benchmarks.interleaved import time_call
from upsampling_artifacts.training.distributed import launch

# Matrices so large that arithmetic dominates, and so many repeats that one runs undisturbed.
PEAK_SIZE = {"cpu": 1024, "cuda": 8192}
PEAK_REPEATS = 12


@cache
def peak_tflop_per_second(accelerator: str, precision: str, threads: int) -> float:
    """Measure the speed of a product of large matrices, at the precision of training.

    The fastest of twelve repeats counts: it shows what the device can do, whatever else runs. In
    float32, a GPU rounds the factors of convolutions (TF32) but not those of matrix products,
    so a training step may exceed this peak.

    Args:
        accelerator: As Lightning Fabric names it.
        precision: As Lightning Fabric names it.
        threads: CPU threads.

    Returns:
        TFLOP/s.
    """
    fabric = launch(accelerator, 1, precision, threads)
    size = PEAK_SIZE[fabric.device.type]
    a, b = (torch.randn(size, size, device=fabric.device) for _ in range(2))
    with torch.no_grad(), fabric.autocast():
        dtype = (a[:1] @ b).dtype  # the type that this precision computes in
        a, b = a.to(dtype), b.to(dtype)
        seconds = min(time_call(lambda: a @ b)[0] for _ in range(PEAK_REPEATS))
    return 2 * size**3 / seconds / 1e12
