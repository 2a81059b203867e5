"""The short-time Fourier transform of the networks that work on spectrograms."""

from __future__ import annotations

from openunmix.transforms import TorchISTFT, TorchSTFT
from torch import Tensor, nn
from torch.nn import functional as F

from upsampling_artifacts.errors import InputError


class Filterbank(nn.Module):
    """The transform of the package ``openunmix`` and its inverse, for signals of any length.

    Frames are centered on multiples of the hop and weighted with a Hann window.

    Args:
        n_fft: Frame length in samples.
        hop: Distance between frames in samples.

    Raises:
        InputError: The frame length is odd, or the frames leave gaps, so there is no inverse.

    Example:
        >>> import torch
        >>> filterbank, signal = Filterbank(n_fft=64, hop=16), torch.randn(1, 2, 100)
        >>> spectrum = filterbank.analyze(signal)
        >>> spectrum.shape
        torch.Size([1, 2, 33, 7, 2])
        >>> bool(torch.allclose(filterbank.synthesize(spectrum, time=100), signal, atol=1e-5))
        True
    """

    def __init__(self, n_fft: int, hop: int):
        super().__init__()
        if n_fft < 2 or n_fft % 2:
            raise InputError(f"n_fft: {n_fft} is not a frame length; use an even number")
        if not 0 < hop <= n_fft // 2:
            raise InputError(
                f"hop: frames of {n_fft} samples every {hop} samples have no inverse transform; "
                f"use 1 to {n_fft // 2}"
            )
        self.stft = TorchSTFT(n_fft, hop, center=True)
        self.istft = TorchISTFT(n_fft, hop, center=True)

    def analyze(self, signal: Tensor) -> Tensor:
        """Transform ``(batch, channels, time)`` to ``(batch, channels, bins, frames, 2)``.

        The last axis holds real and imaginary parts.
        """
        # Reflection at the borders needs a signal longer than what it reflects.
        missing = max(0, self.stft.n_fft // 2 + 1 - signal.shape[-1])
        return self.stft(F.pad(signal, (0, missing)).contiguous())

    def synthesize(self, spectrum: Tensor, time: int) -> Tensor:
        """Transform ``(..., bins, frames, 2)`` back to ``(..., time)``."""
        if spectrum.is_meta:
            # The inverse reads the values of its window, which do not exist on the meta device.
            # To count FLOPs, only the shape and the path of the gradients matter.
            return spectrum.sum((-3, -2, -1)).unsqueeze(-1).expand(*spectrum.shape[:-3], time)
        min_time = self.stft.n_fft // 2 + 1
        return self.istft(spectrum.contiguous(), length=max(time, min_time))[..., :time]
