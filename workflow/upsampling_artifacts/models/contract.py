"""Whether a class of anyone's keeps the contract of an upsampler, or of an architecture.

Checked where it is built, in every job, before anything is trained: a fraction of a second.
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

# Filters of even length cannot help half a sample. What an impulse becomes is averaged over these
# many channels and weights, so that no more than a fifth is left to chance.
WIDTH, DRAWS, MIDDLE = 16, 40, 32
FURTHEST_SAMPLES = 0.9

ODD_TIME = 4097
"""A length that no network's strides divide."""


def check_takes_upsampler(architecture: str, model_class: type, upsampler: dict | None) -> None:
    """Raise an InputError if a network lacks its upsampling layer, or has none to choose."""
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


def check_options(what: str, built: type, options: dict, *arguments: object) -> None:
    """Raise an InputError for options that a class does not take, or lacks."""
    try:
        inspect.signature(built).bind(*arguments, **options)
    except TypeError as error:  # "got an unexpected keyword argument 'lenght'"
        raise InputError(f"{what}: {error}; correct its options in config") from None


def check_upsampler(name: str, make: Callable[..., nn.Module], options: dict) -> None:
    """Check that a layer does what :class:`upsamplers.base.Upsampler` says, for several strides.

    A stride that it refuses with an InputError is left out. Torch's random state is left as it is.

    Args:
        name: As it stands in config.
        make: The class, called as ``make(in_channels, out_channels, stride, bias=..., **options)``.
        options: Its own options.

    Raises:
        InputError: In one line, the first check that failed, at which stride.
    """
    with torch.random.fork_rng(devices=[]), torch.device("cpu"), torch.enable_grad():
        torch.manual_seed(0)
        refusals = []
        for stride in STRIDES:
            where = f"upsampler '{name}': stride {stride}"
            try:
                for bias in (True, False):
                    layer = _made(where, make, IN_CHANNELS, OUT_CHANNELS, stride, bias, options)
                    _check_layer(f"{where}, bias={bias}", layer, stride, bias)
            except InputError as error:
                if not isinstance(error, _Refused):
                    raise
                refusals.append(error)
                continue
            _check_nothing_is_shifted(where, make, stride, options)
        if len(refusals) == len(STRIDES):
            raise InputError(str(refusals[0]))


class _Refused(InputError):
    """The layer itself says that it cannot be made."""


def _made(
    where: str, make: Callable, inputs: int, outputs: int, stride: int, bias: bool, options: dict
) -> nn.Module:
    try:
        layer = make(inputs, outputs, stride, bias=bias, **options)
    except InputError as error:
        raise _Refused(f"{where}: {error}") from error
    except Exception as error:
        raise InputError(
            f"{where}: made with ({inputs}, {outputs}, {stride}, bias={bias}), raised "
            f"{one_line(error)}; a stride that it cannot do, it refuses with an InputError"
        ) from error
    if not isinstance(layer, nn.Module):
        raise InputError(f"{where}: is a {type(layer).__name__}; a torch.nn.Module is needed")
    return layer


def _check_layer(where: str, layer: nn.Module, stride: int, bias: bool) -> None:
    for time in TIMES:
        y = _run(where, layer, torch.randn(BATCH, IN_CHANNELS, time))
        wanted = (BATCH, OUT_CHANNELS, time * stride)
        if tuple(y.shape) != wanted:
            raise InputError(
                f"{where}: shape {tuple(y.shape)} for an input of {(BATCH, IN_CHANNELS, time)}; "
                f"{wanted} is needed: (batch, out_channels, time * stride)"
            )
    if not bias and _run(where, layer, torch.zeros(BATCH, IN_CHANNELS, time)).any():
        raise InputError(f"{where}: zeros do not stay zeros, so something is added all the same")
    for dtype in (torch.float32, torch.float64):
        x = torch.randn(BATCH, IN_CHANNELS, time, dtype=dtype, requires_grad=True)
        y = _run(where, layer.to(dtype), x)
        if y.dtype != dtype:
            raise InputError(f"{where}: dtype {y.dtype} for an input of {dtype}; keep the input's")
        _check_gradients(where, layer, x, y)


def _check_gradients(where: str, layer: nn.Module, x: Tensor, y: Tensor) -> None:
    layer.zero_grad()
    if y.requires_grad:
        y.square().sum().backward()
    learnt = {f"parameter '{key}'": p for key, p in layer.named_parameters() if p.requires_grad}
    for what, tensor in {"input": x, **learnt}.items():
        if tensor.grad is None or not tensor.grad.any() or not tensor.grad.isfinite().all():
            raise InputError(f"{where}: gradients do not reach its {what}, so it cannot learn")


@torch.no_grad()
def _check_nothing_is_shifted(where: str, make: Callable, stride: int, options: dict) -> None:
    """Output samples belong to input sample ``t // stride``: an impulse stays in its place."""
    energy = torch.zeros((2 * MIDDLE + 1) * stride)
    for _ in range(DRAWS):
        layer = _made(where, make, WIDTH, WIDTH, stride, False, options)
        impulse = torch.zeros(1, WIDTH, 2 * MIDDLE + 1)
        impulse[..., MIDDLE] = torch.randn(WIDTH)
        energy += _run(where, layer, impulse)[0].square().sum(dim=0)
    centre = (energy * torch.arange(len(energy))).sum() / energy.sum()
    shift = float(centre) - (len(energy) - 1) / 2
    if abs(shift) >= FURTHEST_SAMPLES:
        raise InputError(
            f"{where}: the output is shifted by {shift:+.1f} samples; output sample t belongs to "
            "input sample t // stride, so cut off as much from either end"
        )


def check_architecture(name: str, model: nn.Module, n_sources: int, audio_channels: int) -> None:
    """Check that a network separates a mixture of an odd length into sources as long.

    Torch's random state and the model are left as they are.

    Args:
        name: As it stands in config.
        model: The network; one on the meta device, which has no values, is not run.
        n_sources: Number of sources that it was built for.
        audio_channels: Channels of the mixture, and of each source.

    Raises:
        InputError: In one line, what it gives and what is needed.
    """
    where = f"architecture '{name}'"
    if not isinstance(model, nn.Module):
        raise InputError(f"{where}: is a {type(model).__name__}; a torch.nn.Module is needed")
    if any(parameter.is_meta for parameter in model.parameters()):
        return
    training = model.training
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        y = _run(where, model.eval(), torch.randn(1, audio_channels, ODD_TIME))
    model.train(training)
    wanted = (1, n_sources, audio_channels, ODD_TIME)
    if tuple(y.shape) != wanted:
        raise InputError(
            f"{where}: shape {tuple(y.shape)} for an input of {(1, audio_channels, ODD_TIME)}; "
            f"{wanted} is needed: (batch, n_sources, audio_channels, time)"
        )


def _run(where: str, module: nn.Module, x: Tensor) -> Tensor:
    try:
        y = module(x)
    except Exception as error:
        raise InputError(
            f"{where}: given {tuple(x.shape)} {x.dtype}, raised {one_line(error)}"
        ) from error
    if not isinstance(y, Tensor) or not y.isfinite().all():
        what = "values that are not finite" if isinstance(y, Tensor) else type(y).__name__
        raise InputError(
            f"{where}: gave {what} for {tuple(x.shape)}; a tensor of numbers is needed"
        )
    return y
