"""Networks that take their upsampling layer as an argument, and how to build one by name."""

from __future__ import annotations

import inspect

import torch
from torch import nn

from upsampling_artifacts import contract, registry
from upsampling_artifacts.errors import InputError


def build(
    architecture: str,
    options: dict,
    upsampler: dict,
    *,
    n_sources: int,
    audio_channels: int,
    seed: int | None = None,
) -> nn.Module:
    """Build a randomly initialised model from names and plain values, as they stand in config.

    Args:
        architecture: A name in :data:`registry.ARCHITECTURES`, or the address of a class.
        options: Keyword arguments of the architecture.
        upsampler: ``{"name": ..., **options}``, a name in :data:`registry.UPSAMPLERS` or the
            address of a class, and the keyword arguments of that class.
        n_sources: Number of sources to separate.
        audio_channels: Channels of the mixture, and of each source.
        seed: Seeds the weights; the global random state is left as it was. None: not seeded.

    Returns:
        A module from ``(batch, audio_channels, time)`` to
        ``(batch, n_sources, audio_channels, time)``.

    Raises:
        InputError: An unknown name, an option the class refuses, or a class of anyone's that
            does not keep the contract (see :mod:`contract`).
    """
    model_class = registry.load("architecture", architecture, registry.ARCHITECTURES)
    upsampler = dict(upsampler)
    name = upsampler.pop("name")
    layer = registry.load("upsampler", name, registry.UPSAMPLERS)

    def make_upsampler(in_channels: int, out_channels: int, stride: int, bias: bool) -> nn.Module:
        return layer(in_channels, out_channels, stride, bias=bias, **upsampler)

    shape = {"n_sources": n_sources, "audio_channels": audio_channels}
    _check_options(f"upsampler '{name}'", layer, upsampler, 1, 1, 2)
    _check_options(f"architecture '{architecture}'", model_class, options | shape, make_upsampler)
    if registry.is_address(name):
        contract.check_upsampler(name, layer, upsampler)
    with torch.random.fork_rng(devices=[], enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        model = model_class(make_upsampler, **shape, **options)
    if registry.is_address(architecture):
        contract.check_architecture(architecture, model, **shape)
    return model


def _check_options(what: str, made: type, options: dict, *arguments: object) -> None:
    try:
        inspect.signature(made).bind(*arguments, **options)
    except TypeError as error:  # "got an unexpected keyword argument 'lenght'"
        raise InputError(f"{what}: {error}; correct its options in config") from None
