"""Activation checkpointing: activations are recomputed for the backward pass, not kept for it.

Between its forward and its backward pass a network keeps what every layer was given: most of the
memory of a training. A block whose activations are recomputed keeps its input alone, and goes
forward a second time when its gradients are due: a third more arithmetic. Outputs and gradients
are the very same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from upsampling_artifacts.errors import InputError


def checkpoint_blocks(model: nn.Module) -> None:
    """Have each block of a network recompute its activations; names of weights stay as they are.

    Random layers draw the same numbers both times, and statistics of batch normalization are
    counted once.

    Args:
        model: Any module. Its blocks are found by :func:`blocks`.

    Raises:
        InputError: It has no blocks.
    """
    found = list(blocks(model))
    if not found:
        raise InputError(
            f"training.activation_checkpointing: {type(model).__name__} has no blocks (members of "
            "a ModuleList or Sequential with layers of their own); leave it at false"
        )
    for block in found:
        # The instance's own forward: a module around the block would rename its weights.
        block.forward = partial(
            checkpoint,
            block.forward,
            use_reentrant=False,
            context_fn=partial(_first_and_second_time, block),
        )


def blocks(module: nn.Module) -> Iterator[nn.Module]:
    """The outermost members of lists of modules that have learnable layers inside.

    A layer by itself is none: it would keep its input, as it does anyway.
    """
    is_list = isinstance(module, nn.ModuleList | nn.Sequential)
    for child in module.children():
        learns = any(parameter.requires_grad for parameter in child.parameters())
        if is_list and learns and any(True for _ in child.children()):
            yield child
        else:
            yield from blocks(child)


def has_batch_normalization(model: nn.Module) -> bool:
    """Whether what an example becomes depends on the others that go through the model with it."""
    return any(isinstance(module, _BatchNorm) for module in model.modules())


def _first_and_second_time(block: nn.Module) -> tuple:
    """The contexts in which a block goes forward, and in which it does so again."""
    return nullcontext(), _statistics_kept(block)


@contextmanager
def _statistics_kept(block: nn.Module) -> Iterator[None]:
    """While open, batch normalization counts in copies of its statistics, for nobody."""
    counted = [
        (module, name, buffer)
        for module in block.modules()
        if isinstance(module, _BatchNorm)
        for name, buffer in module.named_buffers(recurse=False)
    ]
    for module, name, buffer in counted:
        setattr(module, name, buffer.clone())
    try:
        yield
    finally:
        for module, name, buffer in counted:
            setattr(module, name, buffer)
