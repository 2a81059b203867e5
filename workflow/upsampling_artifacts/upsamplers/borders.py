"""The last part of a fused linear layer: its phases in turn, and its borders. See fused.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from upsampling_artifacts.upsamplers.fused import Plan


class InterleaveWithBorders(torch.autograd.Function):
    """Phases become a signal; what the first and the last input sample add to its ends is added.

    One function, for its parts are small and many, and autograd would take longer to keep account
    of them than they take. Nothing is kept but input and weight, which others keep, too.

    Args:
        phases: Of the output, ``(batch, stride * out_channels, blocks)``, the channels of a phase
            side by side.
        x: Input, ``(batch, in_channels, time)``.
        weight: Of the convolution, ``(out_channels, in_channels, length)``.
        plan: Of the layer.

    Returns:
        ``(batch, out_channels, stride * time)``.
    """

    @staticmethod
    def forward(ctx, phases: Tensor, x: Tensor, weight: Tensor, plan: Plan) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.plan, ctx.shape = plan, phases.shape
        y = phases.new_empty(len(x), len(weight), x.shape[-1] * plan.stride)
        for of_y, of_phases in _parts(y, phases, plan):
            of_y.copy_(of_phases)
        products = _ends(x).to(y.dtype) @ _by_channel(weight).to(y.dtype)
        first, last = products.unflatten(2, (len(weight), -1)).unbind(1)  # (batch, out, length)
        start, end = _borders(plan, y)
        y[..., : start.shape[1]].add_(first @ start)
        y[..., y.shape[-1] - end.shape[1] :].add_(last @ end)
        return y

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        of_phases = gradient.new_zeros(ctx.shape)  # on samples left out nothing depends
        for of_y, part in _parts(gradient, of_phases, ctx.plan):
            part.copy_(of_y)
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
        return of_phases, of_x, of_weight, None


def _parts(y: Tensor, phases: Tensor, plan: Plan) -> list[tuple[Tensor, Tensor]]:
    """What is the same in a signal and in its phases, as pairs of views.

    A block of the signal begins in one block of the phases, and ends in the next.
    """
    stride = plan.stride
    y = y.unflatten(2, (-1, stride))
    blocks = y.shape[2]
    skipped, phase = divmod(plan.first, stride)
    by_phase = phases.unflatten(1, (stride, -1)).permute(0, 2, 3, 1)
    parts = [(y[..., : stride - phase], by_phase[:, :, skipped : skipped + blocks, phase:])]
    if phase:
        later = by_phase[:, :, skipped + 1 : skipped + 1 + blocks, :phase]
        parts.append((y[..., stride - phase :], later))
    return parts


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
