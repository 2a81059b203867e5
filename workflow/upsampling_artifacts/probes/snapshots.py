"""Probe the snapshots of one training run: how its tones change while it trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from upsampling_artifacts.artifacts.lines import measure_lines
from upsampling_artifacts.artifacts.masking import masking_margins_db
from upsampling_artifacts.artifacts.measures import predicted_tones
from upsampling_artifacts.data import signals
from upsampling_artifacts.models.memory import low_memory
from upsampling_artifacts.models.saved import load_model
from upsampling_artifacts.probes.arithmetic import arithmetics, computing
from upsampling_artifacts.probes.layer_tracer import find_layers, tone_strides
from upsampling_artifacts.probes.measures_table import (
    COLUMNS,
    PLAYBACK_DB_SPL,
    SNAPSHOT,
    VARIANT_COLUMNS,
    label_measures,
    write_measures,
)
from upsampling_artifacts.probes.model_probe import OUTPUT, run
from upsampling_artifacts.probes.variants import EDGE_SECONDS, LAST_STRIDE


def probe_snapshots(
    folder: str | Path,
    name: str,
    seed: int,
    signal_seconds: float,
    csv_path: str | Path,
    threads: int = 1,
) -> None:
    """Measure the tones of each snapshot in silence, near-silence and white noise.

    A snapshot is measured as it would separate, with the signals that a trained variant is probed
    with (:mod:`probes.variants`). The other signals and measures would take most of the time and
    say no more of when a tone appears.

    Args:
        folder: The snapshots (:mod:`training.snapshots`).
        name: Name of the system in the table.
        seed: Seed of the training run.
        signal_seconds: Length of the test signals.
        csv_path: Where to write the measures (:data:`measures_table.VARIANT_COLUMNS`).
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    tables = [pd.DataFrame(columns=VARIANT_COLUMNS)]
    for path in sorted(Path(folder).glob("*.safetensors")):
        model, about = load_model(path)
        chunk = round(about["segment_seconds"] * about["rate_hz"])
        separation = arithmetics(model, (about["audio_channels"], chunk), about)[0]
        with low_memory(model), computing(model, separation):
            measures = _measure(model, about, chunk, signal_seconds)
        table = label_measures(measures, name, seed, SNAPSHOT).assign(
            song="",
            arithmetic=separation.name,
            implementation=separation.implementation,
            precision=separation.precision,
            step=about["step"],
        )
        tables.append(table[VARIANT_COLUMNS])
    write_measures(tables, csv_path)


def _measure(model: nn.Module, about: dict[str, Any], chunk: int, seconds: float) -> pd.DataFrame:
    """The tones in quiet, processed in one piece, and in noise, processed in chunks."""
    rate_hz, channels = about["rate_hz"], about["audio_channels"]
    layers = find_layers(model, torch.zeros(1, channels, chunk))
    tones_hz = predicted_tones(rate_hz, tone_strides(layers) or [LAST_STRIDE])
    edge = round(EDGE_SECONDS * rate_hz)
    settled = seconds + 2 * EDGE_SECONDS
    quiet = {
        "silence": signals.silence(settled, rate_hz, channels),
        "near_silence": signals.near_silence(settled, rate_hz, channels),
    }
    outputs = {name: run(model, signal[None])[0][:, edge:-edge] for name, signal in quiet.items()}
    outputs["noise"] = run(model, signals.white_noise(seconds, rate_hz, channels)[None], chunk)[0]
    rows = [
        (signal, OUTPUT, measure, tone_hz, value, "dB")
        for signal, output in outputs.items()
        for measure, values in _measure_tones(output, rate_hz, tones_hz).items()
        for tone_hz, value in zip(tones_hz, values, strict=True)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _measure_tones(
    output: np.ndarray, rate_hz: float, tones_hz: np.ndarray
) -> dict[str, list[float]]:
    return {
        "line_level": [line.level_db for line in measure_lines(output, rate_hz, tones_hz)],
        "audibility_margin": masking_margins_db(output, rate_hz, tones_hz, PLAYBACK_DB_SPL),
    }
