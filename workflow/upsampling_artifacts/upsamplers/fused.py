"""Interpolation and convolution as one convolution at the low rate.

A layer that interpolates and then convolves works at the high rate, on ``stride`` times as many
samples, most of which say nothing new. Nothing is lost by working at the low rate. Let ``s`` be
the stride, ``h`` the impulse response of the interpolation (nearest: a box, ``s`` ones) and ``w``
the filter, whose sample ``left`` stands above the output sample. With ``x`` zero outside of its
``T`` samples, the two layers are

    u[m] = sum_j x[j] h[m - s j]                      y[n] = sum_k w[k] u[n + k - left]

and put together, with the *fused filter* ``v``, of ``len(h) + len(w) - 1`` samples,

    y[n] = sum_j x[j] v[n - s j]                      v[r] = sum_k w[k] h[r + k - left]

Every ``s``-th sample of ``v`` meets an input sample, the others would meet inserted zeros. So each
phase ``p`` of the output is a short filter at the low rate (the polyphase identity):

    y[s t + p] = sum_e x[t + e] v[p - s e]

which is a convolution to ``s`` times the channels and a periodic shuffle, as in a subpixel
convolution; only that its filters are made of ``w``, by a matrix of constants. Per input sample
and pair of channels, two layers of stride 4 and length 9 take 36 products, this one 12, and what
is kept for the gradients is ``x``, not ``u``, of 4 times its samples.

**Linear.** Its triangle is the box, smoothed by a short symmetric filter ``g`` (a running mean; for
even strides, of the means of neighbours, so that it has a centre): ``[1, 2, 2, 2, 1] / 8`` for
stride 4. The order of filters does not matter, so the output of the box is smoothed, by a few
additions per sample and no product. Put into ``v``, the triangle would take 16 products: as long in
layers of 16 or 32 channels, a quarter longer in wider ones.

**Borders.** The convolution sees zeros outside of the ``s T`` samples, not what the sum for ``u``
gives there; and linear interpolation, which holds the end samples, has more inside than that sum.
Both concern the first and the last input sample alone. At the start,

    u[m] - sum_j x[j] h[m - s j] = x[0] h[m + s]     0 <= m < s: of the sample held before x[0]
                                 = -x[0] h[m]       -s <= m < 0: zeros there

and at the end likewise; filtered by ``w``, these few samples are added to ``y``. For nearest they
are zero. All of this is exact; only the order of the sums differs.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.amp import is_autocast_available
from torch.nn import functional as F

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.upsamplers.folding import Folded
from upsampling_artifacts.upsamplers.interpolation import InterpolationConvolution

IMPLEMENTATIONS = ("plain", "fused", "auto")
NO_CHOICE = "-"
"""In tables: the implementation of a system whose layers have only one."""

# What else takes as long as a product in a convolution; per call: at a width of one channel.
PRODUCTS_PER_TRANSFORMED = 13
PRODUCTS_PER_CALL = {"trained": 110_000, "folded": 60_000, "linear": 200_000}


class FusedInterpolationConvolution(InterpolationConvolution):
    """A fixed interpolation and a convolution, done in one where that is faster.

    Parameters, outputs and gradients are those of the two layers, to rounding (of a constant, each
    phase is rounded in its own way: a tone of -136 dB in single precision). Without gradients and
    in evaluation mode, the fused filter is made once, and again when the weight changes.

    A convolution with hooks runs itself, for whoever registered them (a tracer of layers, old
    weight normalisation) counts on it: then it is two layers, whatever the implementation.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        stride: Upsampling factor.
        length: Filter length of the convolution; None for none.
        bias: Whether to learn an offset per output channel.
        implementation: ``plain`` is two layers, ``fused`` is one, ``auto`` the faster of them:
            :func:`is_faster`.

    Attributes:
        kind: ``nearest`` or ``linear``; None, and two layers always, for a class that interpolates
            in a way of its own.

    Raises:
        InputError: The implementation is unknown.
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
        self._folded = Folded()

    def forward(self, x: Tensor) -> Tensor:
        if not self._is_folded():
            self._folded.drop()
        return self._fused(x) if self.is_fused(x) else super().forward(x)

    def is_fused(self, x: Tensor) -> bool:
        """Whether an input ``(batch, in_channels, time)`` goes through one layer or through two."""
        convolution = self.convolution
        if self.implementation == "plain" or self.kind is None:
            return False
        if isinstance(convolution, nn.Identity):
            return False
        if convolution._forward_pre_hooks or convolution._forward_hooks:
            return False
        if self.implementation == "fused":
            return True
        return is_faster(self._plan(), x, self.out_channels, self._is_folded())

    def _is_folded(self) -> bool:
        return not (self.training or torch.is_grad_enabled())

    def _plan(self) -> Plan:
        weight = self.convolution.weight
        # Weights of less than single precision are transformed in single precision.
        dtype = torch.promote_types(weight.dtype, torch.float32)
        length = self.convolution.kernel_size[0]
        return plan_fusion(self._smoothing(), self.stride, length, dtype, weight.device)

    def _smoothing(self) -> tuple[float, ...]:
        """The filter ``g`` that turns the box into this interpolation, up to a factor."""
        return (1.0,)

    def _from_box(self, y: Tensor, x: Tensor, weight: Tensor, plan: Plan) -> Tensor:
        """The layer's output, from that of the box and the convolution.

        Shape:
            - y: ``(batch, out_channels, samples)``, from the sample ``plan.first`` on
            - x: ``(batch, in_channels, time)``, the layer's input
            - weight: ``(out_channels, in_channels, length)``
            - Output: ``(batch, out_channels, time * stride)``
        """
        samples = x.shape[-1] * self.stride
        return y if y.shape[-1] == samples else y[..., plan.first : plan.first + samples]

    def _fused(self, x: Tensor) -> Tensor:
        weight, bias = self.convolution.weight, self.convolution.bias
        plan = self._plan()
        make = partial(fuse, plan=plan)
        filters = self._folded.of(weight, make) if self._is_folded() else make(weight)
        bias = None if bias is None else plan.height * bias.repeat(self.stride)
        phases = F.conv1d(x, filters, bias, padding=plan.padding)
        # A periodic shuffle, of phases that are not neighbours: so their filters come cheaper.
        phases = phases.unflatten(1, (self.stride, self.out_channels))
        y = phases.permute(0, 2, 3, 1).flatten(2)
        return self._from_box(y, x, weight, plan)


def layers_with_choice(model: nn.Module) -> list[FusedInterpolationConvolution]:
    """The layers of a model that can run as two layers or as one."""
    return [
        layer
        for layer in model.modules()
        if isinstance(layer, FusedInterpolationConvolution)
        and layer.kind
        and not isinstance(layer.convolution, nn.Identity)
    ]


def set_implementation(model: nn.Module, implementation: str) -> None:
    """Have the layers that have a choice run by this implementation."""
    for layer in layers_with_choice(model):
        layer.implementation = implementation


@dataclass(frozen=True)
class Plan:
    """What fusing takes, beside the weight: constants of interpolation, stride and length.

    Attributes:
        transform: From a filter to its fused filter, by phase: ``(stride, length, taps)``.
        padding: Zeros on either side of the low-rate input.
        first: Which sample of the shuffled phases is the first that is needed.
        margin: How many samples are needed beyond each end of the output, to be smoothed.
        height: Of the box, and of the offset, before they are smoothed.
        start: From a filter to what the first input sample adds to the first output samples,
            ``(length, samples)``; of no samples for nearest.
        end: The same of the last.
    """

    transform: Tensor
    padding: int
    first: int
    margin: int
    height: float
    start: Tensor
    end: Tensor

    @property
    def stride(self) -> int:
        """Upsampling factor."""
        return len(self.transform)


@cache
def plan_fusion(
    smoothing: tuple[float, ...],
    stride: int,
    length: int,
    dtype: torch.dtype,
    device: torch.device,
) -> Plan:
    """The constants of one kind of layer, in the terms of the module's docstring.

    Args:
        smoothing: The filter ``g`` up to a factor, of odd length; ``(1.0,)`` for nearest.
        stride: Upsampling factor.
        length: Of the convolution's filter.
        dtype: Of the constants; they are computed in float64.
        device: Where they will be needed.
    """
    before, after = (length - 1) // 2, length // 2  # w reaches before and after its output sample
    margin = len(smoothing) // 2
    height = 1 / sum(smoothing)  # of the box: smoothing only adds
    response = np.convolve(smoothing, [height] * stride)

    def box(m: int) -> float:
        return height if 0 <= m < stride else 0.0

    def h(m: int) -> float:
        return response[m + margin] if 0 <= m + margin < len(response) else 0.0

    # Where v begins. Zeros before it are samples to spare: phases may so be counted from 0.
    begin, support = -after, stride + length - 1
    taps = -(-support // stride)
    if begin % stride <= taps * stride - support:
        begin -= begin % stride
    phase = -(-begin % stride)
    latest = (phase - begin) // stride
    earliest = latest - taps + 1
    transform = [
        [
            [box(p - stride * e + k - before) for e in range(earliest, latest + 1)]
            for k in range(length)
        ]
        for p in range(phase, phase + stride)
    ]
    blocks_before, blocks_after = -(-(phase + margin) // stride), -(-(margin - phase) // stride)
    padding = max(blocks_before - earliest, latest + blocks_after)

    # What u lacks, by its sample re the first input sample's, and re the last one's.
    at_start = {m: h(m + stride) if m >= 0 else -h(m) for m in range(-margin, margin)}
    at_end = {
        m: h(m - stride) if m < stride else -h(m) for m in range(stride - margin, stride + margin)
    }
    n_start, n_end = (before + margin, after + margin) if margin else (0, 0)

    def borders(lack: dict[int, float], samples: range) -> list[list[float]]:
        return [[lack.get(n + k - before, 0.0) for n in samples] for k in range(length)]

    def constant(values: list) -> Tensor:
        return torch.tensor(values, dtype=torch.float64).to(device, dtype)

    with torch.inference_mode(False):  # for gradients, too, should it be asked for without first
        return Plan(
            transform=constant(transform),
            padding=padding,
            first=(padding + earliest) * stride - phase - margin,
            margin=margin,
            height=height,
            start=constant(borders(at_start, range(n_start))),
            end=constant(borders(at_end, range(stride - n_end, stride))),
        )


def fuse(weight: Tensor, plan: Plan) -> Tensor:
    """Filters of all phases, ``(stride * out, in, taps)``, of a weight ``(out, in, length)``."""
    # Under autocast, too: what may be rounded is the filter, not what it is made of.
    device = weight.device.type
    in_full = (
        torch.autocast(device, enabled=False) if is_autocast_available(device) else nullcontext()
    )
    with in_full:
        samples = weight.to(plan.transform.dtype).flatten(0, 1)
        by_phase = torch.matmul(samples, plan.transform).to(weight.dtype)
        return by_phase.unflatten(1, weight.shape[:2]).flatten(0, 1)


def is_faster(plan: Plan, x: Tensor, out_channels: int, folded: bool) -> bool:
    """Whether one layer takes less time than two, forward and backward.

    Each input sample of each pair of channels saves products; each pair has its filter to be
    transformed, once a call; and each call has its own cost, for linear also that of smoothing and
    borders, which the more channels share the more there are. The weights of these are fitted to
    one thread of a CPU (benchmarks/upsamplers.csv, column ``chosen``). With stride 4 and length 9,
    nearest is fused from about 100 samples in a batch on (128 channels), linear from about 160.

    Args:
        plan: Of the layer.
        x: ``(batch, in_channels, time)``.
        out_channels: Of the layer.
        folded: Whether the fused filter is there already.
    """
    stride, length, taps = plan.transform.shape
    saved = stride * (length - taps) * len(x) * x.shape[-1]
    transform = 0 if folded else PRODUCTS_PER_TRANSFORMED * stride * length * taps
    call = PRODUCTS_PER_CALL["folded" if folded else "trained"]
    if plan.margin:
        call += PRODUCTS_PER_CALL["linear"]
    return saved > transform + call / (x.shape[1] * out_channels) ** 0.5
