"""The only place that builds layers, models and losses from the names and options in config.

It resolves names, checks options, seeds the weights and picks the device.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import nn

from upsampling_artifacts import registry
from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models import contract
from upsampling_artifacts.models.lstm import follow_autocast
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
    """Build a randomly initialized model from the plain values in config.

    Args:
        architecture: A name in :data:`registry.ARCHITECTURES`, or the import path of a
            user-supplied class, ``my_package.my_module:MyClass``.
        options: Keyword arguments of the architecture.
        upsampler: As for :func:`build_layer`; None for an architecture without upsampling layers.
        n_sources: Number of sources to separate.
        audio_channels: Channels of the mixture and of each source.
        seed: Seeds the weights without changing the global random state. None: weights are drawn
            from the global random state.
        device: Device of the weights; ``"meta"`` allocates none. None: torch's default device.

    Returns:
        A module from ``(batch, audio_channels, time)`` to
        ``(batch, n_sources, audio_channels, time)``.

    Raises:
        InputError: A name is unknown, an option is unknown or missing, the upsampler is missing
            or not applicable, or a user-supplied class breaks the contract
            (:mod:`models.contract`).

    Example:
        >>> options = {"channels": 4, "depth": 2}
        >>> upsampler = {"name": "nearest", "length": 9}
        >>> model = build_model("demucs", options, upsampler, n_sources=4, audio_channels=2, seed=0)
        >>> model(torch.zeros(1, 2, 100)).shape
        torch.Size([1, 4, 2, 100])
    """
    model_class = registry.load("architecture", architecture, registry.ARCHITECTURES)
    arguments: dict[str, object] = {"n_sources": n_sources, "audio_channels": audio_channels}
    if upsampler is not None:
        arguments["make_upsampler"] = _upsampler_maker(upsampler)
    contract.check_takes_upsampler(architecture, model_class, upsampler)
    contract.check_options(f"architecture '{architecture}'", model_class, options, **arguments)
    with seeded(seed), torch.device(device) if device else nullcontext():
        model = contract.call(f"architecture '{architecture}'", model_class, **arguments, **options)
        model = follow_autocast(model)
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
    """Build one randomly initialized upsampling layer from the plain values in config.

    Args:
        upsampler: ``{"name": ..., **options}``: a name in :data:`registry.UPSAMPLERS` or the
            import path of a user-supplied class, and the keyword arguments of the class. With
            ``bias: False`` it has no bias, whatever ``bias`` says.
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Upsampling factor.
        bias: Whether the layer learns a bias.
        seed: Seeds the weights without changing the global random state. None: weights are drawn
            from the global random state.

    Returns:
        A module from ``(batch, in_channels, time)`` to ``(batch, out_channels, time * stride)``.

    Raises:
        InputError: The name is unknown, an option is unknown or missing, the class refuses an
            argument, or a user-supplied class breaks the contract (:mod:`models.contract`).

    Example:
        >>> layer = build_layer({"name": "subpixel", "length": 3}, 8, 4, stride=2, seed=0)
        >>> layer(torch.zeros(1, 8, 100)).shape
        torch.Size([1, 4, 200])
        >>> build_layer({"name": "nearest", "lenght": 9}, 8, 4, stride=2)
        Traceback (most recent call last):
        upsampling_artifacts.errors.InputError: upsampler 'nearest': unknown option 'lenght'; \
known: length, implementation
    """
    make_upsampler = _upsampler_maker(upsampler)
    with seeded(seed):
        return make_upsampler(in_channels, out_channels, stride, bias)


def build_loss(loss: dict, *, known: dict[str, str] = registry.LOSSES, seed: int = 0) -> nn.Module:
    """Build a loss from the plain values in config.

    A loss may be a network. Its weights are frozen, and they have a seed of their own: every seed
    of a training run gets the same loss.

    Args:
        loss: ``{"name": ..., **options}``: a name in ``known`` or the import path of a
            user-supplied class, and the keyword arguments of the class.
        known: The registry in which to look up the name.
        seed: Seeds the weights without changing the global random state.

    Returns:
        A module from estimate and target, both ``(batch, sources, channels, time)``, to a scalar.

    Raises:
        InputError: The name is unknown, an option is unknown or missing, or a user-supplied class
            breaks the contract (:mod:`models.contract`).

    Example:
        >>> loss = build_loss({"name": "l2"})
        >>> loss(torch.zeros(1, 4, 2, 100), torch.ones(1, 4, 2, 100))
        tensor(1.)
    """
    options = dict(loss)
    name = options.pop("name")
    loss_class = registry.load("loss", name, known)
    contract.check_options(f"loss '{name}'", loss_class, options)
    if registry.is_import_path(name):
        contract.check_loss(name, loss_class, options)
    with seeded(seed):
        loss_function = contract.call(f"loss '{name}'", loss_class, **options)
    return loss_function.requires_grad_(False).eval()


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Draw random numbers on the CPU from a seed, and restore the global random state at the end.

    Args:
        seed: None: draw from the global random state, as if without this context.

    Example:
        >>> with seeded(7):
        ...     first = torch.randn(3)
        >>> with seeded(7):
        ...     second = torch.randn(3)
        >>> torch.equal(first, second)
        True
    """
    with torch.random.fork_rng(devices=[], enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        yield


def _upsampler_maker(upsampler: dict) -> MakeUpsampler:
    options = dict(upsampler)
    name = options.pop("name")
    allow_bias = options.pop("bias", True)
    if not isinstance(allow_bias, bool):
        raise InputError(f"upsampler '{name}': bias: {allow_bias!r} is not true or false")
    layer_class = registry.load("upsampler", name, registry.UPSAMPLERS)
    contract.check_options(f"upsampler '{name}'", layer_class, options, 1, 1, 2, bias=True)
    if registry.is_import_path(name):
        contract.check_upsampler(name, layer_class, options)

    def make_upsampler(in_channels: int, out_channels: int, stride: int, bias: bool) -> nn.Module:
        size = (in_channels, out_channels, stride)
        bias = bias and allow_bias
        return contract.call(f"upsampler '{name}'", layer_class, *size, bias=bias, **options)

    return make_upsampler
