"""Recurrent layers under autocast."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp.autocast_mode import is_autocast_available

State = Tensor | tuple[Tensor, ...]
"""That of an LSTM is a pair, that of other recurrent layers a tensor."""


def follow_autocast(model: nn.Module) -> nn.Module:
    """Let the recurrent layers of a network run in the type of autocast, also on a GPU.

    There, autocast runs them in float16 even if its type is bfloat16 (PyTorch 2.11,
    ``aten/src/ATen/cudnn/AutocastRNN.cpp``), and nothing scales the gradients to float16's range.
    Without autocast, nothing changes.

    Args:
        model: Any module, or a layer. Torch's own recurrent layers in it are changed in place. The
            names of their weights stay the same.

    Returns:
        The same module.

    Example:
        >>> lstm = follow_autocast(nn.LSTM(2, 3))
        >>> with torch.autocast("cpu", torch.bfloat16):
        ...     y, _ = lstm(torch.zeros(5, 1, 2))
        >>> y.dtype, lstm.weight_ih_l0.dtype
        (torch.bfloat16, torch.float32)
    """
    for layer in model.modules():
        if isinstance(layer, nn.RNNBase) and type(layer) in (nn.LSTM, nn.GRU, nn.RNN):
            # Replaces the forward of the instance: packages build layers of torch's own classes.
            vars(layer)["forward"] = partial(_forward, layer)
    return model


def _forward(layer: nn.RNNBase, input: Any, hx: State | None = None) -> tuple[Any, State]:
    forward = partial(type(layer).forward, layer)
    device = input.data.device.type  # of a tensor, or of a packed sequence
    if not (is_autocast_available(device) and torch.is_autocast_enabled(device)):
        return forward(input, hx)
    dtype = torch.get_autocast_dtype(device)
    if isinstance(hx, Tensor):
        hx = hx.to(dtype)
    elif hx is not None:
        hx = tuple(part.to(dtype) for part in hx)
    layer._update_flat_weights()  # they may have been replaced since the last call
    weights: Any = layer._flat_weights
    try:
        layer._flat_weights = [weight.to(dtype) for weight in weights]
        with torch.autocast(device, enabled=False), warnings.catch_warnings():
            # cuDNN copies them to one block, which takes a fraction of the layer's time.
            warnings.filterwarnings("ignore", message="RNN module weights are not part of single")
            return forward(input.to(dtype), hx)
    finally:
        layer._flat_weights = weights
