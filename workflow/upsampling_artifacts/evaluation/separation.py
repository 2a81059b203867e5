"""Separate whole songs with a trained model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from upsampling_artifacts.data.cached_song import CachedSong, waveform
from upsampling_artifacts.evaluation.estimates import Separate
from upsampling_artifacts.models.overlap_add import overlap_add
from upsampling_artifacts.models.saved import load_model


def model_separator(
    model_path: str | Path, accelerator: str = "auto", threads: int = 1
) -> Separate:
    """Load a trained model as a function from songs to estimates.

    Args:
        model_path: A file written by :func:`models.saved.save_model`.
        accelerator: "cpu", "cuda", or "auto" for a GPU if available.
        threads: Number of CPU threads.

    Returns:
        A function for :func:`estimates.separate_songs`.
    """
    torch.set_num_threads(threads)
    gpu = accelerator == "cuda" or (accelerator == "auto" and torch.cuda.is_available())
    device = "cuda" if gpu else "cpu"
    model, about = load_model(model_path)
    model.to(device)
    chunk = round(about["segment_seconds"] * about["rate_hz"])

    def separate(song: CachedSong) -> np.ndarray:
        # As in the original recipe: normalize by the mixture, separate, undo the normalization.
        mixture = torch.from_numpy(waveform(song.mixture)).to(device) / song.scale
        # By default, recent GPUs round the factors of convolutions to 10 bits (TF32). Estimates
        # are those of float32 on every machine, and what a probe on a CPU measures.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            return (overlap_add(model, mixture, chunk) * song.scale).cpu().numpy()

    return separate
