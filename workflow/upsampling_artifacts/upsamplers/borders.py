"""What the first and the last input sample add to the ends of a fused layer: see fused.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from upsampling_artifacts.upsamplers.fused import Plan


class AddBorders(torch.autograd.Function):
    """Add it to both ends, in place: no pass over what lies in between.

    One function, for its parts are small and many, and autograd would take longer to keep account
    of them than they take. Nothing is kept but input and weight, which others keep, too.

    Args:
        y: Output but for the borders, ``(batch, out_channels, stride * time)``.
        x: Input, ``(batch, in_channels, time)``.
        weight: Of the convolution, ``(out_channels, in_channels, length)``.
        plan: Of the layer.
    """

    @staticmethod
    def forward(ctx, y: Tensor, x: Tensor, weight: Tensor, plan: Plan) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.plan = plan
        ctx.mark_dirty(y)
        products = _ends(x).to(y.dtype) @ _by_channel(weight).to(y.dtype)
        first, last = products.unflatten(2, (len(weight), -1)).unbind(1)  # (batch, out, length)
        start, end = _borders(plan, y)
        y[..., : start.shape[1]].add_(first @ start)
        y[..., y.shape[-1] - end.shape[1] :].add_(last @ end)
        return y

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        start, end = _borders(ctx.plan, gradient)
        first = gradient[..., : start.shape[1]] @ start.T
        last = gradient[..., gradient.shape[-1] - end.shape[1] :] @ end.T
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
        return gradient, of_x, of_weight, None


def _ends(x: Tensor) -> Tensor:
    """The first and the last sample of each example: ``(batch, 2, channels)``."""
    return x[..., :: max(x.shape[-1] - 1, 1)].expand(-1, -1, 2).transpose(1, 2)


def _by_channel(weight: Tensor) -> Tensor:
    """``(out, in, length)`` as ``(in, out * length)``."""
    return weight.transpose(0, 1).flatten(1)


def _borders(plan: Plan, y: Tensor) -> tuple[Tensor, Tensor]:
    """Those of the plan, of no more samples than the output has."""
    samples = y.shape[-1]
    return plan.start[:, :samples].to(y.dtype), plan.end[:, -samples:].to(y.dtype)
