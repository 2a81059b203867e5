"""The loss by which networks are trained and compared."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from upsampling_artifacts.data.segments import Batch, to_waveforms


def loss_function(model: nn.Module, batch: Batch) -> Tensor:
    """L1 distance between the estimated and the true waveforms, normalised by the song.

    A model may be trained by a loss of its own (:mod:`models`); all are validated by this one.
    """
    stems = to_waveforms(batch)
    mixture = stems.sum(dim=1)
    if getattr(model, "own_loss", False) and model.training:
        return model(mixture, stems)
    return F.l1_loss(model(mixture), stems)
