"""Probe the variants, the systems that this pipeline trains, before and after training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from upsampling_artifacts.data import signals
from upsampling_artifacts.data.cached_song import read_cache
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.models.memory import low_memory
from upsampling_artifacts.models.saved import build_described, load_model
from upsampling_artifacts.probes.measures_table import label_measures, write_measures
from upsampling_artifacts.probes.model_probe import probe_model

LAST_STRIDE = 4
"""Stride of the last upsampling layer of the Demucs-like systems. For comparison, a system without
upsampling layers is measured at the same frequencies."""


def probe_variant(
    system: dict,
    name: str,
    seed: int,
    model_path: str | None,
    song: str,
    segment_seconds: float,
    signal_seconds: float,
    csv_path: str | Path,
    arrays_path: str | Path,
    threads: int = 1,
) -> None:
    """Probe a variant before or after training and write its measures and spectrograms.

    Args:
        system: ``{"architecture", "options", "upsampler"}`` as for
            :func:`models.build.build_model`.
        name: Name of the system in the table.
        seed: Seed of the initial weights.
        model_path: A trained model; None for the initial weights.
        song: A cached song whose mixture is the music among the test signals.
        segment_seconds: Length of the chunks in which the model processes a signal.
        signal_seconds: Length of the test signals.
        csv_path: Where to write the measures.
        arrays_path: Where to write the spectrograms (``.npz``).
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    cached = read_cache(song)
    channels, rate_hz = cached.mixture.shape[0], cached.rate_hz
    if model_path:
        model, _ = load_model(model_path)
    else:
        shape = {"sources": cached.sources, "audio_channels": channels, "seed": seed}
        model = build_described({**system, **shape}).eval()
    music = signals.music(cached, signal_seconds)
    test_signals = signals.test_signals(signal_seconds, rate_hz, channels, music)
    with low_memory(model):
        chunk = round(segment_seconds * rate_hz)
        result = probe_model(model, test_signals, rate_hz, chunk, [LAST_STRIDE])
    stage = "trained" if model_path else "initialization"
    arrays: dict[str, Any] = result.arrays
    with atomic_write(arrays_path) as unfinished:
        np.savez_compressed(unfinished, **arrays)
    write_measures([label_measures(result.measures, name, seed, stage)], csv_path)
