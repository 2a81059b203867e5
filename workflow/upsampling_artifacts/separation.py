"""Separating whole songs with a trained model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from upsampling_artifacts.data.cached_song import CachedSong, waveform
from upsampling_artifacts.estimates import Separate
from upsampling_artifacts.models.saved import load_model

CHUNKS_AT_ONCE = 8


@torch.no_grad()
def overlap_add(model: nn.Module, mixture: Tensor, chunk: int) -> Tensor:
    """Separate a recording of any length in chunks that overlap by half.

    The chunks have the length the model was trained on: its LSTM does not carry over to
    longer ones. They are added with triangular weights, and divided by the sum of the weights:
    a constant where two chunks overlap, and less at both ends.

    Args:
        model: From ``(batch, channels, time)`` to ``(batch, sources, channels, time)``.
        mixture: ``(channels, time)``.
        chunk: Length of a chunk in samples.

    Returns:
        ``(sources, channels, time)``, exactly as long as the mixture.
    """
    channels, time = mixture.shape
    hop = max(1, chunk // 2)
    starts = list(range(0, max(time - chunk, 0) + hop, hop))
    padded = torch.zeros(channels, starts[-1] + chunk, device=mixture.device)
    padded[:, :time] = mixture
    weight = torch.minimum(torch.arange(1, chunk + 1), torch.arange(chunk, 0, -1)).to(padded)
    total = torch.zeros_like(padded[0])
    result: Tensor | None = None
    for first in range(0, len(starts), CHUNKS_AT_ONCE):
        group = starts[first : first + CHUNKS_AT_ONCE]
        estimates = model(torch.stack([padded[:, s : s + chunk] for s in group]))
        if result is None:
            result = padded.new_zeros(*estimates.shape[1:3], padded.shape[-1])
        for start, estimate in zip(group, estimates, strict=True):
            result[..., start : start + chunk] += weight * estimate
            total[start : start + chunk] += weight
    return (result / total)[..., :time]


def model_separator(
    model_path: str | Path, accelerator: str = "auto", threads: int = 1
) -> Separate:
    """A trained model as a function from songs to estimates.

    Args:
        model_path: As :func:`models.saved.save_model` wrote it.
        accelerator: "cpu", "cuda", or "auto" for a GPU if there is one.
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    gpu = accelerator == "cuda" or (accelerator == "auto" and torch.cuda.is_available())
    device = "cuda" if gpu else "cpu"
    model, about = load_model(model_path)
    model.to(device)
    chunk = round(about["segment_seconds"] * about["rate_hz"])

    def separate(song: CachedSong) -> np.ndarray:
        # The original recipe: a song is normalised by its mixture before, and back after.
        mixture = torch.from_numpy(waveform(song.mixture)).to(device) / song.scale
        return (overlap_add(model, mixture, chunk) * song.scale).cpu().numpy()

    return separate
