"""Activation checkpointing: a second forward pass of each block saves memory.

Between forward and backward pass, a network keeps the input of every layer, which takes most of the
memory of training. A checkpointed block keeps only its own input and runs forward again when the
backward pass reaches it. This costs a third more arithmetic. Outputs and gradients stay the same,
bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from upsampling_artifacts.errors import InputError


def checkpoint_blocks(model: nn.Module) -> None:
    """Checkpoint the activations of each block of a network, in place.

    The names of the weights stay the same. Random layers draw the same numbers in both forward
    passes, and batch normalization updates its running statistics once.

    Args:
        model: Any module; :func:`find_blocks` finds its blocks.

    Raises:
        InputError: The model has no blocks.
    """
    blocks = list(find_blocks(model))
    if not blocks:
        raise InputError(
            f"training.activation_checkpointing: {type(model).__name__} has no blocks (members of "
            "a ModuleList or Sequential that contain layers of their own); set it to false"
        )
    for block in blocks:
        # Replaces the forward of the instance: a wrapper module would rename its weights.
        block.forward = partial(
            checkpoint,
            block.forward,
            use_reentrant=False,
            context_fn=partial(_forward_contexts, block),
        )


def find_blocks(module: nn.Module) -> Iterator[nn.Module]:
    """Yield the outermost members of module lists that contain learnable layers.

    A single layer is not a block: with or without checkpointing, it keeps its input.
    """
    is_list = isinstance(module, nn.ModuleList | nn.Sequential)
    for child in module.children():
        learns = any(parameter.requires_grad for parameter in child.parameters())
        if is_list and learns and any(True for _ in child.children()):
            yield child
        else:
            yield from find_blocks(child)


def has_batch_normalization(model: nn.Module) -> bool:
    """Whether a model has batch normalization, whose statistics mix the examples of a batch."""
    return any(isinstance(module, _BatchNorm) for module in model.modules())


def _forward_contexts(
    block: nn.Module,
) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """The contexts of a block's first and second forward pass."""
    return nullcontext(), _frozen_statistics(block)


@contextmanager
def _frozen_statistics(block: nn.Module) -> Iterator[None]:
    """Let batch normalization update copies of its running statistics, then drop the copies."""
    statistics = [
        (module, name, buffer)
        for module in block.modules()
        if isinstance(module, _BatchNorm)
        for name, buffer in module.named_buffers(recurse=False)
    ]
    for module, name, buffer in statistics:
        setattr(module, name, buffer.clone())
    try:
        yield
    finally:
        for module, name, buffer in statistics:
            setattr(module, name, buffer)
