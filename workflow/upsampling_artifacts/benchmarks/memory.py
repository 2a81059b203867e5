"""How much memory a training step takes at its peak."""

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
    """Memory of a training at the peak of one step: what it holds, and what the step adds to that.

    It holds weights, the optimizer's moments and the batch; the step adds activations, gradients
    and whatever its operators need for themselves. Other models on the device do not count. On a
    GPU the rise is that of ``torch.cuda.max_memory_allocated``. On a CPU it is the highest sum of
    what PyTorch's profiler saw allocated and freed; memory that a library takes without PyTorch
    (oneDNN's, say) is in neither, and the process is larger than this: PyTorch itself, and what
    its allocator keeps.

    Args:
        step: Takes one step; not the first, which makes the moments.
        model: What it trains.
        optimizer: By what.
        batch: Its tensors.
    """
    optimizer.zero_grad()  # as the step begins: gradients are part of what it adds
    device = next(iter(batch)).device
    rise = _rise_on_gpu if device.type == "cuda" else _rise_on_cpu
    moments = [value for state in optimizer.state.values() for value in state.values()]
    held = [*model.parameters(), *model.buffers(), *filter(torch.is_tensor, moments), *batch]
    storages = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
        for tensor in held
        if tensor.device == device  # Adam counts its steps on the CPU
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
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # else, without a GPU, an error is printed
    with profile(
        activities=[ProfilerActivity.CPU], profile_memory=True, acc_events=True
    ) as profiled:
        step()
    # Its public tables add up what an operator allocated and freed, and have no peaks.
    events = profiled.profiler.kineto_results.events()
    changes = sorted(
        (event for event in events if event.name() == "[memory]"),
        key=lambda event: event.start_ns(),
    )
    return max(itertools.accumulate(event.nbytes() for event in changes), default=0)
