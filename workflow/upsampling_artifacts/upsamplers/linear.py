"""Linear interpolation followed by a convolution (section 3 of the paper)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from upsampling_artifacts.upsamplers.fused import FusedInterpolationConvolution
from upsampling_artifacts.upsamplers.fusion_plan import Plan
from upsampling_artifacts.upsamplers.smoothing import LinearFromBox, smoothing_filter


class LinearConvolution(FusedInterpolationConvolution):
    """Joins samples by straight lines, then applies a learnable convolution.

    Straight lines filter with a triangle: in the frequency domain a squared periodic sinc, which
    attenuates high frequencies more than nearest-neighbor interpolation does. Beyond the borders,
    the end samples are held (``align_corners=False``), so the output is centered for every stride.

    Shape and arguments are those of :class:`fused.FusedInterpolationConvolution`.

    Example:
        >>> import torch
        >>> layer = LinearConvolution(1, 1, 2, length=9)
        >>> layer(torch.ones(1, 1, 4)).shape
        torch.Size([1, 1, 8])
        >>> layer.interpolate(torch.tensor([[[0.0, 4.0]]])).tolist()
        [[[0.0, 1.0, 3.0, 4.0]]]
    """

    kind = "linear"

    def interpolate(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=self.stride, mode="linear", align_corners=False)

    def _smoothing(self) -> tuple[float, ...]:
        return smoothing_filter(self.stride)

    def _from_box(self, y: Tensor, x: Tensor, weight: Tensor, plan: Plan) -> Tensor:
        return LinearFromBox.apply(y, x, weight, plan, x.shape[-1] * self.stride)
