"""Probe the snapshots of one training run: how its tones change while it trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from upsampling_artifacts.models.memory import low_memory
from upsampling_artifacts.models.saved import load_model
from upsampling_artifacts.probes.arithmetic import arithmetics, computing
from upsampling_artifacts.probes.layer_tracer import find_layers, tone_strides
from upsampling_artifacts.probes.measures_table import (
    SNAPSHOT,
    VARIANT_COLUMNS,
    write_measures,
)
from upsampling_artifacts.probes.variants import (
    LAST_STRIDE,
    quiet_and_noise,
    run_probe,
    source_tones,
)

MEASURES = ("line_level", "audibility_margin")


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
        table = measures.assign(
            model=name,
            seed=seed,
            stage=SNAPSHOT,
            song="",
            arithmetic=separation.name,
            implementation=separation.implementation,
            precision=separation.precision,
            step=about["step"],
        )
        tables.append(table[VARIANT_COLUMNS])
    write_measures(tables, csv_path)


def _measure(model: nn.Module, about: dict[str, Any], chunk: int, seconds: float) -> pd.DataFrame:
    """The tones of each source in quiet and in noise."""
    rate_hz, channels = about["rate_hz"], about["audio_channels"]
    strides = tone_strides(find_layers(model, torch.zeros(1, channels, chunk))) or [LAST_STRIDE]
    table = pd.concat(
        source_tones(
            probe, run_probe(model, probe, chunk), about["sources"], rate_hz, strides, chance=False
        )
        for probe in quiet_and_noise(seconds, rate_hz, channels)
    )
    return table[table["measure"].isin(MEASURES)]
