"""Linear interpolation + convolution (section 3 of the paper)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from upsampling_artifacts.upsamplers.fused import FusedInterpolationConvolution, Plan
from upsampling_artifacts.upsamplers.smoothing import LinearFromBox, smoothing_filter


class LinearConvolution(FusedInterpolationConvolution):
    """Samples are joined by straight lines, then a learnable convolution follows.

    The straight lines are a triangular filter: a squared sinc in the frequency domain, which
    takes more of the high end than nearest-neighbour interpolation does. The end samples are
    held beyond the borders (``align_corners=False``), so every stride centres its output.
    """

    kind = "linear"

    def interpolate(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=self.stride, mode="linear", align_corners=False)

    def _smoothing(self) -> tuple[float, ...]:
        return smoothing_filter(self.stride)

    def _from_box(self, y: Tensor, x: Tensor, weight: Tensor, plan: Plan) -> Tensor:
        return LinearFromBox.apply(y, x, weight, plan, x.shape[-1] * self.stride)
