"""What to say when a training step needs more memory than there is: which settings would fit."""

from __future__ import annotations

import atexit
import gc
import os
import re
import resource
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.optim import Optimizer

from upsampling_artifacts.data.segments import Batch
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.training.activation_checkpointing import has_batch_normalization
from upsampling_artifacts.training.options import TrainingOptions
from upsampling_artifacts.training.step import prepare, take_step

# Of the allocator of CPU memory, of CUDA and its libraries, and of oneDNN, in errors that have no
# class of their own.
MESSAGES = re.compile(
    r"can't allocate memory|out of memory|ALLOC_FAILED|bad_alloc|could not create a primitive$"
)
# Of several devices with the same parts of a batch most run out in the same step, and find out in
# about the same time what fits: the first shall say it.
SECONDS_FOR_THE_FIRST = 60


@contextmanager
def explained(
    fabric: Fabric, model: nn.Module, optimizer: Optimizer, batch: Batch, options: TrainingOptions
) -> Iterator[None]:
    """Should the step inside run out of memory, end the training and say what would fit.

    What fits is tried: steps with ever smaller parts of this batch, on this device. The weights
    are worth nothing after that. Memory of the machine itself can run out without an error: Linux
    may kill a process that uses what it was promised.

    Args:
        fabric: The device.
        model: What is trained, as :func:`training.step.prepare` made it.
        optimizer: Its optimizer.
        batch: Of the step.
        options: Of the training.

    Raises:
        InputError: The step ran out of memory.
    """
    failed = False
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        # Its frames hold the activations.
        traceback.clear_frames(error.__traceback__)
        failed = True
    if failed:
        optimizer.zero_grad()
        optimizer.state.clear()
        _end_all(fabric, InputError(_advice(fabric, model.module, batch, options)))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of PyTorch, or of Python, says that memory has run out."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and bool(MESSAGES.search(str(error)))


def _advice(fabric: Fabric, model: nn.Module, batch: Batch, options: TrainingOptions) -> str:
    memory = _memory_of(fabric.device)
    seconds = f"{options.segment_seconds:g} s"
    fitting = _accumulation_that_fits(fabric, model, batch, options)
    if fitting is None:
        smaller = {
            "training.activation_checkpointing: true": not options.activation_checkpointing,
            "training.precision: bf16-mixed": options.precision == "32-true",
            "a shorter training.segment_seconds": True,
        }
        ways = " or ".join(way for way, is_left in smaller.items() if is_left)
        return f"not even one segment of {seconds} fits into {memory} with this model; try {ways}"
    learns = "and learns the same"
    if has_batch_normalization(model):
        learns += " but for batch normalization, which sees the parts"
    return (
        f"training.batch_size: {options.part_size} segments of {seconds} at once do not fit into "
        f"{memory}; set training.gradient_accumulation: {fitting} "
        f"({len(batch[0]) // fitting} at a time), which fits, {learns}"
    )


def _memory_of(device: torch.device) -> str:
    if device.type == "cuda":
        gpu = torch.cuda.get_device_properties(device)
        return f"the {gpu.total_memory / 1e9:.3g} GB of {gpu.name}"
    allowed = resource.getrlimit(resource.RLIMIT_AS)[0]
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if allowed != resource.RLIM_INFINITY and allowed < there:
        return f"the {allowed / 1e9:.3g} GB that this process may use"
    return f"the {there / 1e9:.3g} GB of this machine"


def _accumulation_that_fits(
    fabric: Fabric, model: nn.Module, batch: Batch, options: TrainingOptions
) -> int | None:
    """The fewest parts, of equal size, with which a step fits; None if one segment does not."""
    segments = len(batch[0])
    for parts in range(options.gradient_accumulation + 1, segments + 1):
        if segments % parts == 0 and _fits(fabric, model, batch, parts):
            return parts
    return None


def _fits(fabric: Fabric, model: nn.Module, batch: Batch, parts: int) -> bool:
    gc.collect()
    if fabric.device.type == "cuda":
        torch.cuda.empty_cache()
    # Parameters of its own, in the same memory: other devices wait for the gradients of the old.
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            own = nn.Parameter(parameter.detach(), parameter.requires_grad)
            setattr(module, name, own)
    device = fabric.device
    alone = Fabric(
        accelerator=device.type,
        devices=1 if device.index is None else [device.index],
        precision=fabric.strategy.precision.precision,
    )
    try:
        trained, optimizer = prepare(alone, model, learning_rate=0.0)
        take_step(alone, trained, optimizer, batch, parts)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)
        return False
    return True


def _end_all(fabric: Fabric, error: InputError) -> NoReturn:
    """End all processes without their agreement: some wait in vain for the step of another.

    The first ends the others as it ends. When another process ends with an error, Fabric ends all
    within seconds.
    """
    if fabric.world_size > 1 and fabric.is_global_zero:
        for process in fabric.strategy.launcher.procs:
            atexit.register(process.kill)
    elif not fabric.is_global_zero:
        time.sleep(SECONDS_FOR_THE_FIRST)
    raise error from None
