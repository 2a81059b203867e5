"""Checks that a user-supplied class keeps the contract of an upsampler, architecture or loss.

The builder runs them in every job, before anything is trained. They take a fraction of a second.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

import torch
from torch import Tensor, nn

from upsampling_artifacts.errors import InputError, one_line

STRIDES = (2, 3, 4, 5, 8)
TIMES = (1, 2, 17)
BATCH, IN_CHANNELS, OUT_CHANNELS = 2, 8, 4

# An even filter shifts the signal by half a sample. The impulse response is averaged over enough
# channels and draws of the weights that chance adds a fifth of a sample at most.
WIDTH, DRAWS, MIDDLE = 16, 40, 32
MAX_SHIFT_SAMPLES = 0.9

ODD_TIME = 4097
"""A length that is no multiple of a network's strides."""

LOSS_SHAPE = (2, 2, 2, 16384)
"""Shape of the waveforms that a loss is given: ``(batch, sources, channels, time)``."""


def check_takes_upsampler(architecture: str, model_class: type, upsampler: dict | None) -> None:
    """Check that a network gets an upsampler if, and only if, it takes one.

    Args:
        architecture: Name in config.
        model_class: The network's class.
        upsampler: The system's upsampler in config.

    Raises:
        InputError: The upsampler is missing or not applicable.
    """
    takes_upsampler = "make_upsampler" in inspect.signature(model_class).parameters
    if takes_upsampler and upsampler is None:
        raise InputError(
            f"architecture '{architecture}' needs an upsampling layer; set the system's upsampler "
            "in config"
        )
    if upsampler is not None and not takes_upsampler:
        raise InputError(
            f"architecture '{architecture}' has no upsampling layers; set the system's upsampler "
            "to null in config"
        )


def check_options(
    what: str, target: type, options: dict, *positional: object, **keywords: object
) -> None:
    """Check that a class takes the options that config sets, and needs no others.

    Args:
        what: Kind and name of the class, for the message.
        target: The class.
        options: Keyword arguments from config.
        positional: Positional arguments that the builder adds.
        keywords: Keyword arguments that the builder adds; config must not set them.

    Raises:
        InputError: An option is unknown, and the known ones are listed; one is missing; or the
            class does not take the arguments that the builder adds.

    Example:
        >>> check_options("layer 'dropout'", nn.Dropout, {"rate": 0.5})
        Traceback (most recent call last):
        upsampling_artifacts.errors.InputError: layer 'dropout': unknown option 'rate'; \
known: p, inplace
    """
    signature = inspect.signature(target)
    by_kind: dict[object, list[str]] = {}
    for name, parameter in signature.parameters.items():
        by_kind.setdefault(parameter.kind, []).append(name)
    known = by_kind.get(inspect.Parameter.POSITIONAL_OR_KEYWORD, [])[len(positional) :]
    known += by_kind.get(inspect.Parameter.KEYWORD_ONLY, [])
    known = [name for name in known if name not in keywords]
    takes_any = inspect.Parameter.VAR_KEYWORD in by_kind
    for option in options:
        if option in keywords or not (takes_any or option in known):
            raise InputError(
                f"{what}: unknown option '{option}'; known: {', '.join(known) or 'none'}"
            )
    try:
        signature.bind(*positional, **keywords, **options)
    except TypeError as error:  # "missing a required argument: 'length'"
        fault = str(error).replace("keyword-only ", "")  # which Python 3.12 adds
        if fault.startswith("missing"):
            raise InputError(f"{what}: {fault}; add it to its options in config") from None
        raise InputError(f"{what}: {fault}; take the arguments in docs/plug_in.md") from None


def call(what: str, target: type, *positional: object, **keywords: object) -> nn.Module:
    """Build a module; whatever its class raises becomes a line that names the class.

    Args:
        what: Kind and name of the class, for the message.
        target: The class.
        positional: Its positional arguments.
        keywords: Its keyword arguments.

    Raises:
        InputError: The class refused its arguments or failed.

    Example:
        >>> call("layer 'dropout'", nn.Dropout, p=2)
        Traceback (most recent call last):
        upsampling_artifacts.errors.InputError: layer 'dropout': its class raised ValueError: \
dropout probability has to be between 0 and 1, but got 2; change its options
    """
    try:
        return target(*positional, **keywords)
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"{what}: its class raised {one_line(error)}; change its options"
        ) from error


def check_upsampler(name: str, make: Callable[..., nn.Module], options: dict) -> None:
    """Check that a layer keeps the contract of :class:`upsamplers.base.Upsampler`.

    Output shape, dtype, bias, gradients and delay are checked for several strides. Strides that
    the layer refuses with an InputError are skipped. The global random state does not change.

    Args:
        name: Name in config.
        make: The class, called as ``make(in_channels, out_channels, stride, bias=..., **options)``.
        options: Options of the class in config.

    Raises:
        InputError: The first check that failed, and for which stride.
    """
    with torch.random.fork_rng(devices=[]), torch.device("cpu"), torch.enable_grad():
        torch.manual_seed(0)
        refusals = []
        for stride in STRIDES:
            where = f"upsampler '{name}': stride {stride}"
            try:
                for bias in (True, False):
                    layer = _build(where, make, IN_CHANNELS, OUT_CHANNELS, stride, bias, options)
                    _check_layer(f"{where}, bias={bias}", layer, stride, bias)
            except InputError as error:
                if not isinstance(error, _Refused):
                    raise
                refusals.append(error)
                continue
            _check_delay(where, make, stride, options)
        if len(refusals) == len(STRIDES):
            raise InputError(str(refusals[0]))


class _Refused(InputError):
    """The layer itself refused its arguments."""


def _build(
    where: str, make: Callable, inputs: int, outputs: int, stride: int, bias: bool, options: dict
) -> nn.Module:
    try:
        layer = make(inputs, outputs, stride, bias=bias, **options)
    except InputError as error:
        raise _Refused(f"{where}: {error}") from error
    except Exception as error:
        raise InputError(
            f"{where}: called with ({inputs}, {outputs}, {stride}, bias={bias}), it raised "
            f"{one_line(error)}; raise an InputError for strides that the layer does not support"
        ) from error
    if not isinstance(layer, nn.Module):
        raise InputError(f"{where}: is a {type(layer).__name__}; return a torch.nn.Module")
    return layer


def _check_layer(where: str, layer: nn.Module, stride: int, bias: bool) -> None:
    for time in TIMES:
        y = _run(where, layer, torch.randn(BATCH, IN_CHANNELS, time))
        expected = (BATCH, OUT_CHANNELS, time * stride)
        if tuple(y.shape) != expected:
            raise InputError(
                f"{where}: output shape {tuple(y.shape)} for input {(BATCH, IN_CHANNELS, time)}; "
                f"return {expected}, that is (batch, out_channels, time * stride)"
            )
    if not bias and _run(where, layer, torch.zeros(BATCH, IN_CHANNELS, time)).any():
        raise InputError(f"{where}: zeros do not stay zeros; do not add a bias")
    for dtype in (torch.float32, torch.float64):
        x = torch.randn(BATCH, IN_CHANNELS, time, dtype=dtype, requires_grad=True)
        y = _run(where, layer.to(dtype), x)
        if y.dtype != dtype:
            raise InputError(f"{where}: output dtype {y.dtype} for input {dtype}; keep the dtype")
        _check_gradients(where, layer, x, y)


def _check_gradients(where: str, layer: nn.Module, x: Tensor, y: Tensor) -> None:
    layer.zero_grad()
    if y.requires_grad:
        y.square().sum().backward()
    learnable = {f"parameter '{key}'": p for key, p in layer.named_parameters() if p.requires_grad}
    for what, tensor in {"input": x, **learnable}.items():
        if tensor.grad is None or not tensor.grad.any() or not tensor.grad.isfinite().all():
            raise InputError(f"{where}: no gradient reaches its {what}; let it affect the output")


@torch.no_grad()
def _check_delay(where: str, make: Callable, stride: int, options: dict) -> None:
    """Output sample ``t`` corresponds to input sample ``t // stride``: impulses stay in place."""
    energy = torch.zeros((2 * MIDDLE + 1) * stride)
    for _ in range(DRAWS):
        layer = _build(where, make, WIDTH, WIDTH, stride, False, options)
        impulse = torch.zeros(1, WIDTH, 2 * MIDDLE + 1)
        impulse[..., MIDDLE] = torch.randn(WIDTH)
        energy += _run(where, layer, impulse)[0].square().sum(dim=0)
    center = (energy * torch.arange(len(energy))).sum() / energy.sum()
    shift = float(center) - (len(energy) - 1) / 2
    if abs(shift) >= MAX_SHIFT_SAMPLES:
        raise InputError(
            f"{where}: the output is shifted by {shift:+.1f} samples; trim both ends equally, so "
            "that output sample t corresponds to input sample t // stride"
        )


def check_architecture(name: str, model: nn.Module, n_sources: int, audio_channels: int) -> None:
    """Check the output shape of a network, given a mixture of odd length.

    A model on the meta device is not run. Neither the global random state nor the model changes.

    Args:
        name: Name in config.
        model: The network. It is not run if it is on the meta device, which has no values.
        n_sources: Number of sources for which it was built.
        audio_channels: Channels of the mixture and of each source.

    Raises:
        InputError: It is not a module, it cannot run, or its output has the wrong shape.
    """
    where = f"architecture '{name}'"
    if not isinstance(model, nn.Module):
        raise InputError(f"{where}: is a {type(model).__name__}; return a torch.nn.Module")
    if any(parameter.is_meta for parameter in model.parameters()):
        return
    training = model.training
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        y = _run(where, model.eval(), torch.randn(1, audio_channels, ODD_TIME))
    model.train(training)
    expected = (1, n_sources, audio_channels, ODD_TIME)
    if tuple(y.shape) != expected:
        raise InputError(
            f"{where}: output shape {tuple(y.shape)} for input {(1, audio_channels, ODD_TIME)}; "
            f"return {expected}, that is (batch, n_sources, audio_channels, time)"
        )


def check_loss(name: str, loss_class: type, options: dict) -> None:
    """Check that a loss returns a finite scalar whose gradient reaches the estimate.

    The global random state does not change.

    Args:
        name: Name in config.
        loss_class: The class, called with ``options``.
        options: Options of the class in config.

    Raises:
        InputError: The first check that failed.
    """
    where = f"loss '{name}'"
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        try:
            loss = loss_class(**options)
        except InputError:
            raise
        except Exception as error:
            raise InputError(f"{where}: its class raised {one_line(error)}") from error
        if not isinstance(loss, nn.Module):
            raise InputError(f"{where}: is a {type(loss).__name__}; return a torch.nn.Module")
        estimate, target = torch.randn(2, *LOSS_SHAPE)
        try:
            value = loss(estimate.requires_grad_(), target)
        except Exception as error:
            raise InputError(
                f"{where}: given estimate and target of shape {LOSS_SHAPE}, it raised "
                f"{one_line(error)}; take (batch, sources, channels, time)"
            ) from error
    if not isinstance(value, Tensor) or value.shape != ():
        shape = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else value
        raise InputError(f"{where}: returned {shape}; return a scalar tensor")
    if not value.isfinite():
        raise InputError(
            f"{where}: returned {value.item()} for white noise; return a finite number"
        )
    if value.requires_grad:
        value.backward()
    if estimate.grad is None or not estimate.grad.any() or not estimate.grad.isfinite().all():
        raise InputError(
            f"{where}: no finite gradient reaches the estimate; compute the loss from it with torch"
        )


def _run(where: str, module: nn.Module, x: Tensor) -> Tensor:
    try:
        y = module(x)
    except Exception as error:
        raise InputError(
            f"{where}: given {tuple(x.shape)} {x.dtype}, it raised {one_line(error)}"
        ) from error
    if not isinstance(y, Tensor) or not y.isfinite().all():
        what = "values that are not finite" if isinstance(y, Tensor) else type(y).__name__
        raise InputError(
            f"{where}: returned {what} for {tuple(x.shape)}; return a tensor of finite numbers"
        )
    return y
