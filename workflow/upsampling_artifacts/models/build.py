"""The one place that builds layers and models from the names and options in config."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import nn

from upsampling_artifacts import registry
from upsampling_artifacts.models import contract
from upsampling_artifacts.models.types import MakeUpsampler


def build_model(
    architecture: str,
    options: dict,
    upsampler: dict | None,
    *,
    n_sources: int,
    audio_channels: int,
    seed: int | None = None,
    device: str | None = None,
) -> nn.Module:
    """Build a randomly initialized model from names and plain values, as they stand in config.

    Args:
        architecture: A name in :data:`registry.ARCHITECTURES`, or the import path of a class.
        options: Keyword arguments of the architecture.
        upsampler: As for :func:`build_layer`; None for an architecture without upsampling layers.
        n_sources: Number of sources to separate.
        audio_channels: Channels of the mixture, and of each source.
        seed: Seeds the weights; the global random state is left as it was. None: not seeded.
        device: Where to build it. ``"meta"`` allocates no weights: for counting. None: torch's
            default device.

    Returns:
        A module from ``(batch, audio_channels, time)`` to
        ``(batch, n_sources, audio_channels, time)``.

    Raises:
        InputError: An unknown name, an option that the class does not take, an upsampler that is
            missing or out of place, or a user-supplied class that breaks the contract
            (:mod:`models.contract`).
    """
    model_class = registry.load("architecture", architecture, registry.ARCHITECTURES)
    arguments = {"n_sources": n_sources, "audio_channels": audio_channels}
    if upsampler is not None:
        arguments["make_upsampler"] = _upsampler_maker(upsampler)
    contract.check_takes_upsampler(architecture, model_class, upsampler)
    contract.check_options(f"architecture '{architecture}'", model_class, options | arguments)
    with _seeded(seed), torch.device(device) if device else nullcontext():
        model = model_class(**arguments, **options)
    if registry.is_import_path(architecture):
        contract.check_architecture(
            architecture, model, n_sources=n_sources, audio_channels=audio_channels
        )
    return model


def build_layer(
    upsampler: dict,
    in_channels: int,
    out_channels: int,
    stride: int,
    *,
    bias: bool = True,
    seed: int | None = None,
) -> nn.Module:
    """Build one randomly initialized upsampling layer, as config names it.

    Args:
        upsampler: ``{"name": ..., **options}``: a name in :data:`registry.UPSAMPLERS` or the
            import path of a class, and the keyword arguments of that class.
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Upsampling factor.
        bias: Whether the layer learns an offset per output channel.
        seed: Seeds the weights; the global random state is left as it was. None: not seeded.

    Returns:
        A module from ``(batch, in_channels, time)`` to ``(batch, out_channels, time * stride)``.

    Raises:
        InputError: An unknown name, an option that the class does not take, or a user-supplied
            class that breaks the contract (:mod:`models.contract`).
    """
    make_upsampler = _upsampler_maker(upsampler)
    with _seeded(seed):
        return make_upsampler(in_channels, out_channels, stride, bias)


def _upsampler_maker(upsampler: dict) -> MakeUpsampler:
    options = dict(upsampler)
    name = options.pop("name")
    layer_class = registry.load("upsampler", name, registry.UPSAMPLERS)
    contract.check_options(f"upsampler '{name}'", layer_class, options, 1, 1, 2)
    if registry.is_import_path(name):
        contract.check_upsampler(name, layer_class, options)

    def make_upsampler(in_channels: int, out_channels: int, stride: int, bias: bool) -> nn.Module:
        return layer_class(in_channels, out_channels, stride, bias=bias, **options)

    return make_upsampler


@contextmanager
def _seeded(seed: int | None) -> Iterator[None]:
    with torch.random.fork_rng(devices=[], enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        yield
