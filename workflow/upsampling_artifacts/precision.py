"""Where reduced precision stops."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor
from torch.amp import is_autocast_available


def full_precision(x: Tensor) -> AbstractContextManager:
    """While open, autocast rounds nothing that is computed on the device of ``x``.

    Its arguments may be of reduced precision all the same: :func:`at_least_float`.
    """
    device = x.device.type
    # Devices without autocast (meta, where arithmetic is counted) have nothing to switch off.
    return torch.autocast(device, enabled=False) if is_autocast_available(device) else nullcontext()


def at_least_float(x: Tensor) -> Tensor:
    """A tensor in single precision; in double precision, if it is."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
