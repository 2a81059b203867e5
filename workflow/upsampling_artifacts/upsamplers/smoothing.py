"""From nearest to linear interpolation, by additions: see fused.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from upsampling_artifacts.upsamplers.fused import Plan


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


def smoothing_filter(stride: int) -> tuple[float, ...]:
    """All :func:`smoothing_steps` as one filter."""
    response = np.ones(1)
    for times, spacing in smoothing_steps(stride):
        response = np.convolve(response, ([1.0] + [0.0] * (spacing - 1)) * times)
    return tuple(np.trim_zeros(response).tolist())


def smooth(y: Tensor, stride: int) -> Tensor:
    """All :func:`smoothing_steps` of ``(batch, channels, time)``, where all samples are there."""
    for times, spacing in smoothing_steps(stride):
        samples = y.shape[-1] - (times - 1) * spacing
        shifted = [y[..., i * spacing :][..., :samples] for i in range(times)]
        y = sum(shifted[2:], shifted[0] + shifted[1])
    return y


class LinearFromBox(torch.autograd.Function):
    """The output of linear interpolation and a convolution, from that of the box.

    It is smoothed, and what the ends lack is added: one function, for its parts are small and many,
    and autograd would take longer to keep account of them than they take. Nothing is kept but input
    and weight, which others keep, too.

    Args:
        y: Output of the box and the convolution, ``(batch, out_channels, time)``.
        x: The layer's input, ``(batch, in_channels, time / stride)``.
        weight: Of the convolution, ``(out_channels, in_channels, length)``.
        plan: Of the layer.
        samples: Of the output; ``y`` has some more on either side.
    """

    @staticmethod
    def forward(ctx, y: Tensor, x: Tensor, weight: Tensor, plan: Plan, samples: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.plan, ctx.samples, ctx.box_samples = plan, samples, y.shape[-1]
        y = smooth(y[..., plan.first : plan.first + samples + 2 * plan.margin], plan.stride)
        products = _ends(x).to(y.dtype) @ _by_channel(weight).to(y.dtype)
        first, last = products.unflatten(2, (len(weight), -1)).unbind(1)  # (batch, out, length)
        start, end = _borders(plan, samples, y.dtype)
        y[..., : start.shape[1]].add_(first @ start)
        y[..., samples - end.shape[1] :].add_(last @ end)
        return y

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        plan, samples = ctx.plan, ctx.samples
        start, end = _borders(plan, samples, gradient.dtype)
        first = gradient[..., : start.shape[1]] @ start.T
        last = gradient[..., samples - end.shape[1] :] @ end.T
        products = torch.stack([first, last], dim=1).flatten(2)  # (batch, 2, out * length)
        of_x = of_weight = None
        if ctx.needs_input_grad[1]:
            ends = (products @ _by_channel(weight).to(products.dtype).T).to(x.dtype)
            of_x = torch.zeros_like(x)
            of_x[..., 0] += ends[:, 0]
            of_x[..., -1] += ends[:, 1]
        if ctx.needs_input_grad[2]:
            ends = _ends(x).to(products.dtype).flatten(0, 1)
            by_channel = (ends.T @ products.flatten(0, 1)).to(weight.dtype)
            of_weight = by_channel.unflatten(1, (len(weight), -1)).transpose(0, 1)
        return _unsmooth(gradient, plan, ctx.box_samples), of_x, of_weight, None, None


def _unsmooth(gradient: Tensor, plan: Plan, samples: int) -> Tensor:
    """The transpose of smoothing, which is smoothing but for the ends."""
    reach = sum((times - 1) * spacing for times, spacing in smoothing_steps(plan.stride))
    before, after = plan.first, samples - plan.first - gradient.shape[-1] - 2 * plan.margin
    zeros = [gradient.new_zeros(*gradient.shape[:2], reach + more) for more in (before, after)]
    # Not F.pad, which fills all with zeros first.
    return smooth(torch.cat([zeros[0], gradient, zeros[1]], dim=-1), plan.stride)


def _ends(x: Tensor) -> Tensor:
    """The first and the last sample of each example: ``(batch, 2, channels)``."""
    return x[..., :: max(x.shape[-1] - 1, 1)].expand(-1, -1, 2).transpose(1, 2)


def _by_channel(weight: Tensor) -> Tensor:
    """``(out, in, length)`` as ``(in, out * length)``."""
    return weight.transpose(0, 1).flatten(1)


def _borders(plan: Plan, samples: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Those of the plan, of no more samples than the output has."""
    return plan.start[:, :samples].to(dtype), plan.end[:, -samples:].to(dtype)
