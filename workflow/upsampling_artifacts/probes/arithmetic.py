"""The arithmetic in which a variant is probed: as it separates, as it trained, and a reference.

An interpolation layer has two implementations, which round differently, and a network may have
been trained in another precision than that in which it separates. Rounding can make a tone by
itself, so a probe must run what ran. The reference, two layers in float32, shows what is left if
rounding is not in question.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from upsampling_artifacts.models.overlap_add import CHUNKS_AT_ONCE
from upsampling_artifacts.models.precision import emulated_tf32
from upsampling_artifacts.probes.measures_table import SEPARATION

TRAINING, REFERENCE = "training", "reference"

FLOAT32 = "32-true"


@dataclass(frozen=True)
class Arithmetic:
    """How a network computes.

    Attributes:
        name: What computes so: ``separation``, ``training`` or ``reference``.
        implementations: Of each layer that has a choice, ``fused`` or ``plain`` (two layers), in
            the order of ``model.modules()``.
        precision: ``32-true``, ``tf32`` (on a CPU: emulated), ``bf16-mixed`` or ``16-mixed``.
    """

    name: str
    implementations: tuple[str, ...]
    precision: str = FLOAT32

    @property
    def implementation(self) -> str:
        """The implementations in one word, for tables: ``fused``, ``plain``, both, or ``-``."""
        return " and ".join(sorted(set(self.implementations))) or "-"

    def same_as(self, other: Arithmetic) -> bool:
        """Whether both give the same numbers."""
        return replace(self, name=other.name) == other


def arithmetics(
    model: nn.Module, chunk_shape: tuple[int, int], about: dict[str, Any]
) -> list[Arithmetic]:
    """The different arithmetics in which a variant ran, and the reference.

    Args:
        model: The variant, in evaluation mode.
        chunk_shape: ``(channels, time)`` of a chunk in separation.
        about: The description of a trained model (:mod:`models.saved`): ``precision`` and
            ``batch_size`` of its training. Without them, training is left out.

    Returns:
        Separation first. Those that compute as an earlier one are left out.
    """
    shapes = _layer_shapes(model, chunk_shape)
    ran = [Arithmetic(SEPARATION, _choices(shapes, CHUNKS_AT_ONCE, training=False))]
    if "precision" in about:
        choices = _choices(shapes, about["batch_size"], training=True)
        ran.append(Arithmetic(TRAINING, choices, about["precision"]))
    ran.append(Arithmetic(REFERENCE, ("plain",) * len(shapes)))
    different: list[Arithmetic] = []
    for arithmetic in ran:
        if not any(arithmetic.same_as(other) for other in different):
            different.append(arithmetic)
    return different


def _with_choice(model: nn.Module) -> list[Any]:
    """The layers that choose between two implementations (upsamplers/fused.py).

    They are known by their method, so that a system without them does not depend on that module.
    """
    return [module for module in model.modules() if hasattr(module, "is_fused")]


def _layer_shapes(model: nn.Module, chunk_shape: tuple[int, int]) -> dict[nn.Module, torch.Size]:
    """The shapes of the inputs of the layers with a choice, without the batch, for one chunk."""
    layers = _with_choice(model)
    shapes = dict.fromkeys(layers, torch.Size())

    def note(layer: nn.Module, args: tuple[Tensor]) -> None:
        shapes[layer] = args[0].shape[1:]

    hooks = [layer.register_forward_pre_hook(note) for layer in layers]
    if layers:
        with torch.inference_mode():
            model(torch.zeros(1, *chunk_shape))
    for hook in hooks:
        hook.remove()
    return shapes


def _choices(shapes: dict[nn.Module, torch.Size], batch: int, training: bool) -> tuple[str, ...]:
    """What each layer with a choice chooses: that depends on the size of its input."""
    chosen = []
    for layer, shape in shapes.items():
        layer.train(training)
        with torch.set_grad_enabled(training):
            fused = cast(Any, layer).is_fused(torch.empty(1).expand(batch, *shape))
        layer.eval()
        chosen.append("fused" if fused else "plain")
    return tuple(chosen)


@contextmanager
def computing(model: nn.Module, arithmetic: Arithmetic) -> Iterator[None]:
    """Context manager: the model computes in an arithmetic.

    Args:
        model: The variant.
        arithmetic: From :func:`arithmetics`.
    """
    layers = _with_choice(model)
    before = [layer.implementation for layer in layers]
    try:
        for layer, implementation in zip(layers, arithmetic.implementations, strict=True):
            layer.implementation = implementation
        with _precision(arithmetic.precision):
            yield
    finally:
        for layer, implementation in zip(layers, before, strict=True):
            layer.implementation = implementation


def _precision(name: str) -> AbstractContextManager[Any]:
    if name == "tf32":
        return emulated_tf32()
    dtypes = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}
    return torch.autocast("cpu", dtypes[name]) if name in dtypes else nullcontext()
