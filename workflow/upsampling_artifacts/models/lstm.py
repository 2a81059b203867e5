"""LSTMs under autocast."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp.autocast_mode import is_autocast_available

State = tuple[Tensor, Tensor]


def follow_autocast(lstm: nn.LSTM) -> nn.LSTM:
    """Let an LSTM run in the type of autocast, also on a GPU.

    There, autocast runs LSTMs in float16 even if its type is bfloat16 (PyTorch 2.11,
    ``aten/src/ATen/cudnn/AutocastRNN.cpp``), and nothing scales the gradients to float16's range.
    Without autocast, nothing changes.

    Args:
        lstm: Changed in place. The names of its weights stay the same.

    Returns:
        The same layer.

    Example:
        >>> lstm = follow_autocast(nn.LSTM(2, 3))
        >>> with torch.autocast("cpu", torch.bfloat16):
        ...     y, _ = lstm(torch.zeros(5, 1, 2))
        >>> y.dtype, lstm.weight_ih_l0.dtype
        (torch.bfloat16, torch.float32)
    """
    # Replaces the forward of the instance: packages build LSTMs of torch's own class.
    vars(lstm)["forward"] = partial(_forward, lstm)
    return lstm


def _forward(lstm: nn.LSTM, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
    forward = partial(type(lstm).forward, lstm)
    device = x.device.type
    if not (is_autocast_available(device) and torch.is_autocast_enabled(device)):
        return forward(x, state)
    dtype = torch.get_autocast_dtype(device)
    if state is not None:
        state = state[0].to(dtype), state[1].to(dtype)
    lstm._update_flat_weights()  # they may have been replaced since the last call
    weights: Any = lstm._flat_weights
    try:
        lstm._flat_weights = [weight.to(dtype) for weight in weights]
        with torch.autocast(device, enabled=False), warnings.catch_warnings():
            # cuDNN copies them to one block, which takes a fraction of the LSTM's time.
            warnings.filterwarnings("ignore", message="RNN module weights are not part of single")
            return forward(x.to(dtype), state)
    finally:
        lstm._flat_weights = weights
