"""Probe systems at the paper's size after random initialization (figures 1 and 9)."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import torch

from upsampling_artifacts.artifacts.measures import predicted_tones
from upsampling_artifacts.artifacts.spectra import spectrogram_db
from upsampling_artifacts.data import signals
from upsampling_artifacts.data.excerpt import excerpt_music
from upsampling_artifacts.errors import error_prefix
from upsampling_artifacts.files import atomic_write
from upsampling_artifacts.models.build import build_model
from upsampling_artifacts.models.memory import low_memory
from upsampling_artifacts.probes.layer_tracer import tone_strides
from upsampling_artifacts.probes.measures_table import label_measures, write_measures
from upsampling_artifacts.probes.model_probe import probe_model, run
from upsampling_artifacts.progress import Progress

MARKED_STRIDE = 32
"""Figures 1 and 9 mark tones at multiples of rate / stride for products of strides up to this, the
finest spacing that they resolve: rate / 16 for Demucs and rate / 32 for MelGAN."""


def probe_system(
    system: dict,
    name: str,
    seeds: list[int],
    shape: dict,
    signal_seconds: float,
    spectrogram_seconds: float,
    csv_path: str | Path,
    arrays_path: str | Path,
    threads: int = 1,
) -> None:
    """Probe a system after random initialization with several seeds, one at a time.

    A network of 700M parameters takes 3 GB, so each is freed before the next is built.

    Args:
        system: ``{"architecture", "options", "upsampler"}`` as for
            :func:`models.build.build_model`.
        name: Name of the system in the table.
        seeds: Seeds of the weights.
        shape: ``rate_hz``, ``n_sources`` and ``audio_channels``.
        signal_seconds: Length of the test signals.
        spectrogram_seconds: Length of the white noise whose spectrogram is saved (first seed).
        csv_path: Where to write the measures.
        arrays_path: Where to write the spectrograms of input and output (``.npz``).
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    rate_hz, channels = shape["rate_hz"], shape["audio_channels"]
    build = {key: shape[key] for key in ("n_sources", "audio_channels")}
    music = excerpt_music(rate_hz, channels, signal_seconds)
    test_signals = signals.test_signals(signal_seconds, rate_hz, channels, music)
    tables = []
    progress = Progress(len(seeds), f"probing {name}")
    for seed in seeds:
        with error_prefix(f"system '{name}'"):
            model = build_model(**system, **build, seed=seed).eval()
        with low_memory(model):
            result = probe_model(model, test_signals, rate_hz)
            if seed == seeds[0]:
                noise = signals.white_noise(spectrogram_seconds, rate_hz, channels)
                strides = tone_strides(result.layers, MARKED_STRIDE)
                _save_spectrograms(model, noise, rate_hz, strides, arrays_path)
        tables.append(label_measures(result.measures, name, seed, "initialization"))
        del model
        gc.collect()
        progress.step()
    write_measures(tables, csv_path)


def _save_spectrograms(
    model: torch.nn.Module, noise: np.ndarray, rate_hz: int, strides: list[int], path: str | Path
) -> None:
    """Save spectrograms of white noise and of the model's output for it (figures 1 and 9)."""
    arrays: dict[str, Any] = {"rate_hz": rate_hz, "tones_hz": predicted_tones(rate_hz, strides)}
    # The last skip connection fills the valleys of all layers but the last.
    arrays["valleys_hz"] = predicted_tones(rate_hz, strides[:1])
    for prefix, signal in {"input_": noise, "": run(model, noise[None])[0]}.items():
        frequencies_hz, times_seconds, level_db = spectrogram_db(signal, rate_hz)
        arrays[f"{prefix}frequencies_hz"] = frequencies_hz
        arrays[f"{prefix}times_seconds"] = times_seconds
        arrays[f"{prefix}noise_db"] = level_db.astype(np.float16)
    with atomic_write(path) as unfinished:
        np.savez_compressed(unfinished, **arrays)
