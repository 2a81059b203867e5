"""Nearest-neighbour interpolation + convolution (section 3 of the paper)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from upsampling_artifacts.upsamplers.fused import FusedInterpolationConvolution


class NearestConvolution(FusedInterpolationConvolution):
    """Every sample is repeated ``stride`` times, then a learnable convolution follows.

    Repeating is a rectangular filter: a sinc in the frequency domain, with zeros at the
    multiples of ``rate / stride``. The offsets that would become tones there are removed, and
    so is signal: the filtering artifact.
    """

    kind = "nearest"

    def interpolate(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=self.stride, mode="nearest")
