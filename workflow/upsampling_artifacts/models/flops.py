"""How much arithmetic a network does: counted on the "meta" device, where nothing is computed.

PyTorch's counter knows matrix products and convolutions, where a multiplication and an addition are
two; it counts no Fourier transform, no interpolation, and nothing that is done sample by sample.
"""

from __future__ import annotations

import logging
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from upsampling_artifacts.data.cached_song import AUDIO_CHANNELS
from upsampling_artifacts.data.segments import Batch
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.models.loss import loss_function

logger = logging.getLogger(__name__)

COUNTED_BATCH = 32
"""Examples of a second whose arithmetic is counted: so many that layers fuse as in training."""


def parameter_count(module: nn.Module) -> int:
    """Number of learnable scalars; works on the meta device too."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def count_parameters(system: dict, n_sources: int, audio_channels: int) -> int:
    """Learnable parameters of a system, counted without memory for its weights.

    Args:
        system: ``{"architecture", "options", "upsampler"}``; other keys are left out.
        n_sources: Number of sources to separate.
        audio_channels: Channels of the mixture, and of each source.
    """
    return parameter_count(build_on_meta(system, n_sources, audio_channels))


def build_on_meta(system: dict, n_sources: int, audio_channels: int) -> nn.Module:
    """A system's model without memory for its weights; arguments as above."""
    return build_model(
        system["architecture"],
        system["options"],
        system["upsampler"],
        n_sources=n_sources,
        audio_channels=audio_channels,
        device="meta",
    )


def tflop_per_second_of_audio(
    model: nn.Module, rate_hz: int, audio_channels: int = AUDIO_CHANNELS
) -> float:
    """Arithmetic of one forward pass per second of audio.

    Counted while the model runs on a batch of seconds on the "meta" device, where nothing is
    allocated or computed. That each second is filled up to whole frames of the model, and has ends
    of its own, is 2 to 5 % at full size.
    """
    count_all_steps_at_once(model)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(COUNTED_BATCH, audio_channels, rate_hz, device="meta"))
    return counter.get_total_flops() / COUNTED_BATCH / 1e12


def tflop_per_step(model: nn.Module, batch: Batch, name: str) -> float:
    """Arithmetic of a step, forward and backward.

    Without the optimizer, which does a few operations per weight and waits for memory.

    Args:
        model: On the "meta" device; it is good for counting only, afterwards.
        batch: There as well.
        name: For the log.

    Returns:
        In TFLOP; NaN for a model of anyone's that does not run without values.
    """
    count_all_steps_at_once(model)
    try:
        with FlopCounterMode(display=False) as counter:
            loss_function(model, batch).backward()
    except Exception as error:
        logger.warning(f"{name}: the arithmetic of a step is not counted, on meta: {error}")
        return float("nan")
    return counter.get_total_flops() / 1e12


def count_all_steps_at_once(model: nn.Module) -> None:
    """Let recurrent layers do the products of all time steps in one.

    It is as much arithmetic; but on the meta device every call takes as long, and these layers make
    thousands of them.
    """
    for layer in model.modules():
        if isinstance(layer, nn.LSTM | nn.GRU) and not layer.proj_size:
            layer.forward = partial(all_steps_at_once, layer)


def all_steps_at_once(
    layer: nn.RNNBase, x: Tensor, _state: object = None
) -> tuple[Tensor, Tensor | tuple[Tensor, Tensor]]:
    """What takes the place of a recurrent layer while products are counted.

    Shape:
        - x: ``(time, batch, features)``, or ``(batch, time, features)`` for ``batch_first``
        - Output: the same, with the layer's features, and its state
    """
    directions = 2 if layer.bidirectional else 1
    state = x.new_zeros(
        len(layer.all_weights), x.shape[0 if layer.batch_first else 1], layer.hidden_size
    )
    for first in range(0, len(layer.all_weights), directions):
        hidden = []
        for input_weight, hidden_weight, *_ in layer.all_weights[first : first + directions]:
            gates = F.linear(x, input_weight)
            gates = gates + F.linear(gates[..., : layer.hidden_size], hidden_weight)
            hidden.append(gates[..., : layer.hidden_size])
        x = torch.cat(hidden, dim=-1)
    return x, (state, state) if isinstance(layer, nn.LSTM) else state
