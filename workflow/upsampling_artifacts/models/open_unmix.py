"""Open-Unmix: the network, transform and filter of the ``openunmix`` package, trained here.

Stöter et al., "Open-Unmix - a reference implementation for music source separation" (2019).
The package ships the network, 8,893,348 parameters per source at full size
(tests/models/test_open_unmix.py), and not how it is trained.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from openunmix.filtering import wiener
from openunmix.model import OpenUnmix as SourceNetwork
from torch import Tensor, nn
from torch.nn import functional as F

from upsampling_artifacts.errors import InputError
from upsampling_artifacts.models.filterbank import Filterbank

SMALLEST_SCALE = 1e-4
"""Of a frequency bin's standard deviation, re the largest, as in the original recipe."""


class OpenUnmix(nn.Module):
    """One network per source estimates its magnitude spectrogram; Wiener filters do the rest.

    No layer raises the rate: waveforms come from the inverse transform. The package's recipe,
    re-created: the mean squared error of magnitude spectrograms, Adam with weight decay (keys of
    ``training`` in config), each frequency bin shifted and scaled by the mean and deviation of
    the training mixtures. What is ours:

    - The networks are trained in one go, on the same segments; the sum of their losses has the
      gradients of separate trainings. They are validated together, as all systems are, by the
      L1 distance of their filtered waveforms.
    - Segments, augmentation and loudness are those of all systems here (section 6 of the paper):
      songs are scaled to unit deviation. The learning rate stays as it is; the original lowers it
      when the validation loss no longer falls.
    - A song is filtered in the chunks it is separated in, not in excerpts of 300 frames.
    - With several GPUs, the statistics of batch normalization are those of the first one's
      segments; with ``training.gradient_accumulation``, each part of a batch is normalized by
      its own.

    Shape:
        - Input: ``(batch, audio_channels, time)``, any ``time >= 1``; for the loss also the
          stems, ``(batch, n_sources, audio_channels, time)``
        - Output: ``(batch, n_sources, audio_channels, time)``, or the loss

    Args:
        n_sources: Number of sources to separate.
        audio_channels: Channels of the mixture, and of each source: one or two.
        n_fft: Length of a frame of the spectrograms in samples.
        hop: Distance between frames in samples.
        hidden: Width of each network.
        lstm_layers: Layers of its bidirectional LSTM.
        max_bin: Frequency bins that it hears, from the lowest (1487 of 2049 are 16 kHz); it
            estimates all. None: it hears all, too.
        wiener_iterations: Of the expectation maximization that refines the estimates; 0 for none.

    Raises:
        InputError: More than two channels, which the package's filter does not take.
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
                f"open_unmix: separates mono and stereo, not {audio_channels} channels"
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
        """Set each bin's shift and scale, from which training starts, by the training songs.

        Args:
            mixtures: ``(audio_channels, time)`` each, scaled as in training.
        """
        n_frames = total = squares = 0
        for mixture in mixtures:
            frames = self._magnitude(self.filterbank.analyse(mixture[None])).mean(1)[0].double()
            n_frames += frames.shape[-1]
            total = total + frames.sum(-1)
            squares = squares + frames.square().sum(-1)
        mean = total / n_frames
        deviation = (squares / n_frames - mean.square()).clamp(min=0).sqrt()
        scale = deviation.clamp(min=SMALLEST_SCALE * deviation.max())
        for network in self.networks:
            heard = network.nb_bins
            network.input_mean.copy_(-mean[:heard])
            network.input_scale.copy_(1 / scale[:heard])

    def forward(self, mixture: Tensor, stems: Tensor | None = None) -> Tensor:
        spectrum = self.filterbank.analyse(mixture)
        magnitude = self._magnitude(spectrum)
        estimates = [network(magnitude) for network in self.networks]
        if stems is None:
            return self._filtered(torch.stack(estimates, dim=-1), spectrum, mixture.shape[-1])
        return sum(
            F.mse_loss(estimate, self._magnitude(self.filterbank.analyse(stem)))
            for estimate, stem in zip(estimates, stems.unbind(1), strict=True)
        )

    def _filtered(self, estimates: Tensor, spectrum: Tensor, time: int) -> Tensor:
        """Magnitudes ``(batch, channels, bins, frames, n_sources)`` to waveforms."""
        filtered = [
            wiener(estimate, mixture, self.wiener_iterations)
            for estimate, mixture in zip(
                estimates.permute(0, 3, 2, 1, 4), spectrum.permute(0, 3, 2, 1, 4), strict=True
            )
        ]
        # (batch, frames, bins, channels, 2, n_sources), as the package's filter has it
        sources = torch.stack(filtered).permute(0, 5, 3, 2, 1, 4)
        return self.filterbank.synthesise(sources, time)

    @staticmethod
    def _magnitude(spectrum: Tensor) -> Tensor:
        return torch.view_as_complex(spectrum).abs()
