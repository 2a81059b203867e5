"""Nearest-neighbor interpolation followed by a convolution (section 3 of the paper)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from upsampling_artifacts.upsamplers.fused import FusedInterpolationConvolution


class NearestConvolution(FusedInterpolationConvolution):
    """Repeats every sample ``stride`` times, then applies a learnable convolution.

    Repetition filters with a rectangle: in the frequency domain a periodic sinc, with zeros at
    multiples of ``rate / stride``. The zeros remove the tones that a DC offset would cause, and
    part of the signal with them: the filtering artifact.

    Shape and arguments are those of :class:`fused.FusedInterpolationConvolution`.

    Example:
        >>> import torch
        >>> layer = NearestConvolution(1, 1, 2, length=9)
        >>> layer(torch.ones(1, 1, 4)).shape
        torch.Size([1, 1, 8])
        >>> layer.interpolate(torch.tensor([[[1.0, 2.0]]])).tolist()
        [[[1.0, 1.0, 2.0, 2.0]]]
    """

    kind = "nearest"

    def interpolate(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=self.stride, mode="nearest")
