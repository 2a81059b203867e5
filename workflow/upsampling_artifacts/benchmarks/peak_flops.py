"""How much arithmetic a device can do."""

from __future__ import annotations

from functools import cache

import torch

from upsampling_artifacts.benchmarks.interleaved import timed
from upsampling_artifacts.training.distributed import launch

# Matrices so large that a product is all arithmetic, and so many products that one is undisturbed.
PEAK_SIZE = {"cpu": 1024, "cuda": 8192}
PEAK_REPEATS = 12


@cache
def peak_tflop_per_second(accelerator: str, precision: str, threads: int) -> float:
    """What a device reaches in a product of large matrices, at a training's precision.

    The best of a dozen: what it can do, whatever else runs. In full float32, a GPU rounds the
    factors of convolutions (TF32), not those of matrix products, and may so exceed it.

    Args:
        accelerator: As lightning-fabric names it.
        precision: As lightning-fabric names it.
        threads: On a CPU.
    """
    fabric = launch(accelerator, 1, precision, threads)
    size = PEAK_SIZE[fabric.device.type]
    a, b = (torch.randn(size, size, device=fabric.device) for _ in range(2))
    with torch.no_grad(), fabric.autocast():
        dtype = (a[:1] @ b).dtype  # the one that this precision computes in
        a, b = a.to(dtype), b.to(dtype)
        seconds = min(timed(lambda: a @ b)[0] for _ in range(PEAK_REPEATS))
    return 2 * size**3 / seconds / 1e12
