"""Probe the snapshots of one training run: how its tones change while it trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from upsampling_artifacts.data import signals
from upsampling_artifacts.models.memory import low_memory
from upsampling_artifacts.models.saved import load_model
from upsampling_artifacts.probes.arithmetic import Arithmetic, arithmetics, computing
from upsampling_artifacts.probes.measures_table import (
    PLAYBACK_DB_SPL,
    SNAPSHOT,
    VARIANT_COLUMNS,
    label_measures,
    write_measures,
)
from upsampling_artifacts.probes.model_probe import OUTPUT, probe_model
from upsampling_artifacts.probes.variants import EDGE_SECONDS, LAST_STRIDE

MEASURES = ("line_level", "audibility_margin", "masking_margin")


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
            measures = _measure(model, separation, about, chunk, signal_seconds)
        table = label_measures(measures, name, seed, SNAPSHOT).assign(
            song="",
            arithmetic=separation.name,
            implementation=separation.implementation,
            precision=separation.precision,
            step=about["step"],
        )
        tables.append(table[VARIANT_COLUMNS])
    write_measures(tables, csv_path)


def _measure(
    model: nn.Module, separation: Arithmetic, about: dict[str, Any], chunk: int, seconds: float
) -> pd.DataFrame:
    """The tones in quiet, processed in one piece, and in noise, processed in chunks."""
    rate_hz, channels = about["rate_hz"], about["audio_channels"]
    settled = seconds + 2 * EDGE_SECONDS
    quiet = {
        "silence": signals.silence(settled, rate_hz, channels),
        "near_silence": signals.near_silence(settled, rate_hz, channels),
    }
    noise = {"noise": signals.white_noise(seconds, rate_hz, channels)}
    edge = round(EDGE_SECONDS * rate_hz)
    results = [
        probe_model(
            model,
            test_signals,
            rate_hz,
            chunk=piece,
            fallback_strides=[LAST_STRIDE],
            edge=margin,
            as_it_runs="fused" in separation.implementations,
            unit_rms_db_spl=PLAYBACK_DB_SPL,
        ).measures
        for test_signals, piece, margin in ((quiet, None, edge), (noise, chunk, 0))
    ]
    measures = pd.concat(results)
    return measures[(measures["layer"] == OUTPUT) & measures["measure"].isin(MEASURES)]
