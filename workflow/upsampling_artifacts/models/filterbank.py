"""The short-time Fourier transform of the systems that work on spectrograms."""

from __future__ import annotations

from openunmix.transforms import TorchISTFT, TorchSTFT
from torch import Tensor, nn
from torch.nn import functional as F

from upsampling_artifacts.precision import at_least_float, full_precision


class Filterbank(nn.Module):
    """The transform of the ``openunmix`` package and its inverse, for signals of any length.

    Frames are centred on multiples of the hop, under a Hann window. The transforms are always done
    in single precision at least, also under autocast: they have none in bfloat16.

    Args:
        n_fft: Length of a frame in samples.
        hop: Distance between frames in samples.
    """

    def __init__(self, n_fft: int, hop: int):
        super().__init__()
        self.stft = TorchSTFT(n_fft, hop, center=True)
        self.istft = TorchISTFT(n_fft, hop, center=True)

    def analyse(self, signal: Tensor) -> Tensor:
        """``(batch, channels, time)`` to ``(batch, channels, bins, frames, 2)``.

        The last axis holds real and imaginary parts.
        """
        # The border is filled up by reflection, which needs more samples than it reflects.
        missing = max(0, self.stft.n_fft // 2 + 1 - signal.shape[-1])
        with full_precision(signal):
            return self.stft(F.pad(at_least_float(signal), (0, missing)).contiguous())

    def synthesise(self, spectrum: Tensor, time: int) -> Tensor:
        """``(..., bins, frames, 2)`` to ``(..., time)``."""
        if spectrum.is_meta:
            # The inverse looks at its window's values, which the meta device, where parameters
            # and arithmetic are counted, has not. Gradients find their way back all the same.
            return spectrum.sum((-3, -2, -1)).unsqueeze(-1).expand(*spectrum.shape[:-3], time)
        longest = self.stft.n_fft // 2 + 1
        with full_precision(spectrum):
            spectrum = at_least_float(spectrum).contiguous()
            return self.istft(spectrum, length=max(time, longest))[..., :time]
