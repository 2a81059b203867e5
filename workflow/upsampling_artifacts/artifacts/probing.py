"""Probing one model: known signals in, its artifacts out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from upsampling_artifacts.artifacts import signals
from upsampling_artifacts.artifacts.lines import measure_line, predicted_frequencies
from upsampling_artifacts.artifacts.spectra import spectrogram_db
from upsampling_artifacts.data.cached_song import read_cache
from upsampling_artifacts.files import written_whole
from upsampling_artifacts.models.memory import low_memory
from upsampling_artifacts.models.saved import build_described, load_model
from upsampling_artifacts.separation import overlap_add

LAST_STRIDE = 4
COLUMNS = ["signal", "frequency_hz", "level_db", "prominence_db"]


def probe_model(
    model: nn.Module, test_signals: dict[str, np.ndarray], rate_hz: int, chunk: int
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Measure what a model makes of each signal.

    The model works through the signal as it does when it separates: in overlapping chunks of
    the length it is trained on. A tone of the last layer has the same phase in every chunk, for
    the chunks begin at multiples of its stride.

    Args:
        model: From ``(batch, channels, time)`` to ``(batch, sources, channels, time)``.
        test_signals: By name, ``(channels, time)`` float32, in the network's units.
        rate_hz: Sampling rate.
        chunk: Chunk length in samples; half of it a multiple of the last stride.

    Returns:
        A table with the columns ``COLUMNS``, one row per signal and predicted frequency, and
        the arrays of the spectrograms: ``frequencies_hz``, ``times_seconds`` and, for each
        signal, ``<signal>_db`` ``(frequency, time)``.
    """
    rows, arrays = [], {}
    for name, signal in test_signals.items():
        output = overlap_add(model, torch.from_numpy(signal), chunk).flatten(0, 1).numpy()
        for frequency_hz in predicted_frequencies(rate_hz, LAST_STRIDE):
            line = measure_line(output, rate_hz, frequency_hz)
            rows.append((name, line.frequency_hz, line.level_db, line.prominence_db))
        arrays["frequencies_hz"], arrays["times_seconds"], level_db = spectrogram_db(
            output, rate_hz
        )
        arrays[f"{name}_db"] = level_db.astype(np.float16)
    return pd.DataFrame(rows, columns=COLUMNS), arrays


def probe_variant(
    system: dict,
    seed: int,
    model_path: str | None,
    song: str,
    segment_seconds: float,
    signal_seconds: float,
    csv_path: str | Path,
    arrays_path: str | Path,
    threads: int = 1,
) -> None:
    """Probe a variant with silence, white noise and music, and write what was found.

    Args:
        system: ``{"architecture", "options", "upsampler"}`` as for :func:`models.build`.
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
    test_signals = {
        "silence": signals.silence(signal_seconds, rate_hz, channels),
        "noise": signals.white_noise(signal_seconds, rate_hz, channels),
        "music": signals.music(cached, signal_seconds),
    }
    with low_memory(model):
        table, arrays = probe_model(model, test_signals, rate_hz, round(segment_seconds * rate_hz))
    with written_whole(arrays_path) as unfinished:
        np.savez_compressed(unfinished, **arrays)
    with written_whole(csv_path) as unfinished:
        table.to_csv(unfinished, index=False, float_format="%.4f")


def gather_lines(probes: list[str | Path], csv_path: str | Path) -> None:
    """Put the tables of many probes into one.

    Args:
        probes: Paths that end in ``<system>/seed-<n>/probe/<state>.csv``.
        csv_path: Where to; columns system, seed, state and ``COLUMNS``.
    """
    tables = []
    for path in map(Path, probes):
        seed = int(path.parents[1].name.removeprefix("seed-"))
        run = {"system": path.parents[2].name, "seed": seed, "state": path.stem}
        tables.append(pd.read_csv(path).assign(**run))
    table = pd.concat(tables)[["system", "seed", "state", *COLUMNS]]
    with written_whole(csv_path) as unfinished:
        table.to_csv(unfinished, index=False)
