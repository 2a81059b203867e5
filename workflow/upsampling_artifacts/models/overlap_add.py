"""Running a network over a recording of any length, in overlapping chunks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

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
