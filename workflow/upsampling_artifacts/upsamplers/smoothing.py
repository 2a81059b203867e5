"""Smoothing that turns nearest-neighbor into linear interpolation; :mod:`fused` derives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from upsampling_artifacts.upsamplers.fusion_plan import Plan


def smoothing_steps(stride: int) -> list[tuple[int, int]]:
    """The sums that turn a box into a triangle.

    Together they are a running sum of ``stride`` samples, one step per factor of the stride: a sum
    of 8 takes 3 additions instead of 7. For even strides, a sum of two neighbors comes first.

    Args:
        stride: Upsampling factor.

    Returns:
        ``(terms, spacing)`` of each step: how many samples to add, and their distance.

    Example:
        >>> smoothing_steps(4)
        [(2, 1), (2, 1), (2, 2)]
    """
    steps, spacing = [(2, 1)] if stride % 2 == 0 else [], 1
    while spacing < stride:
        remaining = stride // spacing
        terms = next(factor for factor in range(2, remaining + 1) if remaining % factor == 0)
        steps.append((terms, spacing))
        spacing *= terms
    return steps


def smoothing_filter(stride: int) -> tuple[float, ...]:
    """All :func:`smoothing_steps` as one filter.

    Args:
        stride: Upsampling factor.

    Returns:
        The filter's samples, an odd number.

    Example:
        >>> smoothing_filter(4)
        (1.0, 2.0, 2.0, 2.0, 1.0)
    """
    response = np.ones(1)
    for terms, spacing in smoothing_steps(stride):
        response = np.convolve(response, ([1.0] + [0.0] * (spacing - 1)) * terms)
    return tuple(np.trim_zeros(response).tolist())


def smooth(y: Tensor, stride: int) -> Tensor:
    """Apply all :func:`smoothing_steps`, without padding.

    Args:
        y: ``(batch, channels, time)``.
        stride: Upsampling factor.

    Returns:
        ``(batch, channels, time - len(smoothing_filter(stride)) + 1)``.

    Example:
        >>> smooth(torch.ones(1, 1, 6), stride=4).tolist()
        [[[8.0, 8.0]]]
    """
    for terms, spacing in smoothing_steps(stride):
        samples = y.shape[-1] - (terms - 1) * spacing
        shifted = [y[..., i * spacing :][..., :samples] for i in range(terms)]
        y = sum(shifted[2:], shifted[0] + shifted[1])
    return y


class LinearFromBox(torch.autograd.Function):
    """Linear interpolation and convolution, given the output of the fused box and convolution.

    Smooths the output and corrects its borders. It is one autograd function because its many small
    steps take less time than autograd needs to record them. It saves only the input and the
    weight, which are kept anyway.

    Args of ``apply``:
        y: ``(batch, out_channels, time)``, the output of the fused box and convolution.
        x: ``(batch, in_channels, time / stride)``, the layer's input.
        weight: ``(out_channels, in_channels, length)``.
        plan: The layer's constants.
        samples: Length of the result; ``y`` extends beyond it on either side.

    Returns of ``apply``:
        ``(batch, out_channels, samples)``.
    """

    @staticmethod
    def forward(ctx: Any, y: Tensor, x: Tensor, weight: Tensor, plan: Plan, samples: int) -> Tensor:
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
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        plan, samples = ctx.plan, ctx.samples
        start, end = _borders(plan, samples, gradient.dtype)
        first = gradient[..., : start.shape[1]] @ start.T
        last = gradient[..., samples - end.shape[1] :] @ end.T
        products = torch.stack([first, last], dim=1).flatten(2)  # (batch, 2, out * length)
        x_gradient = weight_gradient = None
        if ctx.needs_input_grad[1]:
            ends = (products @ _by_channel(weight).to(products.dtype).T).to(x.dtype)
            x_gradient = torch.zeros_like(x)
            x_gradient[..., 0] += ends[:, 0]
            x_gradient[..., -1] += ends[:, 1]
        if ctx.needs_input_grad[2]:
            ends = _ends(x).to(products.dtype).flatten(0, 1)
            by_channel = (ends.T @ products.flatten(0, 1)).to(weight.dtype)
            weight_gradient = by_channel.unflatten(1, (len(weight), -1)).transpose(0, 1)
        y_gradient = _smooth_transposed(gradient, plan, ctx.box_samples)
        return y_gradient, x_gradient, weight_gradient, None, None


def _smooth_transposed(gradient: Tensor, plan: Plan, samples: int) -> Tensor:
    """The transpose of smoothing: smoothing of the zero-padded gradient, as ``g`` is symmetric."""
    reach = sum((terms - 1) * spacing for terms, spacing in smoothing_steps(plan.stride))
    before, after = plan.first, samples - plan.first - gradient.shape[-1] - 2 * plan.margin
    zeros = [gradient.new_zeros(*gradient.shape[:2], reach + extra) for extra in (before, after)]
    # F.pad would fill the whole tensor with zeros first.
    return smooth(torch.cat([zeros[0], gradient, zeros[1]], dim=-1), plan.stride)


def _ends(x: Tensor) -> Tensor:
    """The first and last sample of each example, ``(batch, 2, channels)``."""
    return x[..., :: max(x.shape[-1] - 1, 1)].expand(-1, -1, 2).transpose(1, 2)


def _by_channel(weight: Tensor) -> Tensor:
    """``(out, in, length)`` as ``(in, out * length)``."""
    return weight.transpose(0, 1).flatten(1)


def _borders(plan: Plan, samples: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The border corrections of the plan, cut to the length of the output."""
    return plan.start[:, :samples].to(dtype), plan.end[:, -samples:].to(dtype)
