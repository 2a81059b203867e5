"""The loss with which networks are trained and validated (section 6 of the paper)."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from upsampling_artifacts.data.segments import Batch, to_waveforms


def loss_function(
    model: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor] = F.l1_loss
) -> Tensor:
    """Compare estimated and true waveforms, relative to the song's deviation.

    A network with ``own_loss`` (see :mod:`models`) returns its training loss itself. In evaluation
    mode, all networks use ``loss``.

    Args:
        model: From ``(batch, channels, time)`` to ``(batch, sources, channels, time)``.
        batch: int16 segments of stems and their scale factors; see :mod:`data.segments`.
        loss: From estimate and target, both ``(batch, sources, channels, time)``, to a scalar; by
            default the L1 distance, with which all networks are validated.

    Returns:
        A scalar.
    """
    stems = to_waveforms(batch)
    mixture = stems.sum(dim=1)
    if getattr(model, "own_loss", False) and model.training:
        return model(mixture, stems)
    return loss(model(mixture), stems)
