"""Inference with large networks on a CPU, with little more memory than their weights."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, cast

import torch
from torch import nn

LARGE = 8_000_000
"""A layer with this many parameters has larger weights than activations."""

M_MMAP_THRESHOLD = -3  # from glibc's malloc.h


@contextmanager
def low_memory(model: nn.Module) -> Iterator[None]:
    """Run large layers without a second copy of their weights.

    oneDNN reorders the weights of a layer into a copy before each call: 490 MB for one layer of
    the full-size Demucs' LSTM, 250 MB for a convolution. With so many weights per sample, oneDNN is
    not faster either. Inside this context, large layers run without oneDNN; their output may differ
    in the last digits. Small layers, for which oneDNN is several times faster, keep it.

    With a large layer, the context also makes glibc return freed memory to the system, for the
    rest of the process. By default, malloc keeps blocks of up to 32 MB, and activations fragment
    them.

    Args:
        model: Any module, used for inference.

    Example:
        >>> model = nn.Linear(2, 2)
        >>> with low_memory(model):
        ...     y = model(torch.zeros(1, 2))
    """
    onednn = cast(Any, torch.backends.mkldnn)  # torch's own type of `enabled` cannot be assigned
    large = [
        module
        for module in model.modules()
        if sum(parameter.numel() for parameter in module.parameters(recurse=False)) >= LARGE
    ]
    if large and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        mallopt(M_MMAP_THRESHOLD, 2**20)
    before = onednn.enabled

    def disable(*_: object) -> None:
        onednn.enabled = False

    def restore(*_: object) -> None:
        onednn.enabled = before

    with ExitStack() as stack:
        stack.callback(restore)  # a layer that raises does not call its second hook
        for module in large:
            stack.callback(module.register_forward_pre_hook(disable).remove)
            stack.callback(module.register_forward_hook(restore).remove)
        yield
