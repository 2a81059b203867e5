"""When a training step runs out of memory: find the settings that fit, and name them."""

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
from dataclasses import replace
from typing import NoReturn

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.launchers.subprocess_script import _SubprocessScriptLauncher
from torch import nn

from upsampling_artifacts.data.segments import Batch
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.training.activation_checkpointing import has_batch_normalization
from upsampling_artifacts.training.options import TrainingOptions
from upsampling_artifacts.training.step import Trainer

# Errors without a class of their own: from the CPU allocator, CUDA and its libraries, and oneDNN.
MESSAGES = re.compile(
    r"can't allocate memory|out of memory|ALLOC_FAILED|bad_alloc|could not create a primitive$"
)
# Devices with equal parts of a batch mostly run out of memory in the same step, and take about the
# same time to find what fits. The other processes wait this long, so that the first one reports it.
SECONDS_FOR_FIRST_PROCESS = 60


@contextmanager
def explain_out_of_memory(
    trainer: Trainer, batch: Batch, options: TrainingOptions
) -> Iterator[None]:
    """Context manager: if a step runs out of memory, end training and name the settings that fit.

    Trial steps with ever smaller parts of the batch, on this device, find what fits. They destroy
    the state of training. Not every shortage raises an error: Linux may kill a process for using
    memory that it was granted.

    Args:
        trainer: Takes the step.
        batch: The batch of the step.
        options: Training options.

    Raises:
        InputError: The step ran out of memory.
    """
    failed = False
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        # The frames of the error hold the activations.
        traceback.clear_frames(error.__traceback__)
        failed = True
    if failed:
        trainer.optimizer.zero_grad()
        trainer.optimizer.state.clear()
        _end_all(trainer.fabric, InputError(_advice(trainer, batch, options)))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error from PyTorch or Python reports a lack of memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and bool(MESSAGES.search(str(error)))


def _advice(trainer: Trainer, batch: Batch, options: TrainingOptions) -> str:
    memory = _describe_memory(trainer.fabric.device)
    segment = f"{options.segment_seconds:g} s"
    n_parts = _accumulation_that_fits(trainer, batch, options)
    if n_parts is None:
        smaller = {
            "training.activation_checkpointing: true": not options.activation_checkpointing,
            "training.precision: bf16-mixed": options.precision == "32-true",
            "a shorter training.segment_seconds": True,
        }
        ways = " or ".join(way for way, is_left in smaller.items() if is_left)
        return f"not even one segment of {segment} fits into {memory} with this model; try {ways}"
    result = "and gives the same result"
    if has_batch_normalization(trainer.model):
        result += " except for batch normalization, whose statistics are those of each part"
    return (
        f"training.batch_size: {options.part_size} segments of {segment} at once do not fit into "
        f"{memory}; set training.gradient_accumulation: {n_parts} "
        f"({len(batch[0]) // n_parts} at a time), which fits {result}"
    )


def _describe_memory(device: torch.device) -> str:
    if device.type == "cuda":
        gpu = torch.cuda.get_device_properties(device)
        return f"the {gpu.total_memory / 1e9:.3g} GB of {gpu.name}"
    allowed = resource.getrlimit(resource.RLIMIT_AS)[0]
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if allowed != resource.RLIM_INFINITY and allowed < installed:
        return f"the {allowed / 1e9:.3g} GB that this process may use"
    return f"the {installed / 1e9:.3g} GB of this machine"


def _accumulation_that_fits(trainer: Trainer, batch: Batch, options: TrainingOptions) -> int | None:
    """The fewest equal parts with which a step fits; None if a single segment does not fit."""
    segments = len(batch[0])
    for n_parts in range(options.gradient_accumulation + 1, segments + 1):
        if segments % n_parts == 0 and _fits(
            trainer, batch, replace(options, gradient_accumulation=n_parts)
        ):
            return n_parts
    return None


def _fits(trainer: Trainer, batch: Batch, options: TrainingOptions) -> bool:
    gc.collect()
    device = trainer.fabric.device
    if device.type == "cuda":
        torch.cuda.empty_cache()
    model: nn.Module = trainer.model.module
    # New parameters in the same memory: other devices wait for gradients of the old ones.
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            replacement = nn.Parameter(parameter.detach(), parameter.requires_grad)
            setattr(module, name, replacement)
    single = Fabric(
        accelerator=device.type,
        devices=1 if device.index is None else [device.index],
        precision=trainer.precision.precision,
    )
    try:
        # The blocks of the model are checkpointed already.
        Trainer(single, model, replace(options, activation_checkpointing=False)).step(batch)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)
        return False
    return True


def _end_all(fabric: Fabric, error: InputError) -> NoReturn:
    """End all processes without their agreement: some are waiting in vain for the step of another.

    The first process kills the others as it exits. When another process fails, Fabric ends all of
    them within seconds.
    """
    launcher = fabric.strategy.launcher
    if not fabric.is_global_zero:
        time.sleep(SECONDS_FOR_FIRST_PROCESS)
    elif isinstance(launcher, _SubprocessScriptLauncher):
        for process in launcher.procs:
            atexit.register(process.kill)
    raise error from None
