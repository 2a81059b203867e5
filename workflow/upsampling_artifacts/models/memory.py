"""Running a large network on a CPU with little more memory than its weights."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import nn

LARGE = 8_000_000
"""Parameters of a layer from which on its weights outweigh what goes through it."""

M_MMAP_THRESHOLD = -3  # glibc's malloc.h


@contextmanager
def low_memory(model: nn.Module) -> Iterator[None]:
    """While open, large layers run without a second copy of their weights.

    oneDNN brings the weights of a layer into an order of its own before each call: 490 MB for
    one layer of the full-size Demucs' LSTM, 250 MB for a convolution. With as many weights per
    sample that is not faster either, so large layers run without it; their output may differ
    in the last digits. Also, freed memory goes back to the system from then on (with glibc):
    by default malloc keeps blocks of up to 32 MB, and activations leave holes between them.

    A model without large layers runs as ever: for small ones oneDNN is several times faster.

    Args:
        model: Any module; meant for inference.
    """
    large = [
        module
        for module in model.modules()
        if sum(parameter.numel() for parameter in module.parameters(recurse=False)) >= LARGE
    ]
    if large and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        mallopt(M_MMAP_THRESHOLD, 2**20)
    before = torch.backends.mkldnn.enabled

    def switch_off(*_: object) -> None:
        torch.backends.mkldnn.enabled = False

    def restore(*_: object) -> None:
        torch.backends.mkldnn.enabled = before

    with ExitStack() as stack:
        stack.callback(restore)  # if a layer raises, its second hook is not called
        for module in large:
            stack.callback(module.register_forward_pre_hook(switch_off).remove)
            stack.callback(module.register_forward_hook(restore).remove)
        yield
