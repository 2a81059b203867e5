"""Separate whole songs with a trained model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from upsampling_artifacts.data.cached_song import CachedSong, waveform
from upsampling_artifacts.evaluation.estimates import Separate
from upsampling_artifacts.models.overlap_add import overlap_add
from upsampling_artifacts.models.saved import load_model

MAX_SHIFT_SECONDS = 0.5


def model_separator(
    model_path: str | Path, accelerator: str = "auto", threads: int = 1, n_shifts: int = 0
) -> Separate:
    """Load a trained model as a function from songs to estimates.

    Args:
        model_path: A file written by :func:`models.saved.save_model`.
        accelerator: "cpu", "cuda", or "auto" for a GPU if available.
        threads: Number of CPU threads.
        n_shifts: Number of random shifts over which the estimates are averaged
            (:func:`average_over_shifts`); 0 separates the song once, as it is.

    Returns:
        A function for :func:`estimates.separate_songs`.
    """
    torch.set_num_threads(threads)
    gpu = accelerator == "cuda" or (accelerator == "auto" and torch.cuda.is_available())
    device = "cuda" if gpu else "cpu"
    model, about = load_model(model_path)
    model.to(device)
    chunk = round(about["segment_seconds"] * about["rate_hz"])
    max_shift = round(MAX_SHIFT_SECONDS * about["rate_hz"])

    def separate(song: CachedSong) -> np.ndarray:
        # As in the original recipe: normalize by the mixture, separate, undo the normalization.
        mixture = torch.from_numpy(waveform(song.mixture)).to(device) / song.scale
        # By default, recent GPUs round the factors of convolutions to 10 bits (TF32). Estimates
        # are those of float32 on every machine, and what a probe on a CPU measures.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            if n_shifts:
                estimates = average_over_shifts(model, mixture, chunk, n_shifts, max_shift)
            else:
                estimates = overlap_add(model, mixture, chunk)
        return (estimates * song.scale).cpu().numpy()

    return separate


def average_over_shifts(
    model: nn.Module, mixture: Tensor, chunk: int, n_shifts: int, max_shift: int
) -> Tensor:
    """Average the estimates of randomly delayed mixtures (Demucs, Défossez et al. 2019).

    A strided network treats delayed copies of a mixture differently; the average of their realigned
    estimates is closer to the sources. A tone whose phase is fixed to the network's strides
    averages out as well, if the delays differ in their remainders.

    Args:
        model: As for :func:`models.overlap_add.overlap_add`.
        mixture: ``(channels, time)``.
        chunk: Length of a chunk in samples.
        n_shifts: Number of delays. They are the same for every song and model, so that
            differences between systems are paired.
        max_shift: Largest delay in samples.

    Returns:
        ``(sources, channels, time)``.
    """
    delays = np.random.default_rng(0).integers(0, max_shift, size=n_shifts, endpoint=True)
    time = mixture.shape[-1]
    estimates = (
        overlap_add(model, pad(mixture, (delay, 0)), chunk)[..., delay : delay + time]
        for delay in delays.tolist()
    )
    return torch.stack(list(estimates)).mean(dim=0)
