"""Parameters and FLOPs of a network, counted on torch's meta device, which computes nothing.

FLOPs are those of PyTorch's ``FlopCounterMode``: matrix products and convolutions, where a
multiplication and an addition are two. Fourier transforms, interpolations and pointwise operations
are not counted.
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
from upsampling_artifacts.models.network_size import NetworkSize
from upsampling_artifacts.upsamplers.fused import layers_with_choice, set_implementation

logger = logging.getLogger(__name__)

COUNTED_BATCH = 32
"""Examples of one second in a counted batch, for networks with layers that are fused in large
batches: enough for them to be fused as in training."""


def build_on_meta(system: dict, n_sources: int, audio_channels: int) -> nn.Module:
    """Build a system's model on the meta device, without memory for its weights.

    Args:
        system: ``{"architecture", "options", "upsampler"}``; other keys are ignored.
        n_sources: Number of sources to separate.
        audio_channels: Channels of the mixture and of each source.

    Returns:
        The model, in training mode.

    Raises:
        InputError: As for :func:`models.build.build_model`.
    """
    return build_model(
        system["architecture"],
        system["options"],
        system["upsampler"],
        n_sources=n_sources,
        audio_channels=audio_channels,
        device="meta",
    )


def parameter_count(model: nn.Module) -> int:
    """Count the learnable parameters of a model.

    Args:
        model: Any module, on any device: :func:`build_on_meta` is enough.

    Returns:
        The number of scalars.

    Example:
        >>> layer = {"name": "linear", "length": None}
        >>> system = {"architecture": "wave_unet", "options": {}, "upsampler": layer}
        >>> parameter_count(build_on_meta(system, n_sources=4, audio_channels=2))
        10263498
    """
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def network_size(model: nn.Module, rate_hz: int, audio_channels: int) -> NetworkSize:
    """Count the parameters and the FLOPs of a network.

    Args:
        model: On the meta device. Afterward, it can only be used to count FLOPs.
        rate_hz: Sampling rate.
        audio_channels: Channels of the mixture.
    """
    forward = plain = tflop_per_second_of_audio(model, rate_hz, audio_channels)
    if layers_with_choice(model):
        set_implementation(model, "plain")
        plain = tflop_per_second_of_audio(model, rate_hz, audio_channels)
    return NetworkSize(parameter_count(model), forward, plain)


def tflop_per_second_of_audio(
    model: nn.Module, rate_hz: int, audio_channels: int = AUDIO_CHANNELS
) -> float:
    """TFLOPs of a forward pass per second of audio.

    The model is run on a batch of one-second examples. The ends of an example, and its padding to
    whole frames, add 2 to 5 % at full size.

    Args:
        model: On the meta device. Afterward, it can only be used to count FLOPs.
        rate_hz: Sampling rate.
        audio_channels: Channels of the mixture.

    Returns:
        TFLOPs, without a unit of time.

    Example:
        A filter of 3 samples takes 3 multiplications and 3 additions per sample.

        >>> filter_of_3 = nn.Conv1d(1, 1, 3, padding=1, device="meta")
        >>> tflop_per_second_of_audio(filter_of_3, rate_hz=1000, audio_channels=1)
        6e-09
    """
    batch_time_steps(model)
    batch = COUNTED_BATCH if layers_with_choice(model) else 1
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(batch, audio_channels, rate_hz, device="meta"))
    return counter.get_total_flops() / batch / 1e12


def tflop_per_step(model: nn.Module, batch: Batch, name: str) -> float:
    """TFLOPs of a training step, forward and backward.

    The optimizer is not included: it takes a few operations per weight and is bound by memory.

    Args:
        model: On the meta device. Afterward, it can only be used to count FLOPs.
        batch: On the meta device.
        name: Name of the model in the log.

    Returns:
        TFLOPs; NaN for a user-supplied model that does not run without values.
    """
    batch_time_steps(model)
    try:
        with FlopCounterMode(display=False) as counter:
            loss_function(model, batch).backward()
    except Exception as error:
        logger.warning(f"{name}: no FLOPs, because a step fails on the meta device: {error}")
        return float("nan")
    return counter.get_total_flops() / 1e12


def batch_time_steps(model: nn.Module) -> None:
    """Make recurrent layers compute the products of all time steps at once, to count FLOPs faster.

    The FLOPs are the same, but each operation on the meta device takes time, and a loop over time
    steps takes thousands of them.

    Args:
        model: Changed in place.
    """
    for layer in model.modules():
        if isinstance(layer, nn.LSTM | nn.GRU) and not layer.proj_size:
            vars(layer)["forward"] = partial(batched_time_steps, layer)  # hides the class's method


def batched_time_steps(
    layer: nn.RNNBase, x: Tensor, _state: object = None
) -> tuple[Tensor, Tensor | tuple[Tensor, Tensor]]:
    """A forward pass with the products and shapes of a recurrent layer, but not its values.

    Args:
        layer: An LSTM or a GRU.
        x: ``(time, batch, features)``, or ``(batch, time, features)`` with ``batch_first``.
        _state: Initial state, ignored.

    Returns:
        The output, shaped like ``x`` with the features of the layer, and the final state.
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
