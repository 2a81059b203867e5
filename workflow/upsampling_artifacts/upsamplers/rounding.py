"""Whether the arithmetic of a layer rounds the factors of its products."""

from __future__ import annotations

from contextvars import ContextVar

import torch
from torch import Tensor
from torch.amp.autocast_mode import is_autocast_available

emulates_tf32: ContextVar[bool] = ContextVar("emulates_tf32", default=False)
"""Whether the CPU emulates the TF32 of a GPU, which :mod:`models.precision` sets."""


def rounds_factors(x: Tensor) -> bool:
    """Whether a convolution may round its input and its filter before it multiplies them.

    It does so in half precision, under autocast, and in TF32, which PyTorch allows in convolutions
    on a GPU by default.

    Args:
        x: The convolution's input.

    Example:
        >>> rounds_factors(torch.zeros(1)), rounds_factors(torch.zeros(1, dtype=torch.bfloat16))
        (False, True)
        >>> with torch.autocast("cpu", torch.bfloat16):
        ...     rounds_factors(torch.zeros(1))
        True
    """
    device = x.device.type
    autocast = is_autocast_available(device) and torch.is_autocast_enabled(device)
    return autocast or x.itemsize < 4 or x.is_cuda or emulates_tf32.get()
