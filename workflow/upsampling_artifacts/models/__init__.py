"""Networks that take their upsampling layer as an argument, and how to build one by name.

A network without upsampling layers takes no ``make_upsampler``, and has none in config. One that
is trained by a recipe of its own says so, and :mod:`upsampling_artifacts.training` follows it:

- ``own_loss = True``: ``forward(mixture, stems)`` gives the loss to train by, and without the
  stems the estimates, as in every network;
- ``adapt_to(mixtures)`` is called once, before the first step, with the training songs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

import torch
from torch import nn

from upsampling_artifacts import contract, registry
from upsampling_artifacts.errors import InputError


def build(
    architecture: str,
    options: dict,
    upsampler: dict | None,
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
            address of a class, and the keyword arguments of that class; None for an architecture
            without upsampling layers.
        n_sources: Number of sources to separate.
        audio_channels: Channels of the mixture, and of each source.
        seed: Seeds the weights; the global random state is left as it was. None: not seeded.

    Returns:
        A module from ``(batch, audio_channels, time)`` to
        ``(batch, n_sources, audio_channels, time)``.

    Raises:
        InputError: An unknown name, an option the class refuses, an upsampler too many or too
            few, or a class of anyone's that does not keep the contract (see :mod:`contract`).
    """
    model_class = registry.load("architecture", architecture, registry.ARCHITECTURES)
    arguments = {"n_sources": n_sources, "audio_channels": audio_channels}
    if upsampler is not None:
        arguments["make_upsampler"] = _upsampler_maker(**upsampler)
    _check_upsampler(architecture, model_class, upsampler)
    _check_options(f"architecture '{architecture}'", model_class, options | arguments)
    with torch.random.fork_rng(devices=[], enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        model = model_class(**arguments, **options)
    if registry.is_address(architecture):
        contract.check_architecture(
            architecture, model, n_sources=n_sources, audio_channels=audio_channels
        )
    return model


def _upsampler_maker(name: str, **options: object) -> Callable[[int, int, int, bool], nn.Module]:
    layer = registry.load("upsampler", name, registry.UPSAMPLERS)
    _check_options(f"upsampler '{name}'", layer, options, 1, 1, 2)
    if registry.is_address(name):
        contract.check_upsampler(name, layer, options)

    def make_upsampler(in_channels: int, out_channels: int, stride: int, bias: bool) -> nn.Module:
        return layer(in_channels, out_channels, stride, bias=bias, **options)

    return make_upsampler


def _check_upsampler(architecture: str, model_class: type, upsampler: dict | None) -> None:
    takes_one = "make_upsampler" in inspect.signature(model_class).parameters
    if takes_one and upsampler is None:
        raise InputError(
            f"architecture '{architecture}' needs an upsampling layer; name one as the system's "
            "upsampler in config"
        )
    if upsampler is not None and not takes_one:
        raise InputError(
            f"architecture '{architecture}' has no upsampling layer to choose; write "
            "upsampler: null in config"
        )


def _check_options(what: str, made: type, options: dict, *arguments: object) -> None:
    try:
        inspect.signature(made).bind(*arguments, **options)
    except TypeError as error:  # "got an unexpected keyword argument 'lenght'"
        raise InputError(f"{what}: {error}; correct its options in config") from None
