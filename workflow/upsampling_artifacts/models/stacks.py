"""Stacks of upsamplers x2, the paper's small experiments (sections 2 to 5, figures 5 to 8)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.build import build_layer, seeded

RATE_HZ = 4000
STRIDE = 2
# The paper's stacks have one channel. Their spectra show the coloration of one random filter as
# much as that of the upsampler. The mean power over many channels shows what they have in common:
# the upsampler.
WIDTH = 32


@dataclass(frozen=True)
class StackRecipe:
    """The layers of a stack.

    Attributes:
        upsampler: A name in :data:`registry.UPSAMPLERS`.
        length: Filter length; None for an interpolation without its convolution.
        initialization: "default" (random), "constant", or "icnr" for subpixel convolutions.
    """

    upsampler: str
    length: int | None
    initialization: str = "default"


STACKS = {
    "nearest": StackRecipe("nearest", 9),
    "linear": StackRecipe("linear", 9),
    "nearest_alone": StackRecipe("nearest", None),
    "linear_alone": StackRecipe("linear", None),
    "subpixel": StackRecipe("subpixel", 3),
    "subpixel_icnr": StackRecipe("subpixel", 3, "icnr"),
    "transposed_full": StackRecipe("transposed", 4),
    "transposed_none": StackRecipe("transposed", 2),
    "transposed_partial": StackRecipe("transposed", 3),
    "transposed_full_constant": StackRecipe("transposed", 4, "constant"),
    "transposed_none_constant": StackRecipe("transposed", 2, "constant"),
    "transposed_partial_constant": StackRecipe("transposed", 3, "constant"),
}


class Stack(nn.Module):
    """Upsamplers in a row, without biases and activations.

    Shape:
        - Input: ``(batch, 1, time)``
        - Output: one ``(batch, channels, time * STRIDE ** n)`` for each layer ``n = 1, 2, ...``;
          ``channels`` is ``WIDTH``, or 1 for interpolations without convolutions.

    Args:
        layers: The upsamplers, first to last.
    """

    def __init__(self, layers: list[nn.Module]):
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> list[Tensor]:
        outputs = []
        for layer in self.layers:
            x = layer(x)
            outputs.append(x)
        return outputs


def build_stack(name: str, seed: int, layers: int = 3) -> Stack:
    """Build one of the paper's stacks with random weights.

    Args:
        name: A key of ``STACKS``.
        seed: Seeds the weights without changing the global random state.
        layers: Number of upsamplers. The output of layer ``n`` has the rate ``rates_hz(n)[-1]``.

    Returns:
        The stack, in evaluation mode.

    Raises:
        InputError: The name is unknown; the message lists the known ones.

    Example:
        >>> import torch
        >>> outputs = build_stack("transposed_partial_constant", seed=0)(torch.ones(1, 1, 4))
        >>> [tuple(output.shape) for output in outputs]
        [(1, 32, 8), (1, 32, 16), (1, 32, 32)]
        >>> outputs[0][0, 0].tolist()
        [1.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0]
    """
    if name not in STACKS:
        raise InputError(f"unknown stack '{name}'; known: {', '.join(STACKS)}")
    with seeded(seed):
        return Stack([_layer(STACKS[name], first=index == 0) for index in range(layers)]).eval()


def rates_hz(layers: int = 3) -> list[int]:
    """Sampling rates of the input and of each layer's output.

    Args:
        layers: Number of layers.

    Returns:
        In Hz, ``layers + 1`` rates.

    Example:
        >>> rates_hz(layers=2)
        [4000, 8000, 16000]
    """
    return [RATE_HZ * STRIDE**index for index in range(layers + 1)]


def _layer(recipe: StackRecipe, first: bool) -> nn.Module:
    upsampler: dict = {"name": recipe.upsampler, "length": recipe.length}
    if recipe.initialization != "default":
        upsampler["initialization"] = recipe.initialization
    if recipe.length is None:
        return build_layer(upsampler, 1, 1, STRIDE, bias=False)
    return build_layer(upsampler, 1 if first else WIDTH, WIDTH, STRIDE, bias=False)
