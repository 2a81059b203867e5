"""The peak arithmetic speed of a device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch

from upsampling_artifacts.benchmarks.interleaved import time_call
from upsampling_artifacts.training.distributed import launch
from upsampling_artifacts.training.step import computed_in

# Matrices so large that arithmetic dominates, and so many repeats that one runs undisturbed.
PEAK_SIZE = {"cpu": 1024, "cuda": 8192}
PEAK_REPEATS = 12


@cache
def peak_tflop_per_second(accelerator: str, precision: str, threads: int) -> float:
    """Measure the speed of a product of large matrices, at the precision of training.

    The fastest of twelve repeats counts: it shows what the device can do, whatever else runs.

    A training step mixes arithmetic. Its peak is that of the fastest kind in it, so no step exceeds
    it. That is the tensor cores' TF32 where convolutions and LSTMs run in it, although the matrix
    products of linear layers stay in float32; and bfloat16 under ``bf16-mixed``, although Fourier
    transforms stay in float32.

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
    tf32 = computed_in(precision, fabric.device) == "tf32"
    with torch.no_grad(), fabric.autocast(), _tf32_products(tf32):
        dtype = (a[:1] @ b).dtype  # the type that this precision computes in
        a, b = a.to(dtype), b.to(dtype)
        seconds = min(time_call(lambda: a @ b)[0] for _ in range(PEAK_REPEATS))
    return 2 * size**3 / seconds / 1e12


@contextmanager
def _tf32_products(allowed: bool) -> Iterator[None]:
    """Compute matrix products in TF32, too; by default, only convolutions and LSTMs are."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before
