"""Peak memory of a training step."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.profiler import ProfilerActivity, profile


def peak_bytes(
    step: Callable[[], object], model: nn.Module, optimizer: Optimizer, batch: Iterable[Tensor]
) -> int:
    """Peak memory of training: what is held between steps, and what one step adds to that.

    The weights, the moments of the optimizer and the batch are held. The step adds activations,
    gradients and the workspace of its operators. Other models on the device do not count.

    On a GPU, the step adds the rise of ``torch.cuda.max_memory_allocated``. On a CPU, it adds the
    peak of the allocations that PyTorch's profiler sees. Memory that a library (such as oneDNN)
    allocates without PyTorch is in neither. The process itself is larger: it includes PyTorch and
    what its allocator keeps.

    Args:
        step: Takes one step, but not the first, which allocates the moments.
        model: The model that it trains.
        optimizer: The optimizer of the model.
        batch: The tensors of the batch.

    Returns:
        Bytes.
    """
    optimizer.zero_grad()  # as at the start of a step: gradients are part of what it adds
    device = next(iter(batch)).device
    rise = _rise_on_gpu if device.type == "cuda" else _rise_on_cpu
    moments = [value for state in optimizer.state.values() for value in state.values()]
    held = [*model.parameters(), *model.buffers(), *filter(torch.is_tensor, moments), *batch]
    storages = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
        for tensor in held
        if tensor.device == device  # Adam keeps its step count on the CPU
    }
    return sum(storages.values()) + rise(step)


def _rise_on_gpu(step: Callable[[], object]) -> int:
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    step()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before


def _rise_on_cpu(step: Callable[[], object]) -> int:
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # otherwise prints an error without a GPU
    with profile(
        activities=[ProfilerActivity.CPU], profile_memory=True, acc_events=True
    ) as profiled:
        step()
    # The public tables sum allocations per operator and have no peaks, so read the raw events.
    events = profiled.profiler.kineto_results.events()
    changes = sorted(
        (event for event in events if event.name() == "[memory]"),
        key=lambda event: event.start_ns(),
    )
    return max(itertools.accumulate(event.nbytes() for event in changes), default=0)
