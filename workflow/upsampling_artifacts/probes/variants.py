"""Probes of the systems as they are trained here, before and after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from upsampling_artifacts.data import signals
from upsampling_artifacts.data.cached_song import read_cache
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.models.memory import low_memory
from upsampling_artifacts.models.saved import build_described, load_model
from upsampling_artifacts.probes.measures_table import labelled, write_measures
from upsampling_artifacts.probes.model_probe import probe_model

LAST_STRIDE = 4
"""Of the last upsampling layer of the Demucs-like systems. A system without such layers is
measured at the same frequencies, for comparison."""


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
    """Probe a variant as it is trained here, and write what was found.

    Args:
        system: ``{"architecture", "options", "upsampler"}`` as for
            :func:`models.build.build_model`.
        name: The system's name.
        seed: Names the initial weights.
        model_path: A trained model; None for the weights as training begins.
        song: A cached song, whose mixture is the music.
        segment_seconds: Length of the chunks.
        signal_seconds: Length of the signals.
        csv_path: Where to write the table.
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
        probe = probe_model(model, test_signals, rate_hz, chunk, [LAST_STRIDE])
    stage = "trained" if model_path else "initialization"
    with atomic_write(arrays_path) as unfinished:
        np.savez_compressed(unfinished, **probe.arrays)
    write_measures([labelled(probe.measures, name, seed, stage)], csv_path)
