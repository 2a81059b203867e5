"""The multi-resolution STFT loss of Yamamoto, Song & Kim (2020), "Parallel WaveGAN"."""

from __future__ import annotations

from auraloss.freq import MultiResolutionSTFTLoss
from torch import Tensor, nn

from upsampling_artifacts.errors import InputError

MIN_SAMPLES = 1025
"""The longest transform, of 2048 samples, reflects half its length at either end."""


class MultiResolutionSTFT(nn.Module):
    """Spectral convergence and log magnitude distance at three resolutions, by auraloss.

    Windows of 240, 600 and 1200 samples with hops of 50, 120 and 240. A short-time transform is a
    strided convolution, too, but its filters overlap fivefold and only magnitudes are compared, so
    the phase at which a frame is hit is random.

    Shape:
        Estimate and target: ``(..., time)``, more than 1024 samples.

    Raises:
        InputError: In ``forward``: the signals are shorter.
    """

    def __init__(self) -> None:
        super().__init__()
        self.loss = MultiResolutionSTFTLoss()

    def forward(self, estimate: Tensor, target: Tensor) -> Tensor:
        if estimate.shape[-1] < MIN_SAMPLES:
            raise InputError(
                f"training.segment_seconds: {estimate.shape[-1]} samples are too few for the loss "
                f"multi_resolution_stft, which needs {MIN_SAMPLES}; give longer segments"
            )
        return self.loss(_as_mono(estimate), _as_mono(target))


def _as_mono(waveforms: Tensor) -> Tensor:
    """``(signals, 1, time)``."""
    return waveforms.flatten(0, -2).unsqueeze(1)
