"""Separation of recordings of any length in overlapping chunks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CHUNKS_AT_ONCE = 8


@torch.no_grad()
def overlap_add(model: nn.Module, mixture: Tensor, chunk: int) -> Tensor:
    """Separate a recording in chunks that overlap by half.

    Chunks have the length of the training segments, because the LSTM does not generalize to longer
    ones. The estimates are cross-faded with triangular weights. Their sum is constant where two
    chunks overlap and lower at both ends of the recording; the result is divided by it.

    Args:
        model: From ``(batch, channels, time)`` to ``(batch, sources, channels, time)``.
        mixture: ``(channels, time)``.
        chunk: Length of a chunk in samples.

    Returns:
        ``(sources, channels, time)``.

    Example:
        >>> class Halve(nn.Module):
        ...     def forward(self, mixture):
        ...         return torch.stack([mixture, mixture], dim=1) / 2
        >>> overlap_add(Halve(), torch.ones(1, 7), chunk=4).tolist()
        [[[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]], [[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]]]
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
    assert result is not None  # every recording has a chunk
    return (result / total)[..., :time]
