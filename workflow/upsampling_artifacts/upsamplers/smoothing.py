"""From nearest to linear interpolation, by additions: see fused.py."""

from __future__ import annotations

import torch
from torch import Tensor


def smoothing_steps(stride: int) -> list[tuple[int, int]]:
    """How a box becomes a triangle: add up so many samples, so far apart; and again.

    A running sum of ``stride`` samples, factor by factor (8 samples are 3 additions, not 7); for
    even strides, of the sums of neighbours.
    """
    steps, spacing = [(2, 1)] if stride % 2 == 0 else [], 1
    while spacing < stride:
        rest = stride // spacing
        times = next(factor for factor in range(2, rest + 1) if rest % factor == 0)
        steps.append((times, spacing))
        spacing *= times
    return steps


def smooth(y: Tensor, stride: int) -> Tensor:
    """All :func:`smoothing_steps` of ``(batch, channels, time)``, where all samples are there."""
    for times, spacing in smoothing_steps(stride):
        samples = y.shape[-1] - (times - 1) * spacing
        shifted = [y[..., i * spacing :][..., :samples] for i in range(times)]
        y = sum(shifted[2:], shifted[0] + shifted[1])
    return y


class Smooth(torch.autograd.Function):
    """:func:`smooth` so many samples, from the first that is needed.

    It is its own transpose but for the ends: nothing is kept, and the gradient is smoothed.
    """

    @staticmethod
    def forward(ctx: object, y: Tensor, stride: int, first: int, samples: int) -> Tensor:
        ctx.stride, ctx.before, ctx.after = stride, first, y.shape[-1] - first - samples
        return smooth(y[..., first : first + samples], stride)

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> tuple[Tensor | None, ...]:
        reach = sum((times - 1) * spacing for times, spacing in smoothing_steps(ctx.stride))
        zeros = [
            gradient.new_zeros(*gradient.shape[:2], reach + more)
            for more in (ctx.before, ctx.after)
        ]
        # Not F.pad, which fills all with zeros first.
        padded = torch.cat([zeros[0], gradient, zeros[1]], dim=-1)
        return smooth(padded, ctx.stride), None, None, None
