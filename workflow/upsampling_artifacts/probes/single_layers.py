"""Probe single x4 upsampling layers with random weights, and predict the result from theory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from upsampling_artifacts.artifacts.filtering import power_density
from upsampling_artifacts.artifacts.measures import NO_FREQUENCY
from upsampling_artifacts.artifacts.polyphase import phase_means, phase_tone_db
from upsampling_artifacts.artifacts.spectral_images import replica_level_db
from upsampling_artifacts.artifacts.theory import (
    droop_db,
    layer_theory,
    predicted_measures,
)
from upsampling_artifacts.errors import error_prefix
from upsampling_artifacts.models.build import build_layer
from upsampling_artifacts.probes.measures_table import (
    COLUMNS,
    LAYER,
    PREDICTED,
    label_measures,
    write_measures,
)
from upsampling_artifacts.probes.model_probe import run
from upsampling_artifacts.progress import Progress

STRIDE = 4
WIDTH = 64
"""Channels of the input and of the output."""

RATE_HZ = 32_000
NOISE_SAMPLES, OFFSET_SAMPLES = 4096, 256
"""Lengths of the inputs. A DC offset needs few samples: only the ends of its response vary."""

MEASURES = ("offset_replica_level", "replica_level", "passband_droop")


def probe_layers(
    layers: dict[str, dict], seeds: list[int], csv_path: str | Path, threads: int = 1
) -> None:
    """Probe single upsampling layers; in the table, the models are called "layer_<name>".

    Args:
        layers: By name, ``{"name": ..., **options}`` as for :func:`models.build.build_layer`.
        seeds: Seeds of the weights and of the inputs.
        csv_path: Where to write the measures.
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    tables = []
    progress = Progress(len(layers) * len(seeds), "probing single layers")
    for name, upsampler in layers.items():
        for seed in seeds:
            with error_prefix(f"layer '{name}'"):
                measures = probe_layer(upsampler, seed)
            tables.append(label_measures(measures, f"{LAYER}{name}", seed, "initialization"))
            progress.step()
    write_measures(tables, csv_path)


def probe_layer(upsampler: dict, seed: int) -> pd.DataFrame:
    """Measure one layer without biases; predict each measure as ``<measure>_predicted``.

    - ``offset_replica_level`` (the tonal artifact): fed a random DC offset per channel, energy at
      all multiples of rate / stride re that at 0 Hz.
    - ``replica_level`` (the spectral images): fed white noise, mean density above the old Nyquist
      frequency re that below.
    - ``passband_droop`` (the filtering artifact): fed white noise, how far the density at three
      quarters of the old Nyquist frequency lies below that near 0 Hz.

    Args:
        upsampler: ``{"name": ..., **options}`` as for :func:`models.build.build_layer`.
        seed: Seed of the weights and of the inputs.

    Returns:
        A table with the columns :data:`measures_table.COLUMNS`; without predictions for a
        user-supplied class, which has no theory.

    Raises:
        InputError: The layer cannot be built.

    >>> table = probe_layer({"name": "nearest", "length": 9}, seed=0)
    >>> table.set_index("measure")["value"]["replica_level_predicted"].round(1)
    np.float64(-10.4)
    """
    layer = build_layer(upsampler, WIDTH, WIDTH, STRIDE, bias=False, seed=seed).eval()
    generator = torch.Generator().manual_seed(seed)
    offsets = torch.randn(1, WIDTH, 1, generator=generator).expand(-1, -1, OFFSET_SAMPLES)
    steady = output(layer, offsets)[:, STRIDE * OFFSET_SAMPLES // 4 : -STRIDE * OFFSET_SAMPLES // 4]
    noise = output(layer, torch.randn(1, WIDTH, NOISE_SAMPLES, generator=generator))
    frequencies_hz, power = power_density(noise, RATE_HZ)
    values = {
        "offset_replica_level": ("offsets", phase_tone_db(phase_means(steady, STRIDE))),
        "replica_level": ("noise", replica_level_db(noise, RATE_HZ, STRIDE)),
        "passband_droop": ("noise", droop_db(frequencies_hz / RATE_HZ, power, STRIDE)),
    }
    theory = layer_theory(upsampler, STRIDE)
    if theory is not None:
        predicted = predicted_measures(theory, STRIDE)
        values |= {f"{key}{PREDICTED}": (values[key][0], predicted[key]) for key in MEASURES}
    rows = [
        (signal, "output", measure, NO_FREQUENCY, value, "dB")
        for measure, (signal, value) in values.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def output(layer: nn.Module, x: torch.Tensor) -> np.ndarray:
    """Run a layer: ``(1, channels, time)`` to ``(channels, time)``."""
    return run(layer, x.numpy())[0]
