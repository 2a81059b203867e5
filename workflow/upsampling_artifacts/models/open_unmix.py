"""Open-Unmix: network, transform and filter of the package ``openunmix``, trained here.

Stöter et al., "Open-Unmix - a reference implementation for music source separation" (2019). The
package provides the network, with 8,893,348 parameters per source at full size
(tests/models/test_open_unmix.py), but not its training.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from openunmix.filtering import wiener
from openunmix.model import OpenUnmix as SourceNetwork
from torch import Tensor, nn
from torch.nn import functional as F

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.filterbank import Filterbank

MIN_SCALE = 1e-4
"""Smallest standard deviation of a frequency bin re the largest, as in the original recipe."""


class OpenUnmix(nn.Module):
    """One network per source estimates its magnitude spectrogram; Wiener filters do the rest.

    There is no upsampling layer: waveforms come from the inverse transform. Training follows the
    package's recipe: the mean squared error of magnitude spectrograms, Adam with weight decay (keys
    of ``training`` in config), and each frequency bin normalized by the mean and deviation of the
    training mixtures. We depart from it as follows:

    - All networks are trained together on the same segments. The sum of their losses has the
      gradients of separate training runs. Like every system here, they are validated by the L1
      distance of the separated waveforms.
    - Segments, augmentation and loudness are those of all systems here (section 6 of the paper):
      songs are scaled to unit deviation. The learning rate is constant; the original lowers it
      when the validation loss stagnates.
    - A song is filtered in the chunks in which it is separated, not in excerpts of 300 frames.
    - With several GPUs, batch normalization uses the statistics of the first GPU's segments. With
      ``training.gradient_accumulation``, each part of a batch uses its own statistics.

    Shape:
        - Input: ``(batch, audio_channels, time)``, any ``time >= 1``; for the loss also the
          stems, ``(batch, n_sources, audio_channels, time)``
        - Output: ``(batch, n_sources, audio_channels, time)``, or the loss

    Args:
        n_sources: Number of sources to separate.
        audio_channels: Channels of the mixture and of each source: one or two.
        n_fft: Frame length of the spectrograms in samples.
        hop: Distance between frames in samples.
        hidden: Width of each network.
        lstm_layers: Layers of its bidirectional LSTM.
        max_bin: Number of frequency bins at the network's input, from the lowest (1487 of 2049
            reach 16 kHz); it always estimates all bins. None: all.
        wiener_iterations: Iterations of the expectation-maximization that refines the estimates;
            0 for none.

    Raises:
        InputError: There are more than two channels, which the package's filter does not support.
    """

    own_loss = True

    def __init__(
        self,
        *,
        n_sources: int,
        audio_channels: int,
        n_fft: int = 4096,
        hop: int = 1024,
        hidden: int = 512,
        lstm_layers: int = 3,
        max_bin: int | None = 1487,
        wiener_iterations: int = 1,
    ):
        super().__init__()
        if audio_channels > 2:
            raise InputError(
                f"open_unmix: cannot separate {audio_channels} channels; use mono or stereo"
            )
        self.wiener_iterations = wiener_iterations
        self.filterbank = Filterbank(n_fft, hop)
        self.networks = nn.ModuleList(
            SourceNetwork(
                n_fft // 2 + 1,
                audio_channels,
                hidden_size=hidden,
                nb_layers=lstm_layers,
                max_bin=max_bin,
            )
            for _ in range(n_sources)
        )

    @torch.no_grad()
    def adapt_to(self, mixtures: Iterable[Tensor]) -> None:
        """Initialize each bin's shift and scale from the statistics of the training songs.

        Args:
            mixtures: ``(audio_channels, time)`` each, scaled as in training.
        """
        n_frames = 0
        total = squares = torch.zeros((), dtype=torch.float64)
        for mixture in mixtures:
            frames = self._magnitude(self.filterbank.analyze(mixture[None])).mean(1)[0].double()
            n_frames += frames.shape[-1]
            total = total + frames.sum(-1)
            squares = squares + frames.square().sum(-1)
        mean = total / n_frames
        deviation = (squares / n_frames - mean.square()).clamp(min=0).sqrt()
        scale = deviation.clamp(min=MIN_SCALE * deviation.max())
        network: Any
        for network in self.networks:
            n_bins = network.nb_bins
            network.input_mean.copy_(-mean[:n_bins])
            network.input_scale.copy_(1 / scale[:n_bins])

    def forward(self, mixture: Tensor, stems: Tensor | None = None) -> Tensor:
        spectrum = self.filterbank.analyze(mixture)
        magnitude = self._magnitude(spectrum)
        estimates = [network(magnitude) for network in self.networks]
        if stems is None:
            return self._wiener_filter(torch.stack(estimates, dim=-1), spectrum, mixture.shape[-1])
        losses = [
            F.mse_loss(estimate, self._magnitude(self.filterbank.analyze(stem)))
            for estimate, stem in zip(estimates, stems.unbind(1), strict=True)
        ]
        return sum(losses[1:], losses[0])

    def _wiener_filter(self, estimates: Tensor, spectrum: Tensor, time: int) -> Tensor:
        """Waveforms of the estimated magnitudes ``(batch, channels, bins, frames, n_sources)``."""
        filtered = [
            wiener(estimate, mixture, self.wiener_iterations)
            for estimate, mixture in zip(
                estimates.permute(0, 3, 2, 1, 4), spectrum.permute(0, 3, 2, 1, 4), strict=True
            )
        ]
        # The package's filter returns (batch, frames, bins, channels, 2, n_sources).
        sources = torch.stack(filtered).permute(0, 5, 3, 2, 1, 4)
        return self.filterbank.synthesize(sources, time)

    @staticmethod
    def _magnitude(spectrum: Tensor) -> Tensor:
        return torch.view_as_complex(spectrum).abs()
