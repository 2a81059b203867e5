"""Interpolation and convolution fused into one convolution at the low rate.

The algorithm is ours; it applies the polyphase identity (Vaidyanathan, "Multirate systems and
filter banks", 1993). A layer that interpolates and then convolves works at the high rate, on
``stride`` times as many samples, most of them redundant. The same output can be computed at the low
rate.

**Derivation.** Let ``s`` be the stride, ``h`` the impulse response of the interpolation (nearest
neighbor: a box of ``s`` ones) and ``w`` the filter, with ``left`` samples before its center. With
``x`` zero outside its ``T`` samples, interpolation and convolution are

    u[m] = sum_j x[j] h[m - s j]                      y[n] = sum_k w[k] u[n + k - left]

Substituting the first into the second gives the *fused filter* ``v`` of ``len(h) + len(w) - 1``
samples:

    y[n] = sum_j x[j] v[n - s j]                      v[r] = sum_k w[k] h[r + k - left]

Each output sample uses every ``s``-th sample of ``v``. So each phase ``p`` of the output is a short
filter at the low rate:

    y[s t + p] = sum_e x[t + e] v[p - s e]

This is a convolution to ``s`` times the channels and a periodic shuffle, as in a subpixel
convolution, with filters computed from ``w`` by a constant matrix. At stride 4 and length 9, it
takes 12 products per input sample and pair of channels instead of 36, and keeps ``x`` for the
gradients instead of ``u``, a quarter of the memory.

**No tone.** All phases have the same DC gain ``S``, the sum of ``w``. But in half precision or
TF32, convolutions round the filter of each phase by itself, and their gains differ by the error: a
constant becomes a tone, 54 dB below it in bfloat16. There, we express the samples under a filter by
the middle one, ``x[t + c]``, and the differences of neighbors:

    y[s t + p] = S x[t + c] + sum_e d[p, e] (x[t + e] - x[t + e - 1])

    d[p, e] = sum_{i >= e} v[p - s i]     e > c
            = -sum_{i < e} v[p - s i]     e <= c

The first term is the same for all phases. The differences vanish exactly where ``x`` is constant,
so the phases are equal there, bit for bit. Around a constant, the error of rounding ``d`` vanishes
too, as a filter of differences passes no DC. This is still a single convolution, of stride 2 over
differences and samples in turn. At stride 4 and length 9, it takes the same 12 products: of a
difference, the middle sample and a difference. Longer filters of ``n`` taps take ``2 n - 3``
products per phase instead of ``n``, because the samples in between are multiplied by zero. Where
neighbors differ a lot, rounding the differences costs accuracy: for white noise, the rounding noise
has about twice the power of that of two steps (stride 2, length 16: four times); for smooth inputs,
about the same.

**Linear interpolation.** The triangle is the box smoothed by a short symmetric filter ``g``, a
running mean (for even strides, of means of neighbors, so that it has a center). For stride 4, ``g``
is ``[1, 2, 2, 2, 1] / 8``. Filters commute, so we smooth the output of the fused box: a few
additions per sample and no product. With the triangle in ``v``, the convolution would take 16
products instead of 12. In layers of 16 or 32 channels that takes as long; in wider ones, a quarter
longer.

**Borders.** The convolution sees zeros outside the ``s T`` samples, where the sum for ``u`` is not
zero. Linear interpolation also holds the end samples, which that sum does not. Both corrections
involve the first and the last input sample only. At the start,

    u[m] - sum_j x[j] h[m - s j] = x[0] h[m + s]     0 <= m < s: the sample held before x[0]
                                 = -x[0] h[m]       -s <= m < 0: zeros outside

and likewise at the end. These few samples, filtered by ``w``, are added to ``y``. For nearest
neighbor they vanish. The result is exact; only the order of summation differs.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.amp.autocast_mode import is_autocast_available
from torch.nn import functional as F

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.upsamplers.folding import FilterCache
from upsampling_artifacts.upsamplers.fusion_plan import Plan, plan_fusion
from upsampling_artifacts.upsamplers.interpolation import InterpolationConvolution
from upsampling_artifacts.upsamplers.rounding import rounds_factors

IMPLEMENTATIONS = ("plain", "fused", "auto")
NO_CHOICE = "-"
"""In tables: the implementation of a system whose layers have only one implementation."""

# Costs in units of one product in a convolution: per product of the filter transform, and per call
# of a layer with one channel. See is_faster.
COST_PER_TRANSFORM_PRODUCT = 13
COST_PER_CALL = {"filter computed": 110_000, "filter cached": 60_000, "linear": 200_000}


class FusedInterpolationConvolution(InterpolationConvolution):
    """A fixed interpolation and a convolution, computed in one step where that is faster.

    Parameters, outputs and gradients are those of two separate steps up to rounding. In half
    precision and TF32, a constant becomes no tone, as in two steps. In single precision, each phase
    is rounded differently: a tone of -140 dB re the constant, -130 dB at most. In evaluation mode
    without gradients, the fused filter is cached until the weight changes.

    A convolution with hooks is always called itself, because whoever registered the hooks (a layer
    tracer, the old weight normalization) relies on them. The layer then runs as two steps, whatever
    its implementation.

    Shape:
        - Input: ``(batch, in_channels, time)``
        - Output: ``(batch, out_channels, time * stride)``

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Upsampling factor.
        length: Filter length of the convolution. None: the interpolation alone.
        bias: Whether to learn a bias per output channel.
        implementation: ``plain`` runs two steps, ``fused`` one, and ``auto`` whichever
            :func:`is_faster`.

    Attributes:
        kind: ``nearest`` or ``linear``. None for a subclass that overrides ``interpolate`` without
            naming a kind; it always runs as two steps.

    Raises:
        InputError: The implementation is unknown, or ``length`` is None but the numbers of
            channels differ.
    """

    kind: str | None = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "interpolate" in vars(cls):
            cls.kind = vars(cls).get("kind")

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        *,
        length: int | None,
        bias: bool = True,
        implementation: str = "auto",
    ):
        super().__init__(in_channels, out_channels, stride, length=length, bias=bias)
        if implementation not in IMPLEMENTATIONS:
            raise InputError(
                f"implementation: {implementation!r} is unknown; known: "
                f"{', '.join(IMPLEMENTATIONS)}"
            )
        self.implementation = implementation
        self._cached_filters = FilterCache()

    def forward(self, x: Tensor) -> Tensor:
        if not self._uses_cache():
            self._cached_filters.clear()
        return self._fused(x) if self.is_fused(x) else super().forward(x)

    def is_fused(self, x: Tensor) -> bool:
        """Whether an input ``(batch, in_channels, time)`` is processed in one step, not two."""
        convolution = self.convolution
        if self.implementation == "plain" or self.kind is None:
            return False
        if isinstance(convolution, nn.Identity):
            return False
        if convolution._forward_pre_hooks or convolution._forward_hooks:
            return False
        if self.implementation == "fused":
            return True
        return is_faster(self._plan(), x, self.out_channels, self._uses_cache())

    def _uses_cache(self) -> bool:
        return not (self.training or torch.is_grad_enabled())

    def _plan(self) -> Plan:
        convolution = cast(nn.Conv1d, self.convolution)
        weight = convolution.weight
        # Half-precision weights are transformed in single precision.
        dtype = torch.promote_types(weight.dtype, torch.float32)
        length = convolution.kernel_size[0]
        return plan_fusion(self._smoothing(), self.stride, length, dtype, weight.device)

    def _smoothing(self) -> tuple[float, ...]:
        """The filter ``g`` that turns the box into this interpolation, up to a factor."""
        return (1.0,)

    def _from_box(self, y: Tensor, x: Tensor, weight: Tensor, plan: Plan) -> Tensor:
        """Complete the output, given the output of the fused box and convolution.

        Args:
            y: ``(batch, out_channels, samples)``; the output starts at sample ``plan.first``.
            x: ``(batch, in_channels, time)``, the layer's input.
            weight: ``(out_channels, in_channels, length)``.
            plan: The layer's constants.

        Returns:
            ``(batch, out_channels, time * stride)``.
        """
        samples = x.shape[-1] * self.stride
        return y if y.shape[-1] == samples else y[..., plan.first : plan.first + samples]

    def _fused(self, x: Tensor) -> Tensor:
        convolution = cast(nn.Conv1d, self.convolution)
        weight, bias = convolution.weight, convolution.bias
        plan = self._plan()
        compute = partial(fuse, plan=plan)
        cached = self._uses_cache()
        filters = self._cached_filters.get(weight, compute) if cached else compute(weight)
        bias = None if bias is None else plan.height * bias.repeat(self.stride)
        phases = convolve(x, filters, bias, plan)
        # A periodic shuffle of phases that are not adjacent channels: this order is faster.
        phases = phases.unflatten(1, (self.stride, self.out_channels))
        y = phases.permute(0, 2, 3, 1).flatten(2)
        return self._from_box(y, x, weight, plan)


def layers_with_choice(model: nn.Module) -> list[FusedInterpolationConvolution]:
    """The layers of a model that have both implementations, ``plain`` and ``fused``.

    Args:
        model: Any module.

    Returns:
        The layers, in the order of ``model.modules()``.

    Example:
        >>> from upsampling_artifacts.upsamplers.nearest import NearestConvolution
        >>> model = nn.Sequential(nn.Conv1d(1, 8, 3), NearestConvolution(8, 1, 4, length=9))
        >>> len(layers_with_choice(model))
        1
    """
    return [
        layer
        for layer in model.modules()
        if isinstance(layer, FusedInterpolationConvolution)
        and layer.kind
        and not isinstance(layer.convolution, nn.Identity)
    ]


def set_implementation(model: nn.Module, implementation: str) -> None:
    """Set the implementation of all layers that have more than one.

    Args:
        model: Any module.
        implementation: One of ``IMPLEMENTATIONS``.
    """
    for layer in layers_with_choice(model):
        layer.implementation = implementation


def fuse(weight: Tensor, plan: Plan) -> Tensor:
    """The filters of all phases.

    Args:
        weight: ``(out_channels, in_channels, length)``.
        plan: The layer's constants.

    Returns:
        ``(stride * out_channels, in_channels, taps)``, phase by phase.

    Example:
        A filter of one sample and nearest neighbor: every phase is the filter itself, and a zero,
        as there are at least two taps.

        >>> plan = plan_fusion((1.0,), 2, 1, torch.float32, torch.device("cpu"))
        >>> fuse(torch.full((1, 1, 1), 5.0), plan).tolist()
        [[[0.0, 5.0]], [[0.0, 5.0]]]
    """
    # Autocast may round the fused filter, but not the sums that compute it.
    with full_precision(weight.device.type):
        samples = weight.to(plan.transform.dtype).flatten(0, 1)
        by_phase = torch.matmul(samples, plan.transform).to(weight.dtype)
        return by_phase.unflatten(1, weight.shape[:2]).flatten(0, 1)


def convolve(x: Tensor, filters: Tensor, bias: Tensor | None, plan: Plan) -> Tensor:
    """All phases of the fused box and convolution.

    Args:
        x: ``(batch, in_channels, time)``.
        filters: ``(stride * out_channels, in_channels, taps)``, phase by phase.
        bias: ``(stride * out_channels,)``, equal for all phases.
        plan: The layer's constants.

    Returns:
        ``(batch, stride * out_channels, samples)``, phase by phase.
    """
    if rounds_factors(x):
        phases: Tensor = TonelessConvolution.apply(x, filters, bias, plan)
        return phases
    return F.conv1d(x, filters, bias, padding=plan.padding)


class TonelessConvolution(torch.autograd.Function):
    """The convolution to all phases, which are equal wherever the input is constant.

    Only the forward pass uses differences; the gradients are those of the convolution as such.
    Arguments and result are those of :func:`convolve`.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, filters: Tensor, bias: Tensor | None, plan: Plan) -> Tensor:
        ctx.save_for_backward(x, filters)
        ctx.padding = plan.padding
        padded = F.pad(x, (plan.padding, plan.padding))
        in_turn = torch.stack([padded.diff(), padded[..., 1:]], dim=-1).flatten(2)
        return F.conv1d(in_turn, change_basis(filters, plan), bias, stride=2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, filters = (tensor.to(gradient.dtype) for tensor in ctx.saved_tensors)
        padding, needed = [ctx.padding], ctx.needs_input_grad[:3]
        gradients = torch.ops.aten.convolution_backward(
            gradient, x, filters, [len(filters)], [1], padding, [1], False, [0], 1, needed
        )
        return (*gradients, None)


def change_basis(filters: Tensor, plan: Plan) -> Tensor:
    """Turn filters of samples into filters of differences and samples in turn.

    Args:
        filters: ``(stride * out_channels, in_channels, taps)``, phase by phase.
        plan: The layer's constants.

    Returns:
        ``(stride * out_channels, in_channels, max(2, 2 * taps - 3))``. The taps alternate between
        differences and samples. Only the middle sample has a factor, the DC gain, which is exactly
        the same for all phases.

    Example:
        >>> plan = plan_fusion((1.0,), 2, 3, torch.float32, torch.device("cpu"))
        >>> change_basis(torch.tensor([[[1.0, 4.0]], [[3.0, 2.0]]]), plan).tolist()
        [[[-1.0, 5.0]], [[-3.0, 5.0]]]
    """
    with full_precision(filters.device.type):
        changed = filters.to(plan.basis.dtype).flatten(0, 1) @ plan.basis
        gains = changed[:, plan.middle].unflatten(0, (plan.stride, -1))
        gains.copy_(gains.mean(0, keepdim=True).expand_as(gains))  # they differ by rounding
        return changed.to(filters.dtype).unflatten(0, filters.shape[:2])


def full_precision(device: str) -> AbstractContextManager[Any]:
    """Switch autocast off, on devices that have it."""
    return torch.autocast(device, enabled=False) if is_autocast_available(device) else nullcontext()


def is_faster(plan: Plan, x: Tensor, out_channels: int, cached: bool) -> bool:
    """Whether the fused layer is predicted to be faster, forward and backward.

    A cost model per pair of channels, in units of one product. Fusing saves products for each input
    sample. It adds the transform of the filter, once per call, and an overhead per call, which
    weighs less the more channels share it; linear interpolation adds smoothing and borders. The
    constants are fitted to one thread of a CPU (benchmarks/upsamplers.csv, column ``chosen``). At
    stride 4, length 9 and 128 channels, nearest-neighbor layers are fused from about 100 samples
    per batch, linear ones from about 160.

    Args:
        plan: The layer's constants.
        x: ``(batch, in_channels, time)``, the input.
        out_channels: Channels of the output.
        cached: Whether the fused filter is cached.

    Returns:
        The prediction; no layer is run.

    Example:
        >>> plan = plan_fusion((1.0,), 4, 9, torch.float32, torch.device("cpu"))
        >>> [is_faster(plan, torch.empty(4, 128, time), 128, cached=False) for time in (4, 400)]
        [False, True]
    """
    stride, length, taps = plan.transform.shape
    saved = stride * (length - taps) * len(x) * x.shape[-1]
    transform = 0 if cached else COST_PER_TRANSFORM_PRODUCT * stride * length * taps
    call = COST_PER_CALL["filter cached" if cached else "filter computed"]
    if plan.margin:
        call += COST_PER_CALL["linear"]
    return saved > transform + call / (x.shape[1] * out_channels) ** 0.5
